// SPDX-License-Identifier: MIT
// Violations: which one is reported, and the path to it.
#include <gtest/gtest.h>

#include "checker/explicit/explicit.h"
#include "tests/checker/explicit/machines.h"

namespace iommucheck::checker {
namespace {

std::vector<unsigned> who(const Path& path) {
  std::vector<unsigned> processes;
  for (const PathStep& step : path.steps) processes.push_back(step.action.process);
  return processes;
}

TEST(Violation, PhilosophersStarveWhenEachHasOneFork) {
  for (unsigned n = 2; n <= 6; ++n) {
    const Exploration e = explore(make<Philosophers>(n, false, false));
    ASSERT_EQ(e.verdict, Verdict::violated);
    ASSERT_TRUE(e.path);
    EXPECT_EQ(e.path->steps.size(), n);
    EXPECT_STREQ(e.path->failure.detail, "no process can take a step");
  }
}

TEST(Violation, WaitCycleIsADeadlockThoughOthersGoOn) {
  const Exploration quiet = explore(make<Philosophers>(4U, false, true));
  EXPECT_EQ(quiet.verdict, Verdict::holds);
  const Exploration e = explore(make<Philosophers>(4U, true, true));
  ASSERT_EQ(e.verdict, Verdict::violated);
  EXPECT_EQ(e.path->steps.size(), 4);
  EXPECT_STREQ(e.path->failure.detail, "processes wait for one another in a cycle");
}

TEST(Violation, MutualExclusion) {
  const Exploration e = explore(make<BrokenLock>());
  ASSERT_EQ(e.verdict, Verdict::violated);
  ASSERT_EQ(e.path->steps.size(), 4);  // both test, both set
  EXPECT_STREQ(e.path->failure.detail, "At most one process is in the critical section.");
  // Two switches: with one only, the second process would find the lock set.
  const std::vector<unsigned> first = who(*e.path);
  unsigned switches = 0;
  for (std::size_t i = 1; i < first.size(); ++i) switches += first[i] != first[i - 1];
  EXPECT_EQ(switches, 2);
}

TEST(Violation, PathsPreferStepsOfTheSameProcess) {
  const Exploration e = explore(make<MinedGrid>(3U, 5U, 3U));
  ASSERT_EQ(e.verdict, Verdict::violated);
  // The smallest state is the one in which the counter in the high bits moved last.
  EXPECT_EQ(who(*e.path), (std::vector<unsigned>{0, 0, 0, 1, 1, 1, 2, 2, 2}));
}

/// A counter that fails a step at `step_at`, and an invariant at `state_at`.
class Stumbler : public Machine<Concrete> {
 public:
  Stumbler(unsigned step_at, unsigned state_at) : v_(root(), "v", 2, 20U) {
    const PropertyId steps = property("steps", "No step fails.");
    property("first", "The counter is small.", [this, state_at] { return v_[0] < state_at; });
    property("second", "The counter is rather small.",
             [this, state_at] { return v_[0] < state_at; });
    code_.push_back({"stumbler", "count", false, 0, [=, this](unsigned) {
                       context.require(v_[0] < 10U);
                       context.fail_unless(v_[0] != step_at, steps, "the step failed");
                       v_[0] += 1;
                     }});
    code_.push_back({"stumbler", "stay", false, 0, [this](unsigned) { v_[1] = 1; }});
    process({"stumbler", 0, &code_, nullptr});
  }

