// SPDX-License-Identifier: MIT
// Custom allocators: groups, who serves, switching, answers that cannot be recorded.
#include <gtest/gtest.h>

#include <vector>

#include "impl/ioasid/allocator.h"

namespace iommucheck::ioasid::impl {
namespace {

/// What an ops of the test does: answers the next id, notes what came back.
struct Guest {
  Ioasid next = kInvalidIoasid;
  std::vector<Ioasid> freed;
  unsigned asked = 0;
};

Ioasid answer(void* pdata) {
  auto* guest = static_cast<Guest*>(pdata);
  ++guest->asked;
  return guest->next;
}

void note(Ioasid id, void* pdata) { static_cast<Guest*>(pdata)->freed.push_back(id); }

Ioasid alloc_a(Ioasid, Ioasid, void* pdata) { return answer(pdata); }
Ioasid alloc_b(Ioasid min, Ioasid, void* pdata) { return min == ~0U ? min : answer(pdata); }
void free_ops(Ioasid id, void* pdata) { note(id, pdata); }

struct Custom : testing::Test {
  Guest g1, g2, g3;
  CustomOps first{alloc_a, free_ops, &g1};
  CustomOps second{alloc_a, free_ops, &g2};  // the same functions: the same group
  CustomOps other{alloc_b, free_ops, &g3};
  Allocator ids{Config{.ids = 100}};
};

TEST_F(Custom, AllocatorsChooseTheId) {
  ASSERT_EQ(ids.register_allocator(&first), std::errc{});
  EXPECT_EQ(ids.register_allocator(&first), std::errc::file_exists);
  g1.next = 42;
  EXPECT_EQ(ids.alloc({}, 0, 99, &g1).value, 42U);
  EXPECT_EQ(ids.find({}, 42).value, &g1);
  g1.next = kInvalidIoasid;
  EXPECT_EQ(ids.alloc({}, 0, 99, nullptr).error, std::errc::operation_not_permitted);
  EXPECT_EQ(ids.get({}, 42), std::errc{});
  EXPECT_EQ(ids.free({}, 42), std::errc{});
  EXPECT_TRUE(g1.freed.empty()) << "free pending: not the last reference";
  EXPECT_TRUE(ids.put({}, 42).value);
  EXPECT_EQ(g1.freed, std::vector<Ioasid>{42});
}

TEST_F(Custom, AnswersThatCannotBeRecordedAreHandedBack) {
  ASSERT_EQ(ids.register_allocator(&first), std::errc{});
  g1.next = 7;
  ASSERT_TRUE(ids.alloc({}, 0, 99, nullptr));
  EXPECT_EQ(ids.alloc({}, 0, 99, nullptr).error, std::errc::no_space_on_device);
  g1.next = 100;
  EXPECT_EQ(ids.alloc({}, 0, 99, nullptr).error, std::errc::no_space_on_device);
  EXPECT_EQ(g1.freed, (std::vector<Ioasid>{7, 100}));
  EXPECT_EQ(ids.state(7).value, State::idle) << "who had it, has it";
}

TEST_F(Custom, TheFirstMemberServes) {
  ASSERT_EQ(ids.register_allocator(&first), std::errc{});
  ASSERT_EQ(ids.register_allocator(&other), std::errc{});
  ASSERT_EQ(ids.register_allocator(&second), std::errc{});
  g1.next = 1;
  ASSERT_TRUE(ids.alloc({}, 0, 99, nullptr));
  EXPECT_EQ(ids.unregister_allocator(&first), std::errc{});
  EXPECT_EQ(ids.unregister_allocator(&first), std::errc::no_such_file_or_directory);
  EXPECT_TRUE(ids.find({}, 1).ok()) << "the group is still there";
  EXPECT_EQ(ids.free({}, 1), std::errc{});
  EXPECT_EQ(g2.freed, std::vector<Ioasid>{1});
  ASSERT_EQ(ids.unregister_allocator(&second), std::errc{});
  g3.next = 3;
  EXPECT_EQ(ids.alloc({}, 0, 99, nullptr).value, 3U) << "the next group serves";
  EXPECT_EQ(ids.free({}, 3), std::errc{});
  ASSERT_EQ(ids.unregister_allocator(&other), std::errc{});
  EXPECT_EQ(ids.alloc({}, 0, 99, nullptr).value, 0U) << "back to the default allocator";
  EXPECT_EQ(ids.free({}, 0), std::errc{});
  EXPECT_TRUE(g3.freed.size() == 1 && g3.asked == 1);
}

TEST_F(Custom, TheFirstOneNeedsAnEmptyDefaultAllocator) {
  const Ioasid id = ids.alloc({}, 0, 99, nullptr).value;
  EXPECT_EQ(ids.register_allocator(&first), std::errc::resource_unavailable_try_again);
  EXPECT_TRUE(ids.alloc({}, 0, 99, nullptr)) << "the default allocator still serves";
  EXPECT_EQ(ids.free({}, id), std::errc{});
  EXPECT_EQ(ids.free({}, 1), std::errc{});
  EXPECT_EQ(ids.register_allocator(&first), std::errc{});
  g1.next = 9;
  ASSERT_TRUE(ids.alloc({}, 0, 99, nullptr));
  EXPECT_EQ(ids.register_allocator(&other), std::errc{}) << "with ids of a custom one it may come";
}

TEST_F(Custom, IdsOfAGroupThatGoesAreLost) {
  const Set set = ids.alloc_set(nullptr, 5).value;
  ASSERT_EQ(ids.register_allocator(&first), std::errc{});
  ASSERT_EQ(ids.register_allocator(&other), std::errc{});
  g1.next = 9;
  ASSERT_TRUE(ids.alloc(set, 0, 99, nullptr));
  ASSERT_EQ(ids.attach_spid(9, 1), std::errc{});
  ASSERT_EQ(ids.get(set, 9), std::errc{});
  EXPECT_EQ(ids.unregister_allocator(&first), std::errc{});
  EXPECT_EQ(ids.find({}, 9).error, std::errc::no_such_file_or_directory);
  EXPECT_EQ(ids.put({}, 9).error, std::errc::no_such_file_or_directory);
  EXPECT_TRUE(g1.freed.empty());
  EXPECT_EQ(ids.set_size(set), 0U);
  g3.next = 9;
  EXPECT_EQ(ids.alloc(set, 0, 99, nullptr).value, 9U);
}

TEST_F(Custom, AreNotAskedForASetThatIsFull) {
  const Set set = ids.alloc_set(nullptr, 1).value;
  ASSERT_EQ(ids.register_allocator(&first), std::errc{});
  g1.next = 9;
  ASSERT_TRUE(ids.alloc(set, 0, 99, nullptr));
  g1.next = 10;
  EXPECT_EQ(ids.alloc(set, 0, 99, nullptr).error, std::errc::no_buffer_space);
  EXPECT_EQ(g1.asked, 1U);
  ASSERT_EQ(ids.put_set(set), std::errc{});
  EXPECT_EQ(g1.freed, std::vector<Ioasid>{9});
}

TEST_F(Custom, NeedFunctionsAndMemory) {
  const CustomOps empty;
  EXPECT_EQ(ids.register_allocator(nullptr), std::errc::invalid_argument);
  EXPECT_EQ(ids.register_allocator(&empty), std::errc::invalid_argument);
  Allocator poor{Config{.memory = std::pmr::null_memory_resource()}};
  EXPECT_EQ(poor.register_allocator(&first), std::errc::not_enough_memory);
  EXPECT_EQ(poor.alloc({}, 4, 9, nullptr).value, 4U) << "the default allocator serves on";
}

}  // namespace
}  // namespace iommucheck::ioasid::impl
