// SPDX-License-Identifier: MIT
// Many threads at once: what must hold in every interleaving.  Made for ThreadSanitizer.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <vector>

#include "impl/ioasid/allocator.h"
#include "impl/ioasid/race_window.h"
#include "tests/impl/ioasid/drain.h"
#include "tests/impl/ioasid/threads.h"

namespace iommucheck::ioasid::impl {
namespace {

TEST(Storm, NoIdIsGivenTwiceAndNoneIsLost) {
  constexpr std::uint32_t kIds = 32 * 64 + 5;
  Allocator ids{Config{.ids = kIds}};
  std::vector<std::atomic<int>> owners(kIds);
  std::atomic<std::uint32_t> kept{0};
  in_threads(4, [&](unsigned thread) {
    Dice dice{thread};
    std::vector<Ioasid> mine;
    for (unsigned step = 0; step < 20000; ++step) {
      if (dice.roll(100) < 55 || mine.empty()) {
        const auto got = ids.alloc(kNoSet, dice.roll(kIds), ~0U, nullptr);
        if (!got) continue;
        ASSERT_EQ(owners[got.value].fetch_add(1), 0);
        mine.push_back(got.value);
      } else {
        const std::size_t which = dice.roll(static_cast<std::uint32_t>(mine.size()));
        ASSERT_EQ(owners[mine[which]].fetch_sub(1), 1);
        ASSERT_EQ(ids.free(kNoSet, mine[which]), std::errc{});
        mine[which] = mine.back();
        mine.pop_back();
      }
    }
    kept.fetch_add(static_cast<std::uint32_t>(mine.size()));
  });
  EXPECT_TRUE(ids.consistent());
  EXPECT_EQ(kept.load() + drain(ids), kIds);
}

struct Payload {
  static constexpr int kGood = 1234;
  int magic = kGood;
  std::uint64_t set = 0;
};

void poison(void* object) {
  static_cast<Payload*>(object)->magic = 0;  // plain: a reader that is still there is a race, too
  delete static_cast<Payload*>(object);
}

TEST(Storm, NoFinderMeetsRetiredData) {
  Allocator ids{Config{.ids = 64}};
  const Ioasid replaced = ids.alloc(kNoSet, 0, 0, new Payload).value;
  std::atomic<unsigned> writers{2};
  in_threads(4, [&](unsigned thread) {
    if (thread == 0) {
      for (unsigned i = 0; i < 2000; ++i) {
        const auto old = ids.set_data(replaced, i % 3 == 0 ? nullptr : new Payload);
        ASSERT_TRUE(old);
        if (old.value != nullptr) poison(old.value);  // set_data has waited for the readers
      }
      --writers;
    } else if (thread == 1) {
      for (unsigned i = 0; i < 2000; ++i) {
        auto* object = new Payload;
        const Ioasid id = ids.alloc(kNoSet, 1, 1, object).value;
        ASSERT_EQ(ids.free(kNoSet, id), std::errc{});
        ASSERT_EQ(ids.defer(poison, object), std::errc{});
      }
      --writers;
    } else {
      while (writers.load() != 0) {
        for (const Ioasid id : {Ioasid{0}, Ioasid{1}}) {
          const ReadSection section;
          const auto found = ids.find(kNoSet, id);
          if (found.value != nullptr) {
            race_window();
            ASSERT_EQ(static_cast<Payload*>(found.value)->magic, Payload::kGood);
          }
        }
        const auto shown = ids.find(
            kNoSet, 0,
            [](void* data, void*) {
              race_window();
              EXPECT_EQ(static_cast<Payload*>(data)->magic, Payload::kGood);
              return true;
            },
            nullptr);
        ASSERT_TRUE(shown.ok());
      }
    }
  });
  const auto last = ids.detach_data(replaced);
  if (last.value != nullptr) poison(last.value);
}

TEST(Storm, AFindThroughASetNeverShowsAnotherSetsData) {
  Allocator ids{Config{.ids = 8}};
  const Set sets[2] = {ids.alloc_set(nullptr, 1).value, ids.alloc_set(nullptr, 1).value};
  int data[2] = {};
  std::atomic<bool> done{false};
  in_threads(3, [&](unsigned thread) {
    if (thread == 0) {
      const SetAtEnd end{done};
      for (unsigned i = 0; i < 30000; ++i) {
        ASSERT_EQ(ids.alloc(sets[i % 2], 3, 3, nullptr).value, 3U);
        ASSERT_EQ(ids.attach_data(3, &data[i % 2]), std::errc{});
        ASSERT_EQ(ids.free(sets[i % 2], 3), std::errc{});
      }
      return;
    }
    const unsigned mine = thread - 1;
    while (!done.load()) {
      const auto found = ids.find(sets[mine], 3);
      ASSERT_TRUE(found.value == nullptr || found.value == &data[mine]);
    }
  });
}

// One thread allocates and frees, others take and drop references: every life ends exactly once,
// and while one holds a reference the id keeps its data.
TEST(Storm, ReferencesKeepAnIdAndTheLastOneEndsIt) {
  Allocator ids{Config{.ids = 1}};
  std::atomic<int> lives{0};
  std::atomic<bool> done{false};
  std::vector<Payload> objects(3000);
  in_threads(3, [&](unsigned thread) {
    if (thread == 0) {
      const SetAtEnd end{done};
      for (Payload& object : objects) {
        while (!ids.alloc(kNoSet, 0, 0, &object)) std::this_thread::yield();
        ASSERT_EQ(lives.fetch_add(1), 0) << "the id was given while it was still alive";
        if (ids.get(kNoSet, 0) == std::errc{}) {
          ASSERT_EQ(ids.free(kNoSet, 0), std::errc{});
          // Lives on: our reference by get is left.
          ASSERT_EQ(ids.find(kNoSet, 0).value, &object);
          lives.fetch_sub(1);
          static_cast<void>(ids.put(kNoSet, 0));
        }
      }
      return;
    }
    while (!done.load()) {
      if (ids.get(kNoSet, 0) != std::errc{}) continue;
      void* const data = ids.find(kNoSet, 0).value;
      ASSERT_NE(data, nullptr);
      ASSERT_EQ(ids.find(kNoSet, 0).value, data);
      ASSERT_TRUE(ids.put(kNoSet, 0).ok());
    }
  });
  EXPECT_EQ(drain(ids), 1U);
}

// A quota of one place per thread: nobody may be refused, not even for a moment, and nobody may
// get more.
TEST(Storm, AQuotaIsExactInBothDirections) {
  constexpr unsigned kThreads = 3;
  Allocator ids{Config{.ids = 256}};
  const Set set = ids.alloc_set(nullptr, kThreads).value;
  std::atomic<unsigned> alive{0};
  in_threads(kThreads, [&](unsigned) {
    for (unsigned i = 0; i < 5000; ++i) {
      const auto got = ids.alloc(set, 0, ~0U, nullptr);
      ASSERT_TRUE(got) << "refused with a place free";
      ASSERT_LE(alive.fetch_add(1), kThreads - 1);
      alive.fetch_sub(1);
      ASSERT_EQ(ids.free(set, got.value), std::errc{});
    }
  });
  EXPECT_EQ(ids.set_size(set), 0U);
}

// The order of events has to be one order for all calls: once find has answered that the id is
// unknown, nobody but us allocates, so alloc must not fail because free() has not returned yet.
TEST(Storm, WhatFindCallsUnknownCanBeAllocated) {
  Allocator ids{Config{.ids = 70}};
  const Set only_one = ids.alloc_set(nullptr, 1).value;
  for (unsigned round = 0; round < 600; ++round) {
    // Without a set the id may be wanting, with one the place in the quota.
    const Set set = round % 2 == 0 ? only_one : kNoSet;
    ASSERT_TRUE(ids.alloc(set, 65, 65, nullptr));
    in_threads(2, [&](unsigned thread) {
      if (thread == 0) {
        ASSERT_EQ(ids.free(set, 65), std::errc{});
        return;
      }
      while (ids.find(set, 65)) {}
      ASSERT_TRUE(ids.alloc(set, 65, 65, nullptr)) << (set ? "with a set" : "without a set");
    });
    ASSERT_EQ(ids.free(set, 65), std::errc{});
  }
}

TEST(Storm, ADyingSetLeavesNothingBehind) {
  constexpr std::uint32_t kIds = 600;
  Allocator ids{Config{.ids = kIds, .capacity = 100}};
  for (unsigned round = 0; round < 300; ++round) {
    const Set set = ids.alloc_set(&ids, 100).value;
    in_threads(3, [&](unsigned thread) {
      if (thread == 0) {
        ASSERT_EQ(ids.put_set(set), std::errc{});
        return;
      }
      for (unsigned i = 0; i < 20; ++i) {
        const auto got = ids.alloc(set, round % 50 * 10, ~0U, nullptr);
        if (!got) break;
        if (ids.get(set, got.value) == std::errc{}) {
          ASSERT_TRUE(ids.put(set, got.value).ok());
        }
      }
    });
    ASSERT_EQ(ids.set_state(set), SetState::gone);
    ASSERT_EQ(ids.set_size(set), 0U);
  }
  EXPECT_EQ(drain(ids), kIds);
  EXPECT_TRUE(ids.alloc_set(&ids, 100)) << "all quota is back";
}

// Who has found one id gone finds all gone, and room for another set.
TEST(Storm, ASetGoesAtOneInstant) {
  constexpr std::uint32_t kIds = 40;
  Allocator ids{Config{.ids = kIds, .capacity = kIds}};
  for (unsigned round = 0; round < 300; ++round) {
    const Set set = ids.alloc_set(nullptr, kIds).value;
    for (Ioasid id = 0; id < kIds; ++id) ASSERT_TRUE(ids.alloc(set, id, id, nullptr));
    in_threads(3, [&](unsigned thread) {
      if (thread == 0) {
        ASSERT_EQ(ids.put_set(set), std::errc{});
        return;
      }
      const Ioasid first = thread == 1 ? 0 : kIds - 1, last = kIds - 1 - first;
      while (ids.find(set, last)) {}
      ASSERT_FALSE(ids.find(set, first));
      if (thread != 1) return;
      const auto next = ids.alloc_set(nullptr, kIds);
      ASSERT_TRUE(next);
      ASSERT_EQ(ids.put_set(next.value), std::errc{});
    });
  }
}

// Every life begins with data, so nothing can ever be attached: not to a life that has just begun
// on the strength of a look at the one before, either.
TEST(Storm, AttachDataActsOnOneLife) {
  Allocator ids{Config{.ids = 1}};
  int data = 0;
  int other = 0;
  std::atomic<bool> done{false};
  in_threads(2, [&](unsigned thread) {
    if (thread == 0) {
      const SetAtEnd end{done};
      for (unsigned i = 0; i < 6000; ++i) {
        ASSERT_TRUE(ids.alloc(kNoSet, 0, 0, &data));
        ASSERT_EQ(ids.free(kNoSet, 0), std::errc{});
      }
      return;
    }
    while (!done.load()) ASSERT_NE(ids.attach_data(0, &other), std::errc{});
  });
}

}  // namespace
}  // namespace iommucheck::ioasid::impl