 private:
  Numbers v_;
  Code code_;
};

TEST(Violation, StatesComeBeforeStepsOfTheSameLevel) {
  const Exploration state = explore(make<Stumbler>(3U, 3U));
  ASSERT_TRUE(state.path);
  EXPECT_EQ(state.path->steps.size(), 3);
  EXPECT_STREQ(state.path->failure.detail, "The counter is small.");

  const Exploration step = explore(make<Stumbler>(2U, 3U));
  ASSERT_TRUE(step.path);
  EXPECT_EQ(step.path->steps.size(), 3);
  EXPECT_STREQ(step.path->failure.detail, "the step failed");
  // A step that fails counts as taken, but leads nowhere.
  EXPECT_EQ(step.transitions, 2 + 4 + 4);
  EXPECT_EQ(step.states, 6);
  EXPECT_EQ(step.depth, 3);
}

TEST(Violation, InAnInitialState) {
  const Exploration e = explore(make<Stumbler>(20U, 0U));
  ASSERT_EQ(e.verdict, Verdict::violated);
  EXPECT_TRUE(e.path->steps.empty());
  EXPECT_EQ(e.transitions, 2);  // the level is finished
}

TEST(Violation, InTheFirstStep) {
  const Exploration e = explore(make<Stumbler>(0U, 20U));
  ASSERT_EQ(e.verdict, Verdict::violated);
  EXPECT_EQ(e.path->steps.size(), 1);
}

/// One choice of its step fails and changes nothing, another one changes nothing and is fine.
class Coin : public Machine<Concrete> {
 public:
  Coin() : v_(root(), "v", 1, 1U) {
    const PropertyId heads = property("heads", "The coin shows heads.");
    code_.push_back({"coin", "toss", false, 0, [=, this](unsigned) {
                       context.fail_unless(context.choose(2) == 0U, heads, "it shows tails");
                     }});
    process({"coin", 0, &code_, nullptr});
  }

 private:
  Numbers v_;
  Code code_;
};

TEST(Violation, OfOneChoiceThatLooksLikeAnother) {
  const Exploration e = explore(make<Coin>());
  ASSERT_EQ(e.verdict, Verdict::violated);
  EXPECT_EQ(e.path->steps.size(), 1);
  EXPECT_STREQ(e.path->failure.detail, "it shows tails");
}

TEST(Violation, SearchGoesOnIfItIsTold) {
  Options options;
  options.stop_at_violation = false;
  const Exploration e = explore(make<Stumbler>(20U, 3U), options);
  EXPECT_EQ(e.verdict, Verdict::violated);
  EXPECT_EQ(e.path->steps.size(), 3);  // of the first one
  EXPECT_EQ(e.states, 22);
  EXPECT_EQ(e.depth, 11);
}

/// Leaves a range in a step, or at once.
class OutOfRange : public Machine<Concrete> {
 public:
  explicit OutOfRange(bool at_once) : v_(root(), "v", 1, 2U) {
    initial = [this, at_once] { v_[0] = at_once ? 3 : 0; };
    code_.push_back({"counter", "count", false, 0, [this](unsigned) { v_[0] += 1; }});
    process({"counter", 0, &code_, nullptr});
  }

 private:
  Numbers v_;
  Code code_;
};

TEST(Violation, Range) {
  const Exploration e = explore(make<OutOfRange>(false));
  ASSERT_EQ(e.verdict, Verdict::violated);
  EXPECT_EQ(e.path->failure.property, kInRange);
  EXPECT_EQ(e.path->steps.size(), 3);
}

TEST(Violation, AnInitialStateThatFailsIsAMistake) {
  EXPECT_THROW((void)explore(make<OutOfRange>(true)), std::logic_error);
}

TEST(Violation, TextsOutliveTheMachines) {
  std::vector<Exploration> results;
  for (unsigned i = 0; i < 50; ++i) results.push_back(explore(make<MinedGrid>(2U, 3U, 1U)));
  for (const Exploration& e : results) {
    EXPECT_STREQ(e.path->failure.detail, "The counters are never all at the mine.");
    EXPECT_EQ(e.path->failure.detail, results[0].path->failure.detail);
  }
}

/// Every machine of the factory is another one.
TEST(Violation, FactoriesMustBuildTheSameMachine) {
  unsigned built = 0;
  const auto factory = [&built] { return std::make_unique<MinedGrid>(2U, 4U, 2U + built++); };
  Options options;
  options.jobs = 1;
  EXPECT_THROW((void)explore(factory, options), std::logic_error);
}

TEST(Violation, ExceptionsOfStepsComeThrough) {
  class Thrower : public Grid {
   public:
    Thrower() : Grid(4, 8) {
      code_.push_back({"grid", "throw", false, 0, [this](unsigned) {
                         if (cell_[1].value().word() == 5) throw std::runtime_error("out of paper");
                       }});
    }
  };
  for (const unsigned jobs : {1U, 4U}) {
    Options options;
    options.jobs = jobs;
    EXPECT_THROW((void)explore(make<Thrower>(), options), std::runtime_error);
  }
}

}  // namespace
}  // namespace iommucheck::checker
