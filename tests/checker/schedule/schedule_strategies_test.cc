// SPDX-License-Identifier: MIT
// Random and PCT schedules, and the search that is bounded by preemptions.
#include <gtest/gtest.h>

#include "checker/schedule/random.h"
#include "checker/schedule/systematic.h"
#include "tests/checker/schedule/programs.h"
#include "tests/checker/schedule/seed.h"

namespace iommucheck::schedule {
namespace {

/// Any strategy; keeps the order of the threads in each execution.
template <class Base>
class Recorded : public Base {
 public:
  template <class... Arguments>
  explicit Recorded(std::vector<std::string>& all, Arguments... arguments)
      : Base{arguments...}, all_{all} {}
  bool begin() override {
    const bool more = Base::begin();
    if (more) all_.emplace_back();
    return more;
  }
  ThreadId pick(const Situation& situation) override {
    const ThreadId thread = Base::pick(situation);
    all_.back() += std::to_string(thread);
    return thread;
  }
  unsigned choose(unsigned alternatives) override {
    const unsigned alternative = Base::choose(alternatives);
    all_.back() += '/' + std::to_string(alternative);
    return alternative;
  }

 private:
  std::vector<std::string>& all_;
};

template <class Strategy, class... Arguments>
std::vector<std::string> executions(const char* program, std::uint64_t count,
                                    Arguments... arguments) {
  Engine engine;
  Limits limits;
  limits.executions = count;
  std::vector<std::string> all;
  engine.explore(programs::program(program), limits,
                 [&] { return std::make_unique<Recorded<Strategy>>(all, arguments...); });
  return all;
}

TEST(RandomSchedules, ASeedIsASequenceOfExecutions) {
  for (const char* program : {"locked-4", "choices", "depth-three", "try-1"}) {
    SCOPED_TRACE(program);
    const std::uint64_t seed = first_seed();
    EXPECT_EQ(executions<RandomWalk>(program, 50, seed), executions<RandomWalk>(program, 50, seed));
    EXPECT_NE(executions<RandomWalk>(program, 50, seed),
              executions<RandomWalk>(program, 50, seed + 1));
    EXPECT_EQ(executions<Pct>(program, 50, seed, 3U), executions<Pct>(program, 50, seed, 3U));
    EXPECT_NE(executions<Pct>(program, 50, seed, 3U), executions<Pct>(program, 50, seed + 1, 3U));
  }
}

TEST(RandomSchedules, AllOfThemComeInTheEnd) {
  for (const char* program : {"writers-3", "try-1", "choices"}) {
    SCOPED_TRACE(program);
    std::vector<std::string> all = executions<Systematic>(
        program, ~std::uint64_t{0}, SystematicOptions{Reduction::none, {}, {}});
    std::sort(all.begin(), all.end());
    std::vector<std::string> random = executions<RandomWalk>(program, 5000, first_seed());
    std::sort(random.begin(), random.end());
    random.erase(std::unique(random.begin(), random.end()), random.end());
    EXPECT_EQ(random, all);
  }
}

/// How many executions it takes to see a report; one more than `most` if that many show none.
template <class Strategy, class... Arguments>
std::uint64_t first_report(const char* program, std::uint64_t most, Arguments... arguments) {
  Engine engine;
  Limits limits;
  limits.executions = most;
  limits.stop_at_first_report = true;
  engine.explore(programs::program(program), limits,
                 [&] { return std::make_unique<Strategy>(arguments...); });
  return engine.reports().empty() ? most + 1 : engine.reports()[0].execution;
}

TEST(RandomSchedules, PctFindsWhatRandomOnesRarelyDo) {
  // At most 25 points and two threads: PCT takes 1250 executions in the mean, or fewer.
  constexpr std::uint64_t kMost = 4000;
  constexpr unsigned kSeeds = 10;
  unsigned by_pct = 0, by_walk = 0, too_shallow = 0;
  std::printf("IOMMUCHECK_SEED=%lu\n", static_cast<unsigned long>(first_seed()));
  for (std::uint64_t seed = first_seed(); seed < first_seed() + kSeeds; ++seed) {
    by_pct += first_report<Pct>("depth-three", kMost, seed, 3U) <= kMost;
    too_shallow += first_report<Pct>("depth-three", kMost, seed, 2U) <= kMost;
    by_walk += first_report<RandomWalk>("depth-three", kMost, seed) <= kMost;
  }
  std::printf("found with %u seeds by PCT, %u by PCT of depth 2, %u by random schedules\n", by_pct,
              too_shallow, by_walk);
  EXPECT_GE(by_pct, 9U);
  EXPECT_EQ(too_shallow, 0U);
  EXPECT_LE(by_walk, 3U);
}

// ---- bounds ----

/// The ways to run two threads of `first` and `second` steps with at most that many preemptions.
std::uint64_t interleavings(unsigned first, unsigned second, unsigned bound, int current = -1) {
  if (first == 0 && second == 0) return 1;
  std::uint64_t all = 0;
  if (first != 0) {
    const unsigned cost = current == 1 && second != 0 ? 1 : 0;
    if (cost <= bound) all += interleavings(first - 1, second, bound - cost, 0);
  }
  if (second != 0) {
    const unsigned cost = current == 0 && first != 0 ? 1 : 0;
    if (cost <= bound) all += interleavings(first, second - 1, bound - cost, 1);
  }
  return all;
}

Statistics search(const char* program, Reduction reduction, std::optional<unsigned> preemptions,
                  std::size_t* reports = nullptr) {
  Engine engine;
  const Statistics statistics = engine.explore(programs::program(program), {}, [&] {
    return std::make_unique<Systematic>(SystematicOptions{reduction, preemptions, {}});
  });
  if (reports != nullptr) *reports = engine.reports().size();
  EXPECT_TRUE(statistics.exhausted);
  return statistics;
}

TEST(BoundedSearch, IsAllOfItsInterleavings) {
  // Each thread starts and passes two points.
  std::uint64_t before = 0;
  for (unsigned bound = 0; bound <= 4; ++bound) {
    const std::uint64_t executions = search("two-preemptions", Reduction::none, bound).executions;
    EXPECT_EQ(executions, interleavings(3, 3, bound)) << bound;
    EXPECT_GT(executions, before);
    before = executions;
  }
  EXPECT_EQ(before, 20U);  // all, as 6 over 3 is
  EXPECT_EQ(search("two-preemptions", Reduction::none, std::nullopt).executions, 20U);
}

TEST(BoundedSearch, CountsSwitchesToo) {
  // Runs alternate, and a thread's three steps fall into r runs in (2 over r-1) ways.
  constexpr std::array<std::uint64_t, 6> kWith{0, 2, 4, 8, 4, 2};
  std::uint64_t all = 0;
  for (unsigned switches = 0; switches <= 5; ++switches) {
    all += kWith[switches];
    Engine engine;
    const Statistics statistics = engine.explore(programs::program("two-preemptions"), {}, [&] {
      return std::make_unique<Systematic>(SystematicOptions{Reduction::none, {}, switches});
    });
    EXPECT_TRUE(statistics.exhausted);
    EXPECT_EQ(statistics.complete, all) << switches;
  }
  EXPECT_EQ(all, 20U);
  EXPECT_THROW((Systematic{{Reduction::dpor, {}, 1U}}), std::invalid_argument);
}

TEST(BoundedSearch, FindsWhatTakesTwoPreemptionsWithTwo) {
  for (const Reduction reduction : {Reduction::none, Reduction::dpor}) {
    for (const unsigned bound : {0U, 1U, 2U, 3U}) {
      std::size_t reports = 0;
      search("two-preemptions", reduction, bound, &reports);
      EXPECT_EQ(reports, bound < 2 ? 0U : 1U) << "bound " << bound;
    }
  }
}

TEST(BoundedSearch, TheReductionReduces) {
  for (const unsigned bound : {0U, 1U, 2U}) {
    for (const char* program : {"apart-4", "locked-4", "readers-3"}) {
      EXPECT_LE(search(program, Reduction::dpor, bound).executions,
                search(program, Reduction::none, bound).executions);
    }
  }
  EXPECT_EQ(search("apart-4", Reduction::dpor, 2U).executions, 1U);
}

}  // namespace
}  // namespace iommucheck::schedule
