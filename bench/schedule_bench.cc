// SPDX-License-Identifier: MIT
// Executions per second of the controlled scheduler: about 60 scheduling points, three threads.
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <memory>
#include <string>

#include "checker/schedule/engine.h"
#include "checker/schedule/random.h"
#include "checker/schedule/systematic.h"

namespace iommucheck::schedule::bench {

struct Table;
extern Table table;
void thread(void* argument);

namespace {

constexpr std::size_t kTableSize = 4 * sizeof(void*) + 4 * sizeof(int) + 128;

void measure(const char* name, std::uint64_t executions,
             const std::function<std::unique_ptr<Strategy>()>& make) {
  Program program;
  for (std::uintptr_t i = 0; i < 3; ++i) {
    program.threads.push_back({"CPU" + std::to_string(i), thread, reinterpret_cast<void*>(i)});
  }
  program.data.push_back({&table, kTableSize});
  Limits limits;
  limits.executions = executions;
  Engine engine;
  const std::clock_t begin = std::clock();  // of the processor: others may be at work, too
  const Statistics statistics = engine.explore(program, limits, make);
  const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  const auto count = static_cast<double>(statistics.executions);
  std::printf(
      "%-12s %8.0f executions, %4.1f points each, %8.0f executions/s, %5.2f million points/s\n",
      name, count, static_cast<double>(statistics.steps) / count, count / seconds,
      static_cast<double>(statistics.steps) / seconds / 1e6);
}

}  // namespace
}  // namespace iommucheck::schedule::bench

int main(int count, char** words) {
  using namespace iommucheck::schedule;  // NOLINT(google-build-using-namespace)
  const std::uint64_t executions = count > 1 ? std::strtoull(words[1], nullptr, 10) : 100'000;
  bench::measure("DPOR", executions, [] {
    return std::make_unique<Systematic>(SystematicOptions{Reduction::dpor, {}, {}});
  });
  bench::measure("bounded DPOR", executions, [] {
    return std::make_unique<Systematic>(SystematicOptions{Reduction::dpor, 2, {}});
  });
  bench::measure("random", executions, [] { return std::make_unique<RandomWalk>(1); });
}
