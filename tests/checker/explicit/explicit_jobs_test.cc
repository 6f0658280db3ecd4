// SPDX-License-Identifier: MIT
// The answer is the same for any number of threads, and however often the visited set grows.
#include <gtest/gtest.h>

#include "checker/explicit/explicit.h"
#include "tests/checker/explicit/machines.h"
#include "tests/checker/explicit/oracle.h"

namespace iommucheck::checker {
namespace {

void expect_same(const ConcreteFactory& factory, bool stop_at_violation = true) {
  Options options;
  options.jobs = 1;
  options.stop_at_violation = stop_at_violation;
  const Answer first = answer(explore(factory, options));
  for (const unsigned jobs : {1U, 2U, 4U, 7U}) {
    for (const std::uint64_t slots : {std::uint64_t{1}, std::uint64_t{1} << 18}) {
      options.jobs = jobs;
      options.initial_slots = slots;
      EXPECT_EQ(answer(explore(factory, options)), first) << jobs << " jobs, " << slots << " slots";
    }
  }
}

TEST(Jobs, Grid) { expect_same(make<Grid>(3U, 30U, 0U)); }
TEST(Jobs, WideGrid) { expect_same(make<Grid>(3U, 25U, 11U)); }
TEST(Jobs, Violation) { expect_same(make<MinedGrid>(4U, 12U, 9U, 2U)); }
TEST(Jobs, ViolationGoingOn) { expect_same(make<MinedGrid>(4U, 10U, 3U, 0U), false); }
TEST(Jobs, Deadlock) { expect_same(make<Philosophers>(8U, false, false)); }
TEST(Jobs, WaitCycle) { expect_same(make<Philosophers>(8U, true, true)); }

/// One state with very many successors: they do not fit in the visited set, nor in a batch.
class Fan : public Machine<Concrete> {
 public:
  Fan() : v_(root(), "v", 3, 40U) {
    code_.push_back({"fan", "jump", false, 0, [this](unsigned) {
                       context.require(v_[0] == 0U && v_[1] == 0U && v_[2] == 0U);
                       v_[0] = context.choose(41);
                       v_[1] = context.choose(41);
                       v_[2] = context.choose(41);
                     }});
    process({"fan", 0, &code_, nullptr});
  }

 private:
  Numbers v_;
  Code code_;
};

TEST(Jobs, Fan) {
  expect_same(make<Fan>());
  const Exploration e = explore(make<Fan>());
  EXPECT_EQ(e.states, 41 * 41 * 41);
  EXPECT_EQ(e.depth, 1);
}

/// As many initial states as a fan has successors.
class ManyStarts : public Fan {
 public:
  ManyStarts() : start_(root(), "start", 2, 199U) {
    initial = [this] {
      start_[0] = context.choose(200);
      start_[1] = context.choose(100);
    };
  }

 private:
  Numbers start_;
};

TEST(Jobs, ManyInitialStates) {
  Options options;
  options.limits.states = 200 * 100;
  options.initial_slots = 1;
  const Exploration e = explore(make<ManyStarts>(), options);
  EXPECT_EQ(e.verdict, Verdict::unknown);  // the fans are too many
  EXPECT_GE(e.states, 200 * 100);
}

}  // namespace
}  // namespace iommucheck::checker
