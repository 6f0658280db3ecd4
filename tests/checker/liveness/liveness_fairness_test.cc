// SPDX-License-Identifier: MIT
// What each kind of fairness is worth: machines whose answers were written down first.
#include <gtest/gtest.h>

#include <set>

#include "tests/checker/explicit/machines.h"
#include "tests/checker/liveness/toys.h"

namespace iommucheck::checker {
namespace {

/// P0 opens and closes a door (v0), P1 can go through (v1: 0 -> 1) while it is open, or always.
ConcreteFactory door(bool always_open) {
  return toy([=](Toy& t) {
    const unsigned keeper = t.mover({{0, 0, 1}, {0, 1, 0}});
    const unsigned guest = t.add({{"toy", "go through", false, 0, [&t, always_open](unsigned) {
                                     if (!always_open) t.context.require(t.v(0) == 1U);
                                     t.context.require(t.v(1) == 0U);
                                     t.v(1) = 1;
                                   }}});
    t.weakly_fair(keeper, "the door moves");
    t.weakly_fair(guest, "the guest goes on");
    t.strongly_fair(guest, "the guest is quick");
    t.leads_to("through", "The guest gets through.", t.is(1, 0), t.is(1, 1));
  });
}

TEST(LivenessFairness, WeakSufficesForWhatStaysEnabled) {
  EXPECT_EQ(verdict(door(true), Assume::none), Verdict::violated);
  EXPECT_EQ(verdict(door(true), Assume::weak), Verdict::holds);
  EXPECT_EQ(verdict(door(true), Assume::strong), Verdict::holds);
}

TEST(LivenessFairness, OnlyStrongSufficesForWhatComesAndGoes) {
  EXPECT_EQ(verdict(door(false), Assume::none), Verdict::violated);
  const LivenessAnswer weak = ask(door(false), Assume::weak);
  ASSERT_EQ(weak.verdict, Verdict::violated);
  EXPECT_TRUE(weak.lasso->stem.empty());
  EXPECT_EQ(who(weak.lasso->cycle), (std::vector<unsigned>{0, 0}));
  EXPECT_EQ(verdict(door(false), Assume::strong), Verdict::holds);
}

// Nothing is promised of the goal, and both processes have to take part in the cycle.
TEST(LivenessFairness, ACycleHonoursTwoAssumptionsAtOnce) {
  const auto two = toy([](Toy& t) {
    const unsigned a = t.mover({{0, 0, 1}, {0, 1, 0}});
    const unsigned b = t.mover({{1, 0, 1}, {1, 1, 2}, {1, 2, 0}});
    t.weakly_fair(a, "a goes on");
    t.weakly_fair(b, "b goes on");
    t.always_eventually("never", "The first is 7 again and again.", t.is(0, 7));
  });
  const LivenessAnswer none = ask(two, Assume::none);
  ASSERT_TRUE(none.lasso);
  EXPECT_EQ(who(none.lasso->cycle), (std::vector<unsigned>{0, 0}));
  const LivenessAnswer weak = ask(two, Assume::weak);
  ASSERT_TRUE(weak.lasso);
  std::multiset<unsigned> steps;
  for (const unsigned p : who(weak.lasso->cycle)) steps.insert(p);
  EXPECT_EQ(steps, (std::multiset<unsigned>{0, 0, 1, 1, 1}));
}

// One can stay left (fair to P1 only) or right (fair to P0 only), never go from one to the other
// and back: no fair run avoids the goal.
TEST(LivenessFairness, EachOfTwoCyclesIsUnfairToSomebody) {
  const auto forked = [](bool back) {
    return toy([=](Toy& t) {
      // 0: start, 1: left, 2: right, 3: the goal.
      const unsigned a = t.mover({{0, 0, 1}, {0, 1, 2}, {0, 2, 3}});
      std::vector<Toy::Move> moves{{0, 1, 1}, {0, 2, 2}};
      if (back) moves.push_back({0, 2, 1});
      const unsigned b = t.mover(moves);
      t.weakly_fair(a, "a goes on");
      t.weakly_fair(b, "b goes on");
      t.leads_to("goal", "The goal is reached.", t.is(0, 0), t.is(0, 3));
    });
  };
  EXPECT_EQ(verdict(forked(false), Assume::weak), Verdict::holds);
  const LivenessAnswer back = ask(forked(true), Assume::weak);
  ASSERT_EQ(back.verdict, Verdict::violated);
  EXPECT_EQ(who(back.lasso->cycle), (std::vector<unsigned>{0, 1}));
}

// Strong fairness of one step forbids a state; without it the other assumption cannot be kept.
TEST(LivenessFairness, StrongFairnessTakesStatesAwayFromACycle) {
  const auto t = toy([](Toy& m) {
    // 0 <-> 1 by P0; P1's exit 1 -> 2 is strongly fair; P2 turns 0 -> 0 and 2 -> 2.
    const unsigned a = m.mover({{0, 0, 1}, {0, 1, 0}});
    const unsigned exit = m.mover({{0, 1, 2}});
    const unsigned turn = m.mover({{0, 0, 0}});
    m.weakly_fair(a, "a goes on");
    m.strongly_fair(exit, "the exit is taken");
    m.weakly_fair(turn, "the turn is taken");
    m.leads_to("out", "The exit is taken.", m.is(0, 0), m.is(0, 2));
  });
  // Weak: 0 -> 0 -> 1 -> 0 is fair to all.
  EXPECT_EQ(verdict(t, Assume::weak), Verdict::violated);
  // Strong: 1 must not be seen again and again, and staying in 0 is unfair to P0.
  EXPECT_EQ(verdict(t, Assume::strong), Verdict::holds);
}

TEST(LivenessFairness, OfEachStepIsMoreThanOfTheProcess) {
  const auto chooser = [](bool each) {
    return toy([=](Toy& t) {
      const unsigned p = t.mover({{0, 0, 0}, {0, 0, 1}});
      if (each) {
        t.each_step_fair(Fair::weak, p, "each step");
      } else {
        t.weakly_fair(p, "any step");
      }
      t.leads_to("chosen", "The second step is chosen.", t.is(0, 0), t.is(0, 1));
    });
  };
  const LivenessAnswer any = ask(chooser(false), Assume::weak);
  ASSERT_EQ(any.verdict, Verdict::violated);
  EXPECT_EQ(any.lasso->cycle.size(), 1U);
  EXPECT_EQ(verdict(chooser(true), Assume::weak), Verdict::holds);
}

TEST(LivenessFairness, OfSomeStepsOnly) {
  const auto t = toy([](Toy& m) {
    const unsigned p = m.mover({{0, 0, 0}, {0, 0, 1}, {0, 0, 2}});
    m.weakly_fair(p, "the last step", [](const StepCode& s) { return s.label == "v[0]: 0 -> 2"; });
    m.leads_to("chosen", "Some step is chosen.", m.is(0, 0), [&m] { return m.v(0) != 0U; });
  });
  EXPECT_EQ(verdict(t, Assume::none), Verdict::violated);
  EXPECT_EQ(verdict(t, Assume::weak), Verdict::holds);
}

/// Peterson's algorithm, and a clock that can always tick.
class FairPeterson : public Peterson {
 public:
  explicit FairPeterson(bool ticks) : time_(scope_, "time", 1) {
    for (unsigned i = 0; i < 2; ++i) weakly_fair(i, "a process that wants in goes on");
    leads_to(
        "gets-in", "Who wants in gets in.", {"p0", "p1"},
        [this](unsigned i) { return pc_[i] != 0U && pc_[i] != 4U; },
        [this](unsigned i) { return pc_[i] == 4U; });
    clock_.push_back(
        {"clock", "tick", false, 0, [this](unsigned) { time_ = Val<Concrete>(1) - time_; }});
    if (ticks) process({"clock", 2, &clock_, nullptr});
  }

