// SPDX-License-Identifier: MIT
// Notifier chains: which events reach whom.
#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "impl/ioasid/allocator.h"

namespace iommucheck::ioasid::impl {
namespace {

struct Recorder final : Notifier {
  void notify(const Notification& notification) override {
    seen.push_back(notification);
    if (then) then();
  }
  std::vector<Event> events() const {
    std::vector<Event> all;
    for (const Notification& one : seen) all.push_back(one.event);
    return all;
  }
  std::vector<Notification> seen;
  std::function<void()> then;
};

using Events = std::vector<Event>;

struct Notifiers : testing::Test {
  Allocator ids{Config{.ids = 100}};
  Set set = ids.alloc_set(nullptr, 10).value;
  Recorder global;
  Recorder local;
  int data = 0;

  void SetUp() override {
    ASSERT_EQ(ids.register_notifier({}, &global), std::errc{});
    ASSERT_EQ(ids.register_notifier(set, &local), std::errc{});
  }
};

TEST_F(Notifiers, HearOfAllocBindUnbindAndFree) {
  const Ioasid id = ids.alloc(set, 5, 5, &data).value;
  ASSERT_EQ(ids.attach_spid(id, 9), std::errc{});
  ASSERT_EQ(ids.detach_spid(id), std::errc{});
  ASSERT_EQ(ids.get(set, id), std::errc{});
  ASSERT_EQ(ids.free(set, id), std::errc{});
  EXPECT_TRUE(ids.put(set, id).value);
  EXPECT_EQ(local.events(), (Events{Event::alloc, Event::bind, Event::unbind, Event::free}));
  EXPECT_EQ(global.events(), Events{Event::free});
  EXPECT_EQ(local.seen[1].spid, 9U);
  EXPECT_EQ(local.seen[3].id, 5U);
  EXPECT_EQ(local.seen[3].data, &data);
  EXPECT_EQ(local.seen[3].set, set);
}

TEST_F(Notifiers, HearNothingOfAFreeWithoutReferences) {
  const Ioasid id = ids.alloc(set, 5, 5, &data).value;
  ASSERT_EQ(ids.free(set, id), std::errc{});
  EXPECT_EQ(local.events(), Events{Event::alloc});
  EXPECT_TRUE(global.seen.empty());
}

TEST_F(Notifiers, OfTheGlobalChainHearOfFreesWithoutASet) {
  const Ioasid id = ids.alloc({}, 5, 5, &data).value;
  ASSERT_EQ(ids.get({}, id), std::errc{});
  ASSERT_EQ(ids.free({}, id), std::errc{});
  EXPECT_EQ(global.events(), Events{Event::free});
  EXPECT_TRUE(local.seen.empty());
}

TEST_F(Notifiers, HearOfADyingSetsHeldIds) {
  const Ioasid held = ids.alloc(set, 5, 5, &data).value;
  ASSERT_TRUE(ids.alloc(set, 6, 6, &data));
  ASSERT_EQ(ids.get(set, held), std::errc{});
  local.seen.clear();
  ASSERT_EQ(ids.put_set(set), std::errc{});
  ASSERT_EQ(local.events(), Events{Event::free});
  EXPECT_EQ(local.seen[0].id, held);
  EXPECT_EQ(global.events(), Events{Event::free});
}

TEST_F(Notifiers, AreOnOneChainAtATime) {
  EXPECT_EQ(ids.register_notifier(set, &global), std::errc::file_exists);
  EXPECT_EQ(ids.register_notifier(set, &local), std::errc::file_exists);
  EXPECT_EQ(ids.register_notifier(set, nullptr), std::errc::invalid_argument);
  EXPECT_EQ(ids.unregister_notifier({}, &local), std::errc::no_such_file_or_directory);
  EXPECT_EQ(ids.unregister_notifier(set, &local), std::errc{});
  EXPECT_EQ(ids.unregister_notifier(set, &local), std::errc::no_such_file_or_directory);
  EXPECT_EQ(ids.register_notifier({}, &local), std::errc{});
  const Ioasid id = ids.alloc(set, 5, 5, &data).value;
  EXPECT_TRUE(local.seen.empty());
  ASSERT_EQ(ids.get(set, id), std::errc{});
  ASSERT_EQ(ids.free(set, id), std::errc{});
  EXPECT_EQ(local.events(), Events{Event::free});
}

TEST_F(Notifiers, AreUnregisteredWithTheirSet) {
  ASSERT_EQ(ids.put_set(set), std::errc{});
  EXPECT_EQ(ids.unregister_notifier(set, &local), std::errc::no_such_file_or_directory);
  EXPECT_EQ(ids.register_notifier(set, &local), std::errc::invalid_argument);
  const Set next = ids.alloc_set(nullptr, 10).value;
  ASSERT_TRUE(ids.alloc(next, 0, 9, nullptr));
  EXPECT_TRUE(local.seen.empty()) << "the next set has a chain of its own";
  EXPECT_EQ(ids.register_notifier(next, &local), std::errc{});
}

// The last put from within the FREE notification: a holder that gives way at once.
TEST_F(Notifiers, MayPutFromTheirCallback) {
  const Ioasid id = ids.alloc(set, 5, 5, &data).value;
  ASSERT_EQ(ids.get(set, id), std::errc{});
  bool freed = false;
  std::errc waiting{};
  global.then = [&] {
    waiting = ids.synchronize();
    freed = ids.put({}, id).value;
  };
  ASSERT_EQ(ids.put_set(set), std::errc{});
  EXPECT_TRUE(freed);
  EXPECT_EQ(waiting, std::errc::resource_deadlock_would_occur);
  EXPECT_EQ(ids.set_state(set), SetState::gone);
}

TEST(NotifiersMemory, RunningOutChangesNothing) {
  Allocator ids{Config{.memory = std::pmr::null_memory_resource()}};
  Recorder recorder;
  EXPECT_EQ(ids.register_notifier({}, &recorder), std::errc::not_enough_memory);
  EXPECT_EQ(ids.unregister_notifier({}, &recorder), std::errc::no_such_file_or_directory);
}

}  // namespace
}  // namespace iommucheck::ioasid::impl
