// SPDX-License-Identifier: MIT
// What a walk is: its seed, its choices, its counts; the same for any number of jobs.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "checker/walk/random.h"
#include "checker/walk/sketch.h"
#include "checker/walk/walk.h"
#include "tests/checker/explicit/machines.h"

namespace iommucheck::checker {
namespace {

using walking::Random;
using walking::Sketch;

TEST(WalkRandom, IsThatOfTheSeedAndTheStream) {
  const auto numbers = [](std::uint64_t seed, std::uint64_t stream) {
    Random random(seed, stream);
    return std::vector{random.next(), random.next(), random.next()};
  };
  EXPECT_EQ(numbers(7, 3), numbers(7, 3));
  std::set<std::vector<std::uint64_t>> all;
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    for (std::uint64_t stream = 0; stream < 30; ++stream) all.insert(numbers(seed, stream));
  }
  EXPECT_EQ(all.size(), 900);
}

TEST(WalkRandom, PrefersNoNumber) {
  for (const std::uint32_t n : {1U, 2U, 3U, 10U}) {
    std::vector<unsigned> times(n);
    Random random(5, n);
    for (unsigned i = 0; i < 10000 * n; ++i) ++times.at(random.below(n));
    for (const unsigned t : times) EXPECT_NEAR(t, 10000, 400) << n;  // four standard deviations
  }
}

TEST(WalkSketch, CountsWhatIsDifferent) {
  for (const std::uint64_t n : {0U, 1U, 10U, 1000U, 10000U, 100000U, 1000000U}) {
    Sketch all, even, odd;
    Random random(1, n);
    for (std::uint64_t i = 0; i < n; ++i) {
      const std::uint64_t hash = random.next();
      for (int again = 0; again < 2; ++again) all.add(hash);
      (i % 2 == 0 ? even : odd).add(hash);
    }
    const auto exact = static_cast<double>(n);
    EXPECT_NEAR(static_cast<double>(all.count()), exact, 4 * Sketch::kError * exact);
    even.merge(odd);
    EXPECT_EQ(even.count(), all.count());
  }
}

std::vector<std::uint64_t> taken(const Walks& walks) {
  std::vector<std::uint64_t> all;
  for (const StepCoverage& step : walks.coverage) all.push_back(step.taken);
  return all;
}

/// One process has one step, the other nine: a counter for each step.
class Uneven : public Machine<Concrete> {
 public:
  Uneven() : n_(root(), "n", 10, 1000U) {
    one_.push_back({"one", "only", false, 0, [this](unsigned) { n_[0] += 1; }});
    for (unsigned i = 1; i < 10; ++i)
      nine_.push_back(
          {"nine", fmt::format("{}", i), false, 0, [this, i](unsigned) { n_[i] += 1; }});
    process({"one", 0, &one_, nullptr});
    process({"nine", 1, &nine_, nullptr});
  }

 private:
  Numbers n_;
  Code one_, nine_;
};

TEST(Walk, ChoosesAProcessAndThenAStep) {
  WalkOptions options;
  options.walks = 100;
  options.depth = 200;
  const auto times = taken(random_walk(make<Uneven>(), options));
  ASSERT_EQ(times.size(), 10);
  EXPECT_NEAR(static_cast<double>(times[0]), 10000, 4 * std::sqrt(20000 * 0.25));
  for (unsigned i = 1; i < 10; ++i)
    EXPECT_NEAR(static_cast<double>(times[i]), 10000.0 / 9, 4 * std::sqrt(10000.0 / 9));
}

TEST(Walk, CountsWhatItDoes) {
  WalkOptions options;
  options.walks = 50;
  options.depth = 7;
  const Walks cut = random_walk(make<Grid>(3U, 4U), options);
  EXPECT_EQ(cut.verdict, Verdict::unknown);
  EXPECT_EQ(cut.walks, 50);
  EXPECT_EQ(cut.steps, 50 * 7);
  EXPECT_EQ(cut.longest, 7);
  EXPECT_EQ(cut.ended, 0);
  EXPECT_EQ(taken(cut), (std::vector<std::uint64_t>{350, 0}));
  EXPECT_FALSE(cut.path);
  EXPECT_NE(cut.reason.find("--walks"), std::string::npos) << cut.reason;
  // Three counters from 0 to 4: after 12 steps there is nothing left to do.
  options.depth = 100;
  options.walks = 500;
  const Walks whole = random_walk(make<Grid>(3U, 4U), options);
  EXPECT_EQ(whole.verdict, Verdict::unknown) << "never more, even if it met all states";
  EXPECT_EQ(whole.steps, 500 * 12);
  EXPECT_EQ(whole.longest, 12);
  EXPECT_EQ(whole.ended, 500);
  EXPECT_NEAR(static_cast<double>(whole.states), 125, 4 * whole.states_error * 125);
}

TEST(Walk, JobsDoNotChangeIt) {
  for (const unsigned mine : {3U, 99U}) {
    const auto machine = make<MinedGrid>(4U, 6U, mine, 3U);
    std::optional<Walks> first;
    for (const unsigned jobs : {1U, 2U, 4U}) {
      WalkOptions options;
      options.seed = 11;
      options.jobs = jobs;
      options.walks = 300;
      const Walks now = random_walk(machine, options);
      if (!first) first = now;
      EXPECT_EQ(now.verdict, mine == 3 ? Verdict::violated : Verdict::unknown);
      EXPECT_EQ(now.walks, first->walks);
      EXPECT_EQ(now.steps, first->steps);
      EXPECT_EQ(now.states, first->states);
      EXPECT_EQ(taken(now), taken(*first));
      EXPECT_EQ(now.path.has_value(), first->path.has_value());
    }
  }
}

TEST(Walk, AnotherSeedGoesElsewhere) {
  std::set<std::vector<std::uint64_t>> all;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    WalkOptions options;
    options.seed = seed;
    options.walks = 1;
    options.depth = 50;
    all.insert(taken(random_walk(make<Philosophers>(4U, false, true), options)));
  }
  EXPECT_GT(all.size(), 5);
}

TEST(Walk, RefusesWhatHasNoEnd) {
  WalkOptions options;
  options.walks = 0;
  EXPECT_THROW(static_cast<void>(random_walk(make<Grid>(1U, 1U), options)), std::invalid_argument);
  options.walks = 1;
  options.depth = 0;
  EXPECT_THROW(static_cast<void>(random_walk(make<Grid>(1U, 1U), options)), std::invalid_argument);
}

TEST(Walk, WithALimitOfSecondsItEnds) {
  WalkOptions options;
  options.walks = 0;
  options.seconds = 0.01;
  options.jobs = 2;
  const Walks walks = random_walk(make<Grid>(2U, 5U), options);
  EXPECT_EQ(walks.verdict, Verdict::unknown);
  EXPECT_GT(walks.walks, 0);
  EXPECT_NE(walks.reason.find("--max-seconds"), std::string::npos) << walks.reason;
}

/// Has no initial state.
class Nowhere : public Machine<Concrete> {
 public:
  Nowhere() {
    initial = [this] { context.require(false); };
  }
};

TEST(Walk, WithoutAnInitialStateThereIsNone) {
  const Walks walks = random_walk(make<Nowhere>());
  EXPECT_EQ(walks.verdict, Verdict::unknown);
  EXPECT_NE(walks.reason.find("no initial state"), std::string::npos) << walks.reason;
}

}  // namespace
}  // namespace iommucheck::checker
