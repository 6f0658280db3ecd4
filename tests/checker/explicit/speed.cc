// SPDX-License-Identifier: MIT
// How fast the engine is: explicit_speed [jobs [machine]].  A program, not a test.
#include <fmt/format.h>

#include <cstdlib>
#include <cstring>

#include "checker/explicit/explicit.h"
#include "tests/checker/explicit/machines.h"

namespace {

using namespace iommucheck::checker;

void measure(const char* name, const ConcreteFactory& factory, unsigned jobs) {
  Options options;
  options.jobs = jobs;
  const Exploration e = explore(factory, options);
  const auto transitions = static_cast<double>(e.transitions);
  fmt::print(
      "{:28} words {} jobs {}: {:>10} states {:>11} transitions depth {:>4}  {:6.2f} s  "
      "{:5.2f} M states/s  {:5.1f} ns/transition/job  {:5.1f} B/state  {}\n",
      name, factory()->schema.words(), jobs, e.states, e.transitions, e.depth, e.seconds,
      static_cast<double>(e.states) / e.seconds * 1e-6, e.seconds * 1e9 * jobs / transitions,
      e.bytes_per_state(), iommucheck::checker::name(e.verdict));
}

}  // namespace

int main(int argc, char** argv) {
  const unsigned jobs = argc > 1 ? static_cast<unsigned>(std::atoi(argv[1])) : 1;
  const struct {
    const char* name;
    ConcreteFactory factory;
  } machines[] = {
      {"grid", make<Grid>(3U, 250U, 0U)},
      {"grid-4", make<Grid>(3U, 250U, 3U)},
      {"grid-6", make<Grid>(3U, 250U, 5U)},
      {"mined-4", make<MinedGrid>(3U, 250U, 260U, 3U)},
      {"philosophers", make<Philosophers>(13U, true, true, 0U)},
      {"philosophers-5", make<Philosophers>(13U, true, true, 3U)},
      {"long", make<Grid>(1U, 16000U, 0U)},
  };
  for (const auto& m : machines) {
    if (argc > 2 && std::strcmp(argv[2], m.name) != 0) continue;
    measure(m.name, m.factory, jobs);
  }
}
