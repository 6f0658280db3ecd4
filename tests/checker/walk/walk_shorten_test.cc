// SPDX-License-Identifier: MIT
// Shortening: detours go, the violation stays.
#include "checker/walk/shorten.h"

#include <gtest/gtest.h>

#include "checker/explicit/explicit.h"
#include "checker/walk/walk.h"
#include "tests/checker/explicit/machines.h"

namespace iommucheck::checker {
namespace {

using walking::shorten;

/// The path that takes these steps, by process; each has one step that is enabled.
Path path_of(Machine<Concrete>& machine, const std::vector<unsigned>& processes) {
  struct Visit {
    unsigned process;
    std::optional<PathStep> step;
    void successor(ActionId a, StateView s) {
      if (a.process == process) step = PathStep{a, {s.begin(), s.end()}};
    }
    void violation(ActionId, const Failure&, StateView) {}
    void stuck(const Failure&) {}
  };
  Path path;
  initial_states(machine, [&](StateView s) { path.initial.assign(s.begin(), s.end()); });
  PackedState state = path.initial;
  for (const unsigned process : processes) {
    Visit visit{process, {}};
    expand(machine, state, visit);
    path.steps.push_back(visit.step.value());
    state = path.steps.back().after;
  }
  path.failure = broken_invariant(machine, state).value();
  return path;
}

TEST(Shorten, LeavesOutWholeCalls) {
  BrokenLock lock;
  // p0 goes through the section twice and p1 once, before both are in it.
  const Path detour = path_of(lock, {0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1, 0, 1});
  ASSERT_TRUE(replays(lock, detour));
  const Path direct = shorten(lock, detour);
  EXPECT_EQ(direct.steps.size(), 4);
  EXPECT_TRUE(replays(*make<BrokenLock>()(), direct));
}

TEST(Shorten, KeepsWhatIsNeeded) {
  MinedGrid grid(2, 9, 5);
  const Path path = path_of(grid, {0, 0, 1, 0, 1, 1, 0, 1, 1, 0});
  const Path same = shorten(grid, path);
  EXPECT_EQ(same.steps.size(), 10);
  EXPECT_TRUE(replays(grid, same));
}

TEST(Shorten, WithoutStatesToExpandNothingChanges) {
  BrokenLock lock;
  const Path detour = path_of(lock, {0, 0, 0, 0, 1, 0, 1});
  for (const std::uint64_t states : {0U, 1U, 5U, 10U, 20U}) {
    const Path path = shorten(lock, detour, states);
    EXPECT_LE(path.steps.size(), 7);
    EXPECT_TRUE(replays(lock, path)) << states;
  }
  EXPECT_EQ(shorten(lock, detour, 0).steps.size(), 7);
}

/// The number is 0 to 9 and goes up or down, and 9 must not be reached with the flag set, which
/// changes at 0: there and back is a loop.
class Shuttle : public Machine<Concrete> {
 public:
  Shuttle() : scope_(root()), n_(scope_, "n", 9), flag_(scope_, "flag", 1) {
    property("far", "The flag is not carried to the end.",
             [this] { return !(n_ == 9U && flag_ == 1U); });
    code_.push_back({"shuttle", "up", false, 0, [this](unsigned) {
                       context.require(n_ < 9U);
                       n_ += 1;
                     }});
    code_.push_back({"shuttle", "down", false, 0, [this](unsigned) {
                       context.require(n_ > 0U);
                       n_ -= 1;
                     }});
    code_.push_back({"shuttle", "flag", false, 0, [this](unsigned) {
                       context.require(n_ == 0U);
                       flag_ = Val<Concrete>(1) - flag_;
                     }});
    process({"shuttle", 0, &code_, nullptr});
  }

 private:
  Scope<Concrete> scope_;
  Var<Concrete> n_, flag_;
  Code code_;
};

TEST(Shorten, AWalkWithLoopsBecomesAShortestPath) {
  unsigned found = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    WalkOptions options;
    options.seed = seed;
    options.walks = 50;
    const Walks walks = random_walk(make<Shuttle>(), options);
    if (walks.verdict != Verdict::violated) continue;
    ++found;
    EXPECT_GE(walks.path_before, 10);
    EXPECT_EQ(walks.path->steps.size(), 10) << "seed " << seed << ", before " << walks.path_before;
  }
  EXPECT_GT(found, 15);
}

}  // namespace
}  // namespace iommucheck::checker
