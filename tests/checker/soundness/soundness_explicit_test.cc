// SPDX-License-Identifier: MIT
// The explicit engine against answers that were worked out by hand, asked in every way.
#include "tests/checker/soundness/ways.h"

namespace iommucheck::checker::soundness {
namespace {

TEST_F(Ways, LostUpdate) { expect<LostUpdate>(LostUpdate<Concrete>::kRight, {}); }
TEST_F(Ways, LocksInOppositeOrders) { expect<TwoLocks>(TwoLocks<Concrete>::kOpposite, {}, true); }
TEST_F(Ways, LocksInOneOrder) { expect<TwoLocks>(TwoLocks<Concrete>::kSame, {}, false); }
TEST_F(Ways, ALongLine) { expect<Odometer>(Odometer<Concrete>::kRight, {}, false); }
TEST_F(Ways, AMineOnALongLine) { expect<Odometer>(Odometer<Concrete>::kMined, {}, true); }
TEST_F(Ways, AStepBackToItsStateIsAStep) { expect<SelfLoop>(SelfLoop<Concrete>::kRight, {}); }
TEST_F(Ways, EveryChoiceCounts) { expect<Choices>(Choices<Concrete>::kRight, {}); }
TEST_F(Ways, WithoutSymmetry) { expect<Alike>(Alike<Concrete>::kAll, {}); }

TEST_F(Ways, WithSymmetry) {
  Options options;
  options.symmetry = {"processes"};
  expect<Alike>(Alike<Concrete>::kUpToPermutations, options);
  EXPECT_EQ(
      explore([] { return std::make_unique<Alike<Concrete>>(); }, options).states_without_symmetry,
      Alike<Concrete>::kAll.states);
}

TEST_F(Ways, AViolationWithSymmetry) {
  Options options;
  options.symmetry = {"processes"};
  expect<LostUpdate>(LostUpdate<Concrete>::kUpToPermutations, options);
}

// A weak hash shows as states that are missing.
TEST_F(Ways, FlagsFarApart) { expect<FarFlags>(FarFlags<Concrete>::kRight, {}); }

// "Continue after an error" must not end as a success, nor with another path.
TEST_F(Ways, GoingOnAfterAViolationIsStillAViolation) {
  Options options;
  options.stop_at_violation = false;
  expect<Odometer>(Odometer<Concrete>::kMinedToTheEnd, options, true);
}

// An evaluation that goes wrong must not end as a success.
TEST_F(Ways, AValueOutOfItsRangeIsAViolation) {
  expect<OutOfRange>(OutOfRange<Concrete>::kRight, {});
}

enum class Where { step, invariant, may_rest, initial, factory };

/// Throws at the third state, or before there is one.
class Thrower : public Small<Concrete> {
 public:
  explicit Thrower(Where where) : x_(scope_, "x", 5) {
    if (where == Where::factory) throw std::domain_error("no machine");
    const auto fail_if = [](bool now) {
      if (now) throw std::domain_error("it cannot be said");
    };
    deadlock = property("no deadlock", "Somebody can go on.");
    property("any", "Whatever it is.", [=, this] {
      fail_if(where == Where::invariant && (x_ == 2U).bit());
      return Bool<Concrete>(true);
    });
    may_rest = [=] {
      fail_if(where == Where::may_rest);
      return Bool<Concrete>(true);
    };
    initial = [=] { fail_if(where == Where::initial); };
    step("go on", [=, this](unsigned) {
      fail_if(where == Where::step && (x_ == 2U).bit());
      context.require(x_ != 5U);
      x_ += 1;
    });
    processes_of(1);
  }

 private:
  Var<Concrete> x_;
};

TEST(Errors, WhatCannotBeEvaluatedIsNoSuccess) {
  for (const unsigned jobs : {1U, 2U}) {
    for (const Where where :
         {Where::step, Where::invariant, Where::may_rest, Where::initial, Where::factory}) {
      Options options;
      options.jobs = jobs;
      const auto factory = [where] { return std::make_unique<Thrower>(where); };
      EXPECT_THROW(static_cast<void>(explore(factory, options)), std::domain_error)
          << static_cast<int>(where);
    }
  }
}

TEST(Errors, AnInitialStateOutOfItsRangeIsNoSuccess) {
  class Wrong : public Small<Concrete> {
   public:
    Wrong() : x_(scope_, "x", 2) {
      initial = [this] { x_ = context.choose(4); };
      step("stay", [](unsigned) {});
      processes_of(1);
    }

   private:
    Var<Concrete> x_;
  };
  EXPECT_THROW(static_cast<void>(explore([] { return std::make_unique<Wrong>(); })),
               std::logic_error);
}

// A limit is no success either, whatever was seen before it.
TEST(Errors, ALimitIsNoSuccess) {
  for (const unsigned jobs : {1U, 2U}) {
    Options options;
    options.jobs = jobs;
    options.limits.states = 10;
    const Exploration e =
        explore([] { return std::make_unique<Odometer<Concrete>>(true); }, options);
    EXPECT_EQ(e.verdict, Verdict::unknown);
    EXPECT_NE(e.reason, "");
  }
}

// What the engine cannot do is refused, not left out.
TEST(Errors, AnUnknownSortIsRefused) {
  Options options;
  options.symmetry = {"unicorns"};
  EXPECT_THROW(
      static_cast<void>(explore([] { return std::make_unique<Alike<Concrete>>(); }, options)),
      std::invalid_argument);
}

}  // namespace
}  // namespace iommucheck::checker::soundness
