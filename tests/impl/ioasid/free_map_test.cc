// SPDX-License-Identifier: MIT
// The hierarchical bitmap: search, ends, summary bits under concurrency.
#include "impl/ioasid/free_map.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/impl/ioasid/threads.h"

namespace iommucheck::ioasid::impl {
namespace {

constexpr Ioasid kNone = kInvalidIoasid;

TEST(FreeMap, GivesTheLowestFreeIdOfTheRange) {
  FreeMap map{kMaxIoasids};
  EXPECT_EQ(map.take_first(0, kMaxIoasids - 1), 0U);
  EXPECT_EQ(map.take_first(0, kMaxIoasids - 1), 1U);
  EXPECT_EQ(map.take_first(31, 40), 31U);
  EXPECT_EQ(map.take_first(31, 40), 32U);
  EXPECT_EQ(map.take_first(700000, 700000), 700000U);
  EXPECT_EQ(map.take_first(700000, 700000), kNone);
  EXPECT_EQ(map.take_first(kMaxIoasids - 1, kMaxIoasids - 1), kMaxIoasids - 1);
  map.release(0);
  EXPECT_EQ(map.take_first(0, 100), 0U);
}

TEST(FreeMap, AnEmptyRangeHasNoId) {
  FreeMap map{64};
  EXPECT_EQ(map.take_first(5, 4), kNone);
}

// Sizes at and around the borders of leaves and of each level.
TEST(FreeMap, HasExactlyAsManyIdsAsAskedFor) {
  for (const std::uint32_t ids : {1U, 2U, 31U, 32U, 33U, 2047U, 2048U, 2049U, 131072U, 131073U,
                                  kMaxIoasids - 1, kMaxIoasids}) {
    FreeMap map{ids};
    for (Ioasid id = 0; id < ids; ++id) ASSERT_EQ(map.take_first(0, ids - 1), id) << ids;
    ASSERT_EQ(map.take_first(0, ids - 1), kNone) << ids;
    ASSERT_EQ(map.next_taken(0), 0U);
    ASSERT_EQ(map.next_taken(ids - 1), ids - 1);
    ASSERT_EQ(map.next_taken(ids), kNone);
    // A hole anywhere in the full map is found, whatever levels it has to open.
    for (const Ioasid hole : {0U, ids / 2, ids - 1}) {
      map.release(hole);
      ASSERT_TRUE(map.hints_lose_nothing());
      ASSERT_EQ(map.take_first(0, ids - 1), hole) << ids;
    }
    ASSERT_TRUE(map.hints_lose_nothing());
  }
}

TEST(FreeMap, ClimbsFromAMinimumInAFullPart) {
  FreeMap map{kMaxIoasids};
  for (Ioasid id = 0; id < 300000; ++id) ASSERT_TRUE(map.take(id));
  EXPECT_EQ(map.take_first(1, kMaxIoasids - 1), 300000U);
  EXPECT_EQ(map.take_first(299999, kMaxIoasids - 1), 300001U);
  EXPECT_EQ(map.take_first(1, 299999), kNone);
  map.release(131072);
  EXPECT_EQ(map.take_first(131073, kMaxIoasids - 1), 300002U);
  EXPECT_EQ(map.take_first(5, 131071), kNone);
  EXPECT_EQ(map.take_first(5, 131072), 131072U);
}

TEST(FreeMap, RandomTakesAndReleasesMatchASet) {
  constexpr std::uint32_t kIds = 5000;
  FreeMap map{kIds};
  std::set<Ioasid> free;
  for (Ioasid id = 0; id < kIds; ++id) free.insert(id);
  Dice dice{1};
  for (unsigned step = 0; step < 200000; ++step) {
    const Ioasid a = dice.roll(kIds);
    const Ioasid b = dice.roll(kIds);
    if (dice.roll(9) < 5) {
      const Ioasid min = std::min(a, b);
      const Ioasid max = std::max(a, b);
      const auto expected = free.lower_bound(min);
      const Ioasid got = map.take_first(min, max);
      ASSERT_EQ(got, expected == free.end() || *expected > max ? kNone : *expected);
      if (got != kNone) free.erase(got);
    } else if (!free.contains(a)) {
      map.release(a);
      free.insert(a);
    }
    ASSERT_EQ(map.taken(b), !free.contains(b));
  }
  EXPECT_TRUE(map.hints_lose_nothing());
}

// Words of every level go full and open again all the time, at several threads.
TEST(FreeMap, AStormLosesNoId) {
  constexpr std::uint32_t kIds = 32 * 64 + 7;
  constexpr unsigned kThreads = 4;
  for (unsigned round = 0; round < 20; ++round) {
    FreeMap map{kIds};
    // Almost full from the start: the upper levels are busy.
    for (Ioasid id = 0; id < kIds - 40; ++id) ASSERT_TRUE(map.take(id));
    std::vector<std::atomic<int>> owners(kIds);
    std::vector<std::vector<Ioasid>> kept(kThreads);
    in_threads(kThreads, [&](unsigned thread) {
      Dice dice{round * kThreads + thread};
      std::vector<Ioasid>& mine = kept[thread];
      for (Ioasid id = thread; id < kIds - 40; id += kThreads) {
        mine.push_back(id);
        owners[id].fetch_add(1);
      }
      for (unsigned step = 0; step < 3000; ++step) {
        if (dice.roll(2) == 0 && !mine.empty()) {
          const std::size_t which = dice.roll(static_cast<std::uint32_t>(mine.size()));
          ASSERT_EQ(owners[mine[which]].fetch_sub(1), 1);
          map.release(mine[which]);
          mine[which] = mine.back();
          mine.pop_back();
        } else if (const Ioasid id = map.take_first(0, kIds - 1); id != kNone) {
          ASSERT_EQ(owners[id].fetch_add(1), 0) << "id " << id << " was given twice";
          mine.push_back(id);
        }
      }
    });
    ASSERT_TRUE(map.hints_lose_nothing());
    std::size_t taken = 0;
    for (const auto& mine : kept) taken += mine.size();
    std::size_t rest = 0;
    while (map.take_first(0, kIds - 1) != kNone) ++rest;
    ASSERT_EQ(taken + rest, kIds);
  }
}

// One leaf that goes full and gets a hole with every call.  A hint that is lost is repaired by the
// next release, so the look has to come after a few calls only.
TEST(FreeMap, AHintIsRightWheneverAllIsQuiet) {
  constexpr unsigned kThreads = 3;
  FreeMap map{kMaxIoasids};
  for (Ioasid id = 0; id < 30; ++id) ASSERT_TRUE(map.take(id));
  std::atomic<unsigned> wrong{0};
  std::barrier quiet{kThreads, [&]() noexcept { wrong += map.hints_lose_nothing() ? 0 : 1; }};
  in_threads(kThreads, [&](unsigned) {
    for (unsigned round = 0; round < 300; ++round) {
      for (unsigned step = 0; step < 3; ++step) {
        const Ioasid id = map.take_first(0, 31);
        if (id != kNone) map.release(id);
      }
      quiet.arrive_and_wait();
    }
  });
  EXPECT_EQ(wrong.load(), 0U);
}

// One id more than there are threads: whoever asks must get one, however the holes move.
TEST(FreeMap, NeverSaysNoneWhileThereIsAlwaysOne) {
  constexpr unsigned kThreads = 3;
  constexpr Ioasid kFirst = 32 * 64 - 2;  // across the border of two words of the second level
  FreeMap map{kMaxIoasids};
  for (Ioasid id = 0; id < kFirst; ++id) ASSERT_TRUE(map.take(id));
  in_threads(kThreads, [&](unsigned) {
    for (unsigned step = 0; step < 20000; ++step) {
      const Ioasid id = map.take_first(kFirst, kFirst + kThreads);
      ASSERT_NE(id, kNone);
      map.release(id);
    }
  });
}

// Two ids for two threads in one leaf: the hint for it is set and cleared all the time.
TEST(FreeMap, AClosedHintHidesNoHole) {
  FreeMap map{kMaxIoasids};
  for (Ioasid id = 0; id < 30; ++id) ASSERT_TRUE(map.take(id));
  in_threads(2, [&](unsigned) {
    for (unsigned step = 0; step < 30000; ++step) {
      const Ioasid id = map.take_first(0, 31);
      ASSERT_NE(id, kNone);
      map.release(id);
    }
  });
}

// Three ids far apart.  One thread holds one of them and walks on, taking the next before it
// leaves the last; the other one looks in the same direction and must not be outrun.
TEST(FreeMap, AHoleThatMovesIsNotMissed) {
  FreeMap map{kMaxIoasids};
  constexpr Ioasid kStep = 3200;
  for (Ioasid id = 0; id < 3 * kStep; ++id) ASSERT_TRUE(map.take(id));
  for (const Ioasid id : {kStep, 2 * kStep}) map.release(id);  // 0 is the walker's
  std::atomic<bool> done{false};
  in_threads(2, [&](unsigned thread) {
    if (thread == 0) {
      Ioasid at = 0;
      while (!done.load()) {
        const Ioasid next = (at + kStep) % (3 * kStep);
        if (!map.take(next)) continue;
        map.release(at);
        at = next;
      }
      return;
    }
    const SetAtEnd end{done};
    for (unsigned step = 0; step < 20000; ++step) {
      const Ioasid id = map.take_first(0, 3 * kStep - 1);
      ASSERT_NE(id, kNone);
      map.release(id);
    }
  });
}

}  // namespace
}  // namespace iommucheck::ioasid::impl
