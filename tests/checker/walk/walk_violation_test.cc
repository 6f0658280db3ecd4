// SPDX-License-Identifier: MIT
// What a walk finds: every kind of violation, nothing that is none, nothing that does not replay.
#include <gtest/gtest.h>

#include "checker/explicit/explicit.h"
#include "checker/walk/walk.h"
#include "tests/checker/explicit/machines.h"
#include "tests/checker/explicit/random_machine.h"

namespace iommucheck::checker {
namespace {

constexpr std::uint64_t kSeed = 20201120;

Walks walk(const ConcreteFactory& factory, std::uint64_t seed = kSeed, std::uint64_t walks = 200) {
  WalkOptions options;
  options.seed = seed;
  options.walks = walks;
  options.depth = 100;
  return random_walk(factory, options);
}

void expect_found(const ConcreteFactory& factory, const std::string& property) {
  const Walks found = walk(factory);
  ASSERT_EQ(found.verdict, Verdict::violated);
  ASSERT_TRUE(found.path);
  const auto machine = factory();
  std::string why;
  EXPECT_TRUE(replays(*machine, *found.path, &why)) << why;
  EXPECT_EQ(machine->properties().at(static_cast<std::size_t>(found.path->failure.property)).name,
            property);
  EXPECT_LE(found.path->steps.size(), found.path_before);
  const Exploration all = explore(factory);
  ASSERT_TRUE(all.path);
  EXPECT_GE(found.path->steps.size(), all.path->steps.size());
}

TEST(WalkViolation, AnInvariant) { expect_found(make<BrokenLock>(), "mutual exclusion"); }
TEST(WalkViolation, WithoutAStep) { expect_found(make<Philosophers>(3U), "deadlock"); }
TEST(WalkViolation, ACycleOfWaiters) {
  expect_found(make<Philosophers>(3U, true, true), "deadlock");
}
TEST(WalkViolation, InTheInitialState) { expect_found(make<MinedGrid>(2U, 3U, 0U), "no mine"); }

/// A door that must not be opened, behind which there is nothing: one of a hundred ways.
class Door : public Machine<Concrete> {
 public:
  Door() : scope_(root()), n_(scope_, "n", 1) {
    const auto shut = property("shut", "The door stays shut.");
    code_.push_back({"door", "look", false, 0, [this](unsigned) { context.choose(100); }});
    code_.push_back(
        {"door", "open", false, 0, [this, shut](unsigned) { context.fail(shut, "it is open"); }});
    process({"guest", 0, &code_, nullptr});
  }

 private:
  Scope<Concrete> scope_;
  Var<Concrete> n_;
  Code code_;
};

TEST(WalkViolation, AStepThatTheWalkNeedNotTake) {
  const Walks found = walk(make<Door>(), kSeed, 1);
  ASSERT_EQ(found.verdict, Verdict::violated);
  EXPECT_EQ(found.path->steps.size(), 1);
  EXPECT_EQ(found.steps, 0) << "it was seen before a step was taken";
}

TEST(WalkViolation, TheLastStateIsLookedAt) {
  WalkOptions options;
  options.walks = 1;
  options.depth = 6;  // two counters to 3 each
  EXPECT_EQ(random_walk(make<MinedGrid>(2U, 3U, 3U), options).verdict, Verdict::violated);
  options.depth = 5;
  EXPECT_EQ(random_walk(make<MinedGrid>(2U, 3U, 3U), options).verdict, Verdict::unknown);
}

TEST(WalkViolation, NothingWhereAllHolds) {
  EXPECT_EQ(walk(make<Peterson>()).verdict, Verdict::unknown);
  EXPECT_EQ(walk(make<Philosophers>(3U, true, false)).verdict, Verdict::violated) << "a mutant";
}

// Against the search of all states, on machines made up from seeds.
TEST(WalkViolation, OfRandomMachines) {
  unsigned violated = 0, found = 0;
  for (unsigned seed = 0; seed < 300; ++seed) {
    const auto factory = make<RandomMachine<Concrete>>(seed);
    const Exploration all = explore(factory, [] {
      Options options;
      options.jobs = 1;
      return options;
    }());
    const Walks some = walk(factory, seed, 20);
    ASSERT_NE(some.verdict, Verdict::holds);
    ASSERT_NE(some.verdict, Verdict::proved);
    violated += all.verdict == Verdict::violated;
    if (some.verdict != Verdict::violated) continue;
    ++found;
    ASSERT_EQ(all.verdict, Verdict::violated) << "seed " << seed;
    std::string why;
    ASSERT_TRUE(replays(*factory(), *some.path, &why)) << "seed " << seed << ": " << why;
    ASSERT_LE(some.path->steps.size(), some.path_before) << "seed " << seed;
    ASSERT_GE(some.path->steps.size(), all.path->steps.size()) << "seed " << seed;
  }
  EXPECT_GT(violated, 100);
  EXPECT_GT(found, violated * 9 / 10) << "of " << violated;
}

/// Counts its steps where they are no part of the state, and fails at the tenth: only then, or from
/// then on.
class Moody : public Machine<Concrete> {
 public:
  Moody(const std::shared_ptr<unsigned>& steps, bool once) : scope_(root()), n_(scope_, "n", 1) {
    const auto calm = property("calm", "It stays calm.");
    code_.push_back({"moody", "step", false, 0, [=, this](unsigned) {
                       n_ = Val<Concrete>(1) - n_;
                       ++*steps;
                       context.fail_unless(Bool<Concrete>(once ? *steps != 10 : *steps < 10), calm,
                                           "it has had enough");
                     }});
    process({"moody", 0, &code_, nullptr});
  }

 private:
  Scope<Concrete> scope_;
  Var<Concrete> n_;
  Code code_;
};

std::string refusal(const ConcreteFactory& factory) {
  try {
    static_cast<void>(walk(factory));
  } catch (const std::logic_error& error) {
    return error.what();
  }
  return "";
}

TEST(WalkViolation, WhatDoesNotReplayIsNotReported) {
  // One counter for all machines, so that the failure does not show a second time.
  const auto shared = std::make_shared<unsigned>(0);
  const auto once = [shared] { return std::make_unique<Moody>(shared, true); };
  EXPECT_NE(refusal(once).find("the walk does not replay"), std::string::npos);
  // One for each machine: the walk replays, and what it was shortened to does not.
  const auto later = [] { return std::make_unique<Moody>(std::make_shared<unsigned>(0), false); };
  EXPECT_NE(refusal(later).find("the shortened walk does not replay"), std::string::npos);
}

}  // namespace
}  // namespace iommucheck::checker
