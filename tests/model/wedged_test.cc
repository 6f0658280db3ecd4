// SPDX-License-Identifier: MIT
// Who can never go on while others do: found where it is so, and nowhere else.
#include <gtest/gtest.h>

#include "checker/explicit/explicit.h"
#include "checker/wedged.h"
#include "model/kernel/heap.h"
#include "model/kernel/locks.h"
#include "model/registry.h"

namespace iommucheck::model {
namespace {

using checker::Verdict;

/// What the thread that holds the mutex waits for.
enum class Waits : std::uint8_t { nobody, device, device_once, other_thread };

/// Threads take a mutex and wait under it for a flag; a device moves all the time.
class Waiters : public Design<Concrete> {
 public:
  using T = Cpu<Concrete>;
  explicit Waiters(Waits waits)
      : Design{two_threads()},
        scope_{root()},
        mutex_{*this, "lock"},
        flag_{scope_, "flag"},
        tick_{scope_, "tick", 3} {
    auto& p = program("wait");
    p.step("mutex_lock(&lock)", [this](T& t) { t.lock(mutex_); });
    p.step("wait for the flag", [this](T& t) { t.require(flag_); });
    p.step("mutex_unlock(&lock)", [this](T& t) {
      flag_ = false;
      t.unlock(mutex_);
    });
    if (waits == Waits::other_thread)
      program("wake").step("flag = true", [this](T&) { flag_ = true; });
    code_.push_back({"device", "tick", false, 0, [this, waits](unsigned) {
                       const bool last = tick_.value().word() == 3;
                       const bool first = tick_.value().word() == 0;
                       const bool once = waits == Waits::device_once;
                       if (once ? first : waits == Waits::device && last) flag_ = true;
                       tick_ = !last ? tick_.value().word() + 1 : (once ? 1U : 0U);
                     }});
    add_actor("device", code_);
    complete();
  }

 private:
  static ProcessBounds two_threads() {
    ProcessBounds bounds;
    bounds.threads = 2;
    return bounds;
  }
  Scope<Concrete> scope_;
  Mutex<Concrete> mutex_;
  Flag<Concrete> flag_;
  Var<Concrete> tick_;
  Code code_;
};

TEST(Wedged, WhoWaitsForNobodyIsFoundWithTheShortestPath) {
  const auto explored = checker::explore([] { return std::make_unique<Waiters>(Waits::nobody); });
  EXPECT_EQ(explored.verdict, Verdict::holds) << "the device always moves";
  Waiters machine{Waits::nobody};
  const auto search = checker::find_wedged(machine, 1000);
  EXPECT_TRUE(search.all);
  EXPECT_EQ(search.states, explored.states);
  ASSERT_TRUE(search.path);
  EXPECT_EQ(search.path->steps.size(), 1U) << "the mutex is taken";
  EXPECT_STREQ(search.path->failure.detail, checker::kWedged);
  Waiters again{Waits::nobody};
  EXPECT_TRUE(checker::replays(again, *search.path));
}

TEST(Wedged, WhoCanBeHelpedIsNot) {
  for (const Waits waits : {Waits::device, Waits::other_thread}) {
    Waiters machine{waits};
    const auto search = checker::find_wedged(machine, 1000);
    EXPECT_TRUE(search.all);
    EXPECT_FALSE(search.path);
  }
}

// The flag comes once: the second who waits is stuck.
TEST(Wedged, HelpThatIsUsedUpIsNoHelp) {
  Waiters machine{Waits::device_once};
  const auto search = checker::find_wedged(machine, 1000);
  ASSERT_TRUE(search.path);
  // The device wakes the first one, who unlocks; then the mutex is taken again.
  EXPECT_EQ(search.path->steps.size(), 5U);
  Waiters again{Waits::device_once};
  EXPECT_TRUE(checker::replays(again, *search.path));
}

// What lies beyond the limit may help.
TEST(Wedged, NothingIsSaidOfWhatWasNotLookedAt) {
  Waiters small{Waits::nobody};
  const auto search = checker::find_wedged(small, 1);
  EXPECT_FALSE(search.all);
  EXPECT_FALSE(search.path);
  EXPECT_EQ(search.states, 1U);
}

// A failing end is not taken for a stuck one by a path that ends elsewhere.
TEST(Wedged, APathToWhereEverybodyMovesDoesNotReplay) {
  Waiters machine{Waits::nobody};
  auto path = checker::find_wedged(machine, 1000).path.value();
  path.steps.clear();
  Waiters again{Waits::nobody};
  EXPECT_FALSE(checker::replays(again, path));
}

TEST(Wedged, NoDesignIs) {
  for (const auto* entry : designs()) {
    SCOPED_TRACE(entry->name());
    BoundValues bounds;
    for (const BoundInfo& bound : entry->bounds()) {
      if (bound.name == "threads") bounds["threads"] = 2;
      if (bound.name == "pasids" || bound.name == "sets") bounds[bound.name] = 1;
    }
    const auto machine = entry->concrete(bounds, "");
    const auto search = checker::find_wedged(*machine, 20'000);
    EXPECT_FALSE(search.path);
  }
}

}  // namespace
}  // namespace iommucheck::model
