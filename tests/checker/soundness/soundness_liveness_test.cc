// SPDX-License-Identifier: MIT
// The liveness engine against answers that were worked out by hand: where other checkers were
// wrong.
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "checker/explicit/explicit.h"
#include "tests/checker/liveness/toys.h"

namespace iommucheck::checker {
namespace {

/// What is asked, and the right answer.
struct Right {
  Verdict verdict;
  std::uint64_t states, transitions;
  std::uint64_t pending;            ///< states with p and without q
  std::size_t stem = 0, cycle = 0;  ///< of violated: steps of a lasso
};

void expect(const ConcreteFactory& factory, Assume assume, const Right& right) {
  LivenessOptions options;
  options.fairness = assume;
  const LivenessResult result = check_liveness(factory, options);
  SCOPED_TRACE(std::string{name(assume)});
  EXPECT_EQ(result.verdict, right.verdict) << result.reason;
  EXPECT_EQ(result.states, right.states);
  EXPECT_EQ(result.transitions, right.transitions);
  const LivenessAnswer& answer = result.answers.at(0);
  EXPECT_EQ(answer.pending, right.pending);
  ASSERT_EQ(answer.lasso.has_value(), right.verdict == Verdict::violated);
  if (!answer.lasso) return;
  EXPECT_EQ(answer.lasso->stem.size(), right.stem);
  EXPECT_EQ(answer.lasso->cycle.size(), right.cycle);
  std::string why;
  EXPECT_TRUE(replays(*factory(), *answer.lasso, &why)) << why;
  // The explicit engine goes over the same states, with one worker and with two.
  for (const unsigned jobs : {1U, 2U}) {
    Options all;
    all.jobs = jobs;
    const Exploration e = explore(factory, all);
    EXPECT_EQ(e.states, right.states);
    EXPECT_EQ(e.transitions, right.transitions);
  }
}

// Two assumptions that no simple cycle honours: a flower with two petals.
//
// From 0, P0 goes to 1 and back, P1 to 2 and back, P2 to the goal 3.  4 states; steps: 0 to 1, 2,
// 3, and back from 1 and from 2: 5.  What waits is counted where it begins to: at 0 alone.
//   none, weak: 0 1 0 1 ... At 1, neither P1 nor P2 can take a step, so that weak fairness asks for
//     nothing of them.  A cycle of 2.
//   strong for P0 and P1: both are enabled again and again: 0 1 0 2 0, a cycle of 4 that goes
//     through 0 twice.  Who looks at simple cycles only proves the property, wrongly.
//   strong for P2, too: it must go to the goal.
ConcreteFactory flower(bool goal_is_fair) {
  return toy([=](Toy& t) {
    const unsigned p0 = t.mover({{0, 0, 1}, {0, 1, 0}});
    const unsigned p1 = t.mover({{0, 0, 2}, {0, 2, 0}});
    const unsigned p2 = t.mover({{0, 0, 3}});
    t.weakly_fair(p0, "left");
    t.weakly_fair(p1, "right");
    t.weakly_fair(p2, "away");
    t.strongly_fair(p0, "left, too");
    t.strongly_fair(p1, "right, too");
    if (goal_is_fair) t.strongly_fair(p2, "away, too");
    t.leads_to("goal", "The goal is reached.", t.is(0, 0), t.is(0, 3));
  });
}

TEST(SoundLiveness, TwoAssumptionsAtOnce) {
  expect(flower(false), Assume::none, {Verdict::violated, 4, 5, 1, 0, 2});
  expect(flower(false), Assume::weak, {Verdict::violated, 4, 5, 1, 0, 2});
  expect(flower(false), Assume::strong, {Verdict::violated, 4, 5, 1, 0, 4});
  expect(flower(true), Assume::strong, {Verdict::holds, 4, 5, 1});
}

// Two assumptions, of which each cycle honours one: the property holds, and must not be refuted by
// the two cycles together.
//
// 0 -> 1 by P0 or P1.  At 1: P0 stays.  1 -> 2 by P2.  At 2: P1 stays.  1 -> 3 by P1, 2 -> 3 by P0.
// 4 states; steps: 2 from 0; stay, to 2, to 3 from 1; stay, to 3 from 2: 7.
//   weak for P0 and P1: staying at 1, P1 is enabled for ever and takes no step; staying at 2, P0.
//   none: staying at 1 after one step.
ConcreteFactory two_traps() {
  return toy([](Toy& t) {
    const unsigned p0 = t.mover({{0, 0, 1}, {0, 1, 1}, {0, 2, 3}});
    const unsigned p1 = t.mover({{0, 0, 1}, {0, 2, 2}, {0, 1, 3}});
    t.mover({{0, 1, 2}});
    t.weakly_fair(p0, "P0 goes on");
    t.weakly_fair(p1, "P1 goes on");
    t.leads_to("goal", "The goal is reached.", t.is(0, 0), t.is(0, 3));
  });
}

TEST(SoundLiveness, EachCycleIsUnfairToSomebody) {
  expect(two_traps(), Assume::none, {Verdict::violated, 4, 7, 1, 1, 1});
  expect(two_traps(), Assume::weak, {Verdict::holds, 4, 7, 1});
}

// A component is not a cycle: of 8 states that all reach one another, the lasso shows 2 steps.
//
// Three flags, each turned on and off by a process: 2^3 states, 3 steps in each.
//   none: one flag on and off.
//   weak for all three: each process can always go on, so that all must: on and off, 6 steps.
TEST(SoundLiveness, ACycleIsNotItsComponent) {
  const auto flags = toy(
      [](Toy& t) {
        for (unsigned i = 0; i < 3; ++i) {
          const unsigned p = t.mover({{i, 0, 1}, {i, 1, 0}});
          t.weakly_fair(p, "it goes on");
        }
        t.always_eventually("never", "The first is 7 again and again.", t.is(0, 7));
      },
      3);
  expect(flags, Assume::none, {Verdict::violated, 8, 24, 8, 0, 2});
  expect(flags, Assume::weak, {Verdict::violated, 8, 24, 8, 0, 6});
}

// Doing nothing is not taking a fair step.
//
// P0 stays at 0 by a step of its own, P1 goes from 0 to 1.  2 states; 2 steps from 0, none from 1.
//   none: P0 stays for ever, a cycle of 1.
//   weak for P1: it is enabled for ever; that P0 steps, or that nothing changes, is not its step.
TEST(SoundLiveness, StayingIsNotAStepOfSomebodyElse) {
  const auto model = toy([](Toy& t) {
    t.mover({{0, 0, 0}});
    const unsigned p1 = t.mover({{0, 0, 1}});
    t.weakly_fair(p1, "P1 goes on");
    t.leads_to("one", "One is reached.", t.is(0, 0), t.is(0, 1));
  });
  expect(model, Assume::none, {Verdict::violated, 2, 2, 1, 0, 1});
  expect(model, Assume::weak, {Verdict::holds, 2, 2, 1});
}

// A step that changes nothing is a step all the same, of that step and of no other.
//
// The same, but both steps are of P0.  Fair as a whole, staying honours it: a cycle of 1.  Fair for
// each step alone, going on is enabled for ever and never taken.
TEST(SoundLiveness, AStepThatStaysIsThatStepOnly) {
  const auto model = [](bool each) {
    return toy([=](Toy& t) {
      const unsigned p = t.mover({{0, 0, 0}, {0, 0, 1}});
      if (each) {
        t.each_step_fair(Fair::weak, p, "each step is taken");
      } else {
        t.weakly_fair(p, "it goes on");
      }
      t.leads_to("one", "One is reached.", t.is(0, 0), t.is(0, 1));
    });
  };
  expect(model(false), Assume::weak, {Verdict::violated, 2, 2, 1, 0, 1});
  expect(model(true), Assume::weak, {Verdict::holds, 2, 2, 1});
}

// A run that ends is a run: at 1 nothing is left to do, and 2 was promised.  2 states, 1 step; the
// lasso goes there and has no cycle, whatever is assumed.
TEST(SoundLiveness, AnEndIsNoProof) {
  const auto model = toy([](Toy& t) {
    const unsigned p = t.mover({{0, 0, 1}});
    t.weakly_fair(p, "it goes on");
    t.strongly_fair(p, "it goes on, too");
    t.leads_to("two", "Two is reached.", t.is(0, 0), t.is(0, 2));
  });
  for (const Assume assume : {Assume::none, Assume::weak, Assume::strong})
    expect(model, assume, {Verdict::violated, 2, 1, 1, 1, 0});
}

// Two alike take turns with a lock, or do not: "somebody" and "the first" are different promises,
// and a permutation of the two must not turn one into the other.
//
// v0: 0 free, 1 taken by P0, 2 taken by P1.  3 states, 4 steps; all promise something of 1.
//   weak: P1 alone goes on for ever, as P0 is not enabled while it is taken: a cycle of 2.
//   strong: both get it again and again.
TEST(SoundLiveness, OneOfTwoAlikeStarves) {
  const auto model = toy([](Toy& t) {
    for (unsigned i = 0; i < 2; ++i) {
      const unsigned p = t.mover({{0, 0, i + 1}, {0, i + 1, 0}});
      t.weakly_fair(p, "it goes on");
      t.strongly_fair(p, "it goes on, too");
    }
    t.always_eventually("first", "The first gets it again and again.", t.is(0, 1));
  });
  expect(model, Assume::weak, {Verdict::violated, 3, 4, 2, 0, 2});
  expect(model, Assume::strong, {Verdict::holds, 3, 4, 2});
}

/// Liveness with symmetry, with several workers, or with a reduced search is not there, and so
/// cannot be asked for.  Whoever adds one of them adds its test here.
template <class Options>
concept HasMore = requires(Options options) {
  options.symmetry;
}
|| requires(Options options) { options.jobs; }
|| requires(Options options) { options.reduction; };
static_assert(!HasMore<LivenessOptions>);

// Several at once do not disturb one another.
TEST(SoundLiveness, FourAtOnceAgree) {
  std::vector<LivenessResult> results(4);
  {
    std::vector<std::jthread> threads;
    threads.reserve(results.size());
    for (auto& result : results) {
      threads.emplace_back([&result] {
        LivenessOptions options;
        options.fairness = Assume::strong;
        result = check_liveness(flower(false), options);
      });
    }
  }
  for (const LivenessResult& result : results) {
    EXPECT_EQ(result.verdict, Verdict::violated);
    EXPECT_EQ(result.states, 4);
    EXPECT_EQ(result.transitions, 5);
    EXPECT_EQ(result.answers.at(0).lasso->cycle.size(), 4);
  }
}

// What cannot be evaluated is no success.
TEST(SoundLiveness, APromiseThatCannotBeEvaluatedIsNoSuccess) {
  const auto model = toy([](Toy& t) {
    t.mover({{0, 0, 1}});
    t.leads_to("any", "Anything.", t.is(0, 0),
               []() -> Truth { throw std::domain_error("it cannot be said"); });
  });
  EXPECT_THROW(static_cast<void>(check_liveness(model)), std::domain_error);
}

// A limit is no success, and neither is a state that fails a property of safety on the way.
TEST(SoundLiveness, WhatWasNotSeenIsNotProved) {
  LivenessOptions options;
  options.states = 2;
  EXPECT_EQ(check_liveness(flower(true), options).verdict, Verdict::unknown);
  const auto fails = toy([](Toy& t) {
    const unsigned p = t.mover({{0, 0, 1}});
    t.add({{"toy", "beyond the range", false, 0, [&t](unsigned) { t.v(1) = t.v(0) + 7U; }}});
    t.weakly_fair(p, "it goes on");
    t.leads_to("one", "One is reached.", t.is(0, 0), t.is(0, 1));
  });
  EXPECT_EQ(check_liveness(fails).verdict, Verdict::unknown);
}

}  // namespace
}  // namespace iommucheck::checker