 private:
  Number time_;
  Code clock_;
};

// With its flag up a process is passed once: then the other one waits, and cannot go on instead.
TEST(LivenessFairness, PetersonNeedsThatSomebodyGoesOn) {
  EXPECT_EQ(verdict(make<FairPeterson>(false), Assume::none), Verdict::holds);
  EXPECT_EQ(verdict(make<FairPeterson>(false), Assume::weak), Verdict::holds);
  EXPECT_EQ(verdict(make<FairPeterson>(true), Assume::none), Verdict::violated);
  EXPECT_EQ(verdict(make<FairPeterson>(true), Assume::weak), Verdict::holds);
}

/// A spinlock: who comes first gets it.
class Spin : public Program {
 public:
  Spin() : Program(2, 3), lock_(scope_, "lock", 1) {
    step("begin", [](unsigned) {});
    step("lock", [this](unsigned) {
      context.require(lock_ == 0U);
      lock_ = 1;
    });
    step(
        "unlock", [this](unsigned) { lock_ = 0; }, true);
    start();
    for (unsigned i = 0; i < 2; ++i) {
      weakly_fair(i, "a call that has begun goes on");
      strongly_fair(i, "the lock is handed out fairly",
                    [](const StepCode& s) { return s.label == "lock"; });
    }
    leads_to(
        "returns", "A call that has begun returns.", {"p0", "p1"},
        [this](unsigned i) { return pc_[i] != 0U; }, [this](unsigned i) { return pc_[i] == 0U; });
  }

 private:
  Number lock_;
};

TEST(LivenessFairness, ASpinlockStarvesUnlessItIsStronglyFair) {
  const LivenessAnswer weak = ask(make<Spin>(), Assume::weak);
  ASSERT_EQ(weak.verdict, Verdict::violated);
  EXPECT_EQ(weak.lasso->stem.size(), 1U);
  EXPECT_EQ(weak.lasso->cycle.size(), 3U) << "the other one begins, locks and unlocks";
  EXPECT_EQ(verdict(make<Spin>(), Assume::strong), Verdict::holds);
}

TEST(LivenessFairness, TheScopeNamesWhatIsAssumed) {
  const Spin machine;
  EXPECT_EQ(assumed(machine, Assume::none), std::vector<std::string>{});
  EXPECT_EQ(assumed(machine, Assume::weak),
            (std::vector<std::string>{"weak fairness of p0, p1: a call that has begun goes on"}));
  EXPECT_EQ(assumed(machine, Assume::strong).at(1),
            "strong fairness of p0, p1: the lock is handed out fairly");
}

TEST(LivenessFairness, MoreAssumptionsThanAMaskHasBits) {
  const auto many = toy([](Toy& t) {
    const unsigned p = t.mover({{0, 0, 1}});
    for (unsigned i = 0; i < 65; ++i) t.weakly_fair(p, "again");
    t.always_eventually("one", "It is one.", t.is(0, 1));
  });
  EXPECT_THROW((void)verdict(many, Assume::weak), std::length_error);
}

}  // namespace
}  // namespace iommucheck::checker
