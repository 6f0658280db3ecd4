// SPDX-License-Identifier: MIT
// Sets: quota, capacity, tokens, the end of a set, stale handles.
#include <gtest/gtest.h>

#include "impl/ioasid/allocator.h"

namespace iommucheck::ioasid::impl {
namespace {

struct Sets : testing::Test {
  Allocator ids{Config{.capacity = 10}};
  int mm = 0;
  int other_mm = 0;
};

TEST_F(Sets, TakeTheirQuotaFromTheCapacity) {
  EXPECT_EQ(ids.alloc_set(nullptr, 0).error, std::errc::invalid_argument);
  EXPECT_EQ(ids.alloc_set(nullptr, 11).error, std::errc::no_space_on_device);
  const Set a = ids.alloc_set(nullptr, 6).value;
  EXPECT_EQ(ids.alloc_set(nullptr, 5).error, std::errc::no_space_on_device);
  const Set b = ids.alloc_set(nullptr, 4).value;
  EXPECT_NE(a, b);
  EXPECT_EQ(ids.install_capacity(5), std::errc::device_or_resource_busy);
  EXPECT_EQ(ids.put_set(a), std::errc{});
  EXPECT_EQ(ids.set_state(a), SetState::gone);
  EXPECT_EQ(ids.adjust_set(b, 11), std::errc::no_space_on_device);
  EXPECT_EQ(ids.adjust_set(b, 10), std::errc{});
  EXPECT_EQ(ids.alloc_set(nullptr, 1).error, std::errc::no_space_on_device);
  EXPECT_EQ(ids.put_set(b), std::errc{});
  EXPECT_EQ(ids.install_capacity(kMaxIoasids + 1), std::errc::invalid_argument);
  EXPECT_EQ(ids.install_capacity(5), std::errc{});
  EXPECT_EQ(ids.alloc_set(nullptr, 6).error, std::errc::no_space_on_device);
}

TEST_F(Sets, AreFoundByTokenWhileTheyLive) {
  EXPECT_EQ(ids.find_set(&mm).error, std::errc::no_such_file_or_directory);
  const Set set = ids.alloc_set(&mm, 2).value;
  EXPECT_EQ(ids.alloc_set(&mm, 2).error, std::errc::file_exists);
  const auto found = ids.find_set(&mm);
  EXPECT_EQ(found.value, set);
  EXPECT_EQ(ids.put_set(set), std::errc{});
  EXPECT_EQ(ids.set_state(set), SetState::live) << "find_set took a reference";
  const Ioasid id = ids.alloc(set, 0, 9, nullptr).value;
  ASSERT_EQ(ids.get(set, id), std::errc{});
  EXPECT_EQ(ids.put_set(set), std::errc{});
  EXPECT_EQ(ids.set_state(set), SetState::dying);
  EXPECT_EQ(ids.find_set(&mm).error, std::errc::no_such_file_or_directory);
  const auto next = ids.alloc_set(&mm, 2);
  ASSERT_TRUE(next) << "the token is free while the old set is dying";
  EXPECT_TRUE(ids.put(set, id).value);
  EXPECT_EQ(ids.set_state(set), SetState::gone);
  EXPECT_EQ(ids.find_set(&mm).value, next.value) << "the old set's end leaves the entry alone";
}

TEST_F(Sets, HoldNoMoreIdsThanTheirQuota) {
  const Set set = ids.alloc_set(nullptr, 2).value;
  const Ioasid a = ids.alloc(set, 0, 9, nullptr).value;
  const Ioasid b = ids.alloc(set, 0, 9, nullptr).value;
  EXPECT_EQ(ids.alloc(set, 0, 9, nullptr).error, std::errc::no_buffer_space);
  EXPECT_EQ(ids.set_size(set), 2U);
  ASSERT_EQ(ids.get(set, a), std::errc{});
  EXPECT_EQ(ids.free(set, a), std::errc{});
  EXPECT_EQ(ids.alloc(set, 0, 9, nullptr).error, std::errc::no_buffer_space)
      << "free pending ids count";
  EXPECT_EQ(ids.adjust_set(set, 0), std::errc::invalid_argument);
  EXPECT_EQ(ids.adjust_set(set, 1), std::errc::invalid_argument);
  EXPECT_EQ(ids.adjust_set(set, 3), std::errc{});
  EXPECT_TRUE(ids.alloc(set, 0, 9, nullptr));
  EXPECT_TRUE(ids.put(set, a).value);
  EXPECT_EQ(ids.free(set, b), std::errc{});
  EXPECT_EQ(ids.set_size(set), 1U);
}

TEST_F(Sets, ProtectTheirIdsFromOthers) {
  int data = 0;
  const Set a = ids.alloc_set(nullptr, 2).value;
  const Set b = ids.alloc_set(nullptr, 2).value;
  const Ioasid id = ids.alloc(a, 0, 9, &data).value;
  EXPECT_EQ(ids.find(b, id).error, std::errc::permission_denied);
  EXPECT_EQ(ids.find(b, id).value, nullptr);
  EXPECT_EQ(ids.get(b, id), std::errc::permission_denied);
  EXPECT_EQ(ids.put(b, id).error, std::errc::permission_denied);
  EXPECT_EQ(ids.free(b, id), std::errc::permission_denied);
  EXPECT_EQ(ids.find(a, id).value, &data);
  EXPECT_EQ(ids.find({}, id).value, &data);
  const Ioasid loose = ids.alloc({}, 0, 9, &data).value;
  EXPECT_EQ(ids.find(a, loose).error, std::errc::permission_denied);
}

TEST_F(Sets, FreeTheirIdsWhenTheyDie) {
  const Set set = ids.alloc_set(nullptr, 4).value;
  const Ioasid free = ids.alloc(set, 3, 9, nullptr).value;
  const Ioasid held = ids.alloc(set, 90000, 99999, nullptr).value;
  const Ioasid loose = ids.alloc({}, 0, 9, nullptr).value;
  ASSERT_EQ(ids.get(set, held), std::errc{});
  ASSERT_EQ(ids.get_set(set), std::errc{});
  EXPECT_EQ(ids.put_set(set), std::errc{});
  EXPECT_EQ(ids.state(free).value, State::idle) << "not the last reference";
  EXPECT_EQ(ids.put_set(set), std::errc{});
  EXPECT_EQ(ids.state(free).error, std::errc::no_such_file_or_directory);
  EXPECT_EQ(ids.state(held).value, State::free_pending);
  EXPECT_EQ(ids.state(loose).value, State::idle);
  EXPECT_EQ(ids.alloc(set, 0, 9, nullptr).error, std::errc::operation_canceled);
  EXPECT_EQ(ids.get_set(set), std::errc::invalid_argument);
  EXPECT_EQ(ids.put_set(set), std::errc::invalid_argument);
  EXPECT_EQ(ids.adjust_set(set, 3), std::errc::invalid_argument);
  EXPECT_TRUE(ids.put({}, held).value);
  EXPECT_EQ(ids.set_state(set), SetState::gone);
  EXPECT_TRUE(ids.alloc_set(nullptr, 10)) << "the quota is back";
}

TEST_F(Sets, StaleHandlesAreRecognised) {
  const Set old = ids.alloc_set(nullptr, 2).value;
  ASSERT_EQ(ids.put_set(old), std::errc{});
  const Set young = ids.alloc_set(nullptr, 2).value;
  ASSERT_EQ(old.index, young.index) << "the object is used again";
  const Ioasid id = ids.alloc(young, 0, 9, nullptr).value;
  EXPECT_EQ(ids.find(old, id).error, std::errc::permission_denied);
  EXPECT_EQ(ids.alloc(old, 0, 9, nullptr).error, std::errc::invalid_argument);
  EXPECT_EQ(ids.put_set(old), std::errc::invalid_argument);
  EXPECT_EQ(ids.get_set(old), std::errc::invalid_argument);
  EXPECT_EQ(ids.find_by_spid(old, 1, false).error, std::errc::invalid_argument);
  EXPECT_EQ(ids.put_set(Set{SetTable::kMaxSets + 5, 1}), std::errc::invalid_argument);
  EXPECT_EQ(ids.put_set(Set{}), std::errc::invalid_argument);
  EXPECT_EQ(ids.set_state(young), SetState::live);
}

TEST(SetsMemory, RunningOutChangesNothing) {
  Allocator ids{Config{.memory = std::pmr::null_memory_resource()}};
  int mm = 0;
  EXPECT_EQ(ids.alloc_set(&mm, 2).error, std::errc::not_enough_memory);
  EXPECT_EQ(ids.alloc_set(nullptr, 2).error, std::errc::not_enough_memory);
  EXPECT_EQ(ids.find_set(&mm).error, std::errc::no_such_file_or_directory);
  EXPECT_EQ(ids.install_capacity(1), std::errc{}) << "no set came to be";
}

TEST(SetsNumber, IsLimitedAndRecycled) {
  Allocator ids;
  std::vector<Set> sets;
  for (;;) {
    const auto made = ids.alloc_set(nullptr, 1);
    if (!made) {
      EXPECT_EQ(made.error, std::errc::not_enough_memory);
      break;
    }
    sets.push_back(made.value);
  }
  EXPECT_EQ(sets.size(), SetTable::kMaxSets);
  ASSERT_EQ(ids.put_set(sets[70]), std::errc{});
  EXPECT_EQ(ids.alloc_set(nullptr, 1).value.index, sets[70].index);
}

}  // namespace
}  // namespace iommucheck::ioasid::impl
