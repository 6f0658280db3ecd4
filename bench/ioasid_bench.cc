// SPDX-License-Identifier: MIT
// What our allocator costs, beside a mutex around std::unordered_map and liburcu's hash table.
//
// The counter per_op is the one to read: time per operation and thread; CPU time (so that a busy
// machine disturbs less), but for `mixed` wall-clock time, as waiting for a mutex is no CPU time.
// What liburcu's call_rcu thread spends on reclaiming is in none of the figures.  Run with
//   iommucheck_bench_ioasid --benchmark_repetitions=9 --benchmark_report_aggregates_only=true
//     --benchmark_enable_random_interleaving=true
// and take the medians.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <future>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "bench/ioasid_tables.h"

namespace iommucheck::bench {
namespace {

constexpr std::uint32_t kBatch = 1U << 16U;  // operations between two looks at the clock
constexpr std::uint32_t kHot = 64;

char datum;

void count(benchmark::State& state, double operations) {
  state.counters["per_op"] = benchmark::Counter(
      operations,
      benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert |
          (state.threads() > 1 ? benchmark::Counter::kAvgThreads : benchmark::Counter::kDefaults));
}

std::vector<std::uint32_t> random_ids(std::uint32_t bound, std::uint32_t length) {
  std::mt19937 generator{1};
  std::vector<std::uint32_t> ids(length);
  for (auto& id : ids) id = static_cast<std::uint32_t>(generator() % bound);
  return ids;
}

/// kBatch allocations into an empty table.
template <class Table>
void alloc(benchmark::State& state) {
  [[maybe_unused]] const typename Table::Thread thread;
  Table table;
  std::vector<std::uint32_t> ids(kBatch);
  for (auto _ : state) {
    for (auto& id : ids) id = table.alloc(&datum);
    state.PauseTiming();
    for (const auto id : ids) table.free(id);
    state.ResumeTiming();
  }
  count(state, kBatch);
}

/// kBatch frees, in the order of allocation or in a random one.
template <class Table>
void free_ids(benchmark::State& state, bool shuffled) {
  [[maybe_unused]] const typename Table::Thread thread;
  Table table;
  std::vector<std::uint32_t> ids(kBatch);
  std::mt19937 generator{1};
  for (auto _ : state) {
    state.PauseTiming();
    for (auto& id : ids) id = table.alloc(&datum);
    if (shuffled) std::ranges::shuffle(ids, generator);
    state.ResumeTiming();
    for (const auto id : ids) table.free(id);
  }
  count(state, kBatch);
}

/// Look-ups among the first `bound` ids; the table is full up to there.
template <class Table>
void find(benchmark::State& state, std::uint32_t bound) {
  [[maybe_unused]] const typename Table::Thread thread;
  Table table;
  for (std::uint32_t i = 0; i < bound; ++i) table.alloc(&datum);
  // As many look-ups as ids: a short list over and over would warm the cache for itself.
  const auto ids = random_ids(bound, std::max(bound, kBatch));
  for (auto _ : state) {
    for (const auto id : ids) benchmark::DoNotOptimize(table.find(id));
  }
  count(state, static_cast<double>(ids.size()));
}

/// The same, each in a section or under the lock, so that the data could be used.
template <class Table>
void find_and_use(benchmark::State& state, std::uint32_t bound) {
  [[maybe_unused]] const typename Table::Thread thread;
  Table table;
  for (std::uint32_t i = 0; i < bound; ++i) table.alloc(&datum);
  // As many look-ups as ids: a short list over and over would warm the cache for itself.
  const auto ids = random_ids(bound, std::max(bound, kBatch));
  for (auto _ : state) {
    for (const auto id : ids) {
      table.with(id, [](void* data) { benchmark::DoNotOptimize(data); });
    }
  }
  count(state, static_cast<double>(ids.size()));
}

/// Eight look-ups, one free, one allocation, on 2^16 ids per thread.
template <class Table>
void mixed(benchmark::State& state) {
  static std::unique_ptr<Table> shared;
  [[maybe_unused]] const typename Table::Thread thread;
  if (state.thread_index() == 0) shared = std::make_unique<Table>();
  std::vector<std::uint32_t> mine;
  const auto picks = random_ids(kBatch, kBatch);
  for (auto _ : state) {
    if (mine.empty()) {  // behind the barrier that the loop starts with: the table is there
      for (std::uint32_t i = 0; i < kBatch; ++i) mine.push_back(shared->alloc(&datum));
    }
    for (std::uint32_t i = 0; i + 9 < kBatch; i += 9) {
      for (std::uint32_t j = 0; j < 8; ++j) {
        shared->with(mine[picks[i + j]], [](void* data) { benchmark::DoNotOptimize(data); });
      }
      std::uint32_t& id = mine[picks[i + 8]];
      shared->free(id);
      id = shared->alloc(&datum);
    }
  }
  constexpr std::uint32_t kRounds = kBatch / 9;  // of eight looks, a free and an alloc
  count(state, kRounds * 10);
  if (state.thread_index() == 0) shared.reset();
}

template <class Table>
void add_all() {
  const std::string name = Table::kName;
  const auto add = [&](const std::string& what, auto function) {
    return benchmark::RegisterBenchmark((what + "/" + name).c_str(), function);
  };
  add("alloc", alloc<Table>);
  add("free_in_order", [](benchmark::State& state) { free_ids<Table>(state, false); });
  add("free_at_random", [](benchmark::State& state) { free_ids<Table>(state, true); });
  add("find_hot", [](benchmark::State& state) { find<Table>(state, kHot); });
  add("find_million", [](benchmark::State& state) { find<Table>(state, kIds); });
  add("find_and_use_hot", [](benchmark::State& state) { find_and_use<Table>(state, kHot); });
  add("find_and_use_million", [](benchmark::State& state) { find_and_use<Table>(state, kIds); });
  add("mixed", mixed<Table>)->UseRealTime()->Threads(1)->Threads(2);
}

}  // namespace
}  // namespace iommucheck::bench

int main(int argc, char** argv) {
  using namespace iommucheck::bench;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  add_all<OurTable>();
  add_all<OurSetTable>();
  add_all<LockedTable>();
  add_all<UrcuTable>();
  // glibc makes mutexes cheaper in a process that has one thread only; nobody's VMM has.
  std::promise<void> done;
  std::thread second{[&] { done.get_future().wait(); }};
  benchmark::RunSpecifiedBenchmarks();
  done.set_value();
  second.join();
  benchmark::Shutdown();
  return 0;
}
