// SPDX-License-Identifier: MIT
// Many threads at once, with the rare calls: custom allocators come and go, notifiers, SPIDs.
#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "impl/ioasid/allocator.h"
#include "impl/ioasid/race_window.h"
#include "tests/impl/ioasid/drain.h"
#include "tests/impl/ioasid/threads.h"

namespace iommucheck::ioasid::impl {
namespace {

struct Guest {
  Ioasid next = 0;  // under the mutex of custom allocators
};

Ioasid guest_alloc(Ioasid, Ioasid, void* pdata) {
  auto* guest = static_cast<Guest*>(pdata);
  return 10 + guest->next++ % 50;
}
void guest_free(Ioasid, void* pdata) { ++static_cast<Guest*>(pdata)->next; }
Ioasid other_alloc(Ioasid, Ioasid, void* pdata) {
  auto* guest = static_cast<Guest*>(pdata);
  return 11 + guest->next++ % 50;
}

TEST(StormOfRareCalls, SwitchingAllocatorsLosesNoBit) {
  constexpr std::uint32_t kIds = 100;
  Allocator ids{Config{.ids = kIds}};
  const Set set = ids.alloc_set(nullptr, 50).value;
  Guest a;
  Guest b;
  const CustomOps first{guest_alloc, guest_free, &a};
  const CustomOps second{other_alloc, guest_free, &b};
  std::atomic<unsigned> workers{2};
  std::atomic<unsigned> switches{0};
  in_threads(3, [&](unsigned thread) {
    if (thread == 0) {
      while (workers.load() != 0) {
        if (ids.register_allocator(&first) == std::errc{}) ++switches;
        static_cast<void>(ids.register_allocator(&second));
        static_cast<void>(ids.unregister_allocator(&first));
        static_cast<void>(ids.unregister_allocator(&second));
      }
      return;
    }
    for (unsigned i = 0; i < 10000; ++i) {
      const Set where = i % 2 == 0 ? set : kNoSet;
      const auto got = ids.alloc(where, 0, ~0U, nullptr);
      if (!got) continue;
      const bool held = ids.get(where, got.value) == std::errc{};
      static_cast<void>(ids.free(where, got.value));  // its allocator may have gone, and it
      if (held) static_cast<void>(ids.put(where, got.value));
    }
    --workers;
  });
  // A put by number can hit the id's next life; drop what such a swap has left held.
  for (Ioasid id = 0; id < kIds; ++id) {
    static_cast<void>(ids.free(kNoSet, id));
    while (ids.put(kNoSet, id).ok()) {}
  }
  EXPECT_EQ(ids.set_size(set), 0U);
  EXPECT_TRUE(ids.consistent());
  EXPECT_EQ(drain(ids), kIds);
}

// A registration that succeeds has seen that no default id is out, and none appears any more.
TEST(StormOfRareCalls, ARegisteredAllocatorMeetsNoDefaultIds) {
  Allocator ids{Config{.ids = 100}};
  Guest guest;
  const CustomOps ops{guest_alloc, guest_free, &guest};  // answers 10 .. 59
  std::atomic<unsigned> out{0};
  std::atomic<bool> done{false};
  in_threads(3, [&](unsigned thread) {
    if (thread == 0) {
      const SetAtEnd end{done};
      for (unsigned round = 0; round < 3000;) {
        if (ids.register_allocator(&ops) != std::errc{}) continue;
        for (unsigned look = 0; look < 20; ++look) {
          race_window();
          ASSERT_EQ(out.load(), 0U) << "an id of the default allocator is out";
        }
        ASSERT_EQ(ids.unregister_allocator(&ops), std::errc{});
        ++round;
      }
      return;
    }
    while (!done.load()) {
      const auto got = ids.alloc(kNoSet, 0, 9, nullptr);
      if (!got) continue;
      if (got.value < 10) {
        ++out;
        race_window();
        --out;
      }
      static_cast<void>(ids.free(kNoSet, got.value));  // a custom id may be lost by now
    }
  });
}

struct Counter final : Notifier {
  void notify(const Notification& notification) override {
    calls.fetch_add(1);
    last_set.store(notification.set.packed());
    EXPECT_TRUE(registered.load()) << "called after unregister_notifier() had returned";
  }
  std::atomic<unsigned> calls{0};
  std::atomic<std::uint64_t> last_set{0};
  std::atomic<bool> registered{false};
};

TEST(StormOfRareCalls, ANotifierIsNotCalledAfterItsUnregistration) {
  Allocator ids{Config{.ids = 64}};
  const Set set = ids.alloc_set(nullptr, 10).value;
  std::atomic<bool> done{false};
  Counter steady;
  steady.registered.store(true);
  ASSERT_EQ(ids.register_notifier(set, &steady), std::errc{});
  in_threads(2, [&](unsigned thread) {
    if (thread == 0) {
      const SetAtEnd end{done};
      for (unsigned i = 0; i < 2000; ++i) {
        Counter counter;  // gone at the end of the round: a late call is a use after scope
        counter.registered.store(true);
        ASSERT_EQ(ids.register_notifier(set, &counter), std::errc{});
        ASSERT_EQ(ids.unregister_notifier(set, &counter), std::errc{});
        counter.registered.store(false);
      }
      return;
    }
    unsigned allocations = 0;
    while (!done.load()) {
      const auto got = ids.alloc(set, 0, ~0U, nullptr);
      ASSERT_TRUE(got);
      ++allocations;
      ASSERT_EQ(ids.free(set, got.value), std::errc{});
    }
    ASSERT_EQ(steady.calls.load(), allocations);
  });
  ASSERT_EQ(ids.unregister_notifier(set, &steady), std::errc{});
}

TEST(StormOfRareCalls, SpidsStayUniqueAndLeadToTheirId) {
  Allocator ids{Config{.ids = 64}};
  const Set set = ids.alloc_set(nullptr, 32).value;
  std::vector<std::atomic<int>> holders(3);
  in_threads(3, [&](unsigned thread) {
    Dice dice{thread};
    for (unsigned i = 0; i < 5000; ++i) {
      const auto got = ids.alloc(set, 0, ~0U, nullptr);
      ASSERT_TRUE(got);
      const Spid spid = dice.roll(3);
      if (ids.attach_spid(got.value, spid) == std::errc{}) {
        ASSERT_EQ(holders[spid].fetch_add(1), 0) << "two ids with one SPID";
        ASSERT_EQ(ids.find_by_spid(set, spid, false).value, got.value);
        holders[spid].fetch_sub(1);
      } else if (const auto found = ids.find_by_spid(set, spid, true)) {
        ASSERT_TRUE(ids.put(set, found.value).ok());
      }
      ASSERT_EQ(ids.free(set, got.value), std::errc{});
    }
  });
  EXPECT_EQ(ids.set_size(set), 0U);
}

}  // namespace
}  // namespace iommucheck::ioasid::impl
