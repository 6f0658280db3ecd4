// SPDX-License-Identifier: MIT
// Ids: allocation in ranges, free, references, states.
#include <gtest/gtest.h>

#include <stdexcept>

#include "impl/ioasid/allocator.h"
#include "tests/impl/ioasid/drain.h"

namespace iommucheck::ioasid::impl {
namespace {

struct Ids : testing::Test {
  Allocator ids{Config{.ids = 100}};
  int data = 0;

  Ioasid one() { return ids.alloc(kNoSet, 0, 99, &data).value; }
};

TEST(IdsConfig, IsChecked) {
  EXPECT_THROW(Allocator{Config{.ids = 0}}, std::invalid_argument);
  EXPECT_THROW(Allocator{Config{.ids = kMaxIoasids + 1}}, std::invalid_argument);
  EXPECT_THROW((Allocator{Config{.capacity = kMaxIoasids + 1}}), std::invalid_argument);
  EXPECT_THROW((Allocator{Config{.memory = nullptr}}), std::invalid_argument);
}

TEST_F(Ids, AreGivenInTheRangeLowestFirst) {
  EXPECT_EQ(ids.alloc(kNoSet, 10, 12, nullptr).value, 10U);
  EXPECT_EQ(ids.alloc(kNoSet, 10, 12, nullptr).value, 11U);
  EXPECT_EQ(ids.alloc(kNoSet, 10, 12, nullptr).value, 12U);
  const auto none = ids.alloc(kNoSet, 10, 12, nullptr);
  EXPECT_EQ(none.value, kInvalidIoasid);
  EXPECT_EQ(none.error, std::errc::no_space_on_device);
  EXPECT_EQ(ids.free(kNoSet, 11), std::errc{});
  EXPECT_EQ(ids.alloc(kNoSet, 0, kInvalidIoasid, nullptr).value, 0U);
  EXPECT_EQ(ids.alloc(kNoSet, 10, 12, nullptr).value, 11U);
}

TEST_F(Ids, OfAnEmptyOrForeignRangeDoNotExist) {
  EXPECT_EQ(ids.alloc(kNoSet, 5, 4, nullptr).error, std::errc::no_space_on_device);
  EXPECT_EQ(ids.alloc(kNoSet, 100, kInvalidIoasid, nullptr).error, std::errc::no_space_on_device);
  EXPECT_EQ(ids.alloc(kNoSet, 99, kInvalidIoasid, nullptr).value, 99U);
}

TEST_F(Ids, UnknownOnesAreReportedByEveryCall) {
  for (const Ioasid id : {Ioasid{3}, Ioasid{100}, kInvalidIoasid}) {
    EXPECT_EQ(ids.free(kNoSet, id), std::errc::no_such_file_or_directory);
    EXPECT_EQ(ids.get(kNoSet, id), std::errc::invalid_argument);
    EXPECT_EQ(ids.put(kNoSet, id).error, std::errc::no_such_file_or_directory);
    EXPECT_EQ(ids.put_owner(kNoSet, id).error, std::errc::no_such_file_or_directory);
    EXPECT_EQ(ids.find(kNoSet, id).error, std::errc::no_such_file_or_directory);
    EXPECT_EQ(ids.set_data(id, &data).error, std::errc::no_such_file_or_directory);
    EXPECT_EQ(ids.attach_data(id, &data), std::errc::no_such_file_or_directory);
    EXPECT_EQ(ids.detach_data(id).error, std::errc::no_such_file_or_directory);
    EXPECT_EQ(ids.attach_spid(id, 1), std::errc::no_such_file_or_directory);
    EXPECT_EQ(ids.detach_spid(id), std::errc::no_such_file_or_directory);
    EXPECT_EQ(ids.state(id).error, std::errc::no_such_file_or_directory);
  }
}

TEST_F(Ids, FreedWithoutReferencesAreGoneAtOnce) {
  const Ioasid id = one();
  EXPECT_EQ(ids.free(kNoSet, id), std::errc{});
  EXPECT_EQ(ids.find(kNoSet, id).error, std::errc::no_such_file_or_directory);
  EXPECT_EQ(ids.free(kNoSet, id), std::errc::no_such_file_or_directory);
  EXPECT_EQ(one(), id);
}

TEST_F(Ids, FreedWithReferencesStayUntilTheLastPut) {
  const Ioasid id = one();
  ASSERT_EQ(ids.get(kNoSet, id), std::errc{});
  ASSERT_EQ(ids.get(kNoSet, id), std::errc{});
  EXPECT_EQ(ids.free(kNoSet, id), std::errc{});
  EXPECT_EQ(ids.state(id).value, State::free_pending);
  EXPECT_EQ(ids.find(kNoSet, id).value, &data) << "free pending ids are found";
  EXPECT_EQ(ids.get(kNoSet, id), std::errc::device_or_resource_busy);
  EXPECT_EQ(ids.put_owner(kNoSet, id).error, std::errc::operation_not_permitted);
  EXPECT_EQ(ids.free(kNoSet, id), std::errc{}) << "a second free does nothing";
  EXPECT_FALSE(ids.put(kNoSet, id).value);
  EXPECT_NE(one(), id) << "free pending is not free";
  EXPECT_TRUE(ids.put(kNoSet, id).value);
  EXPECT_EQ(ids.state(id).error, std::errc::no_such_file_or_directory);
}

TEST_F(Ids, TheOwnerCanPutInsteadOfFree) {
  const Ioasid id = one();
  ASSERT_EQ(ids.get(kNoSet, id), std::errc{});
  EXPECT_FALSE(ids.put_owner(kNoSet, id).value);
  EXPECT_EQ(ids.state(id).value, State::active) << "the state stays";
  EXPECT_EQ(ids.get(kNoSet, id), std::errc{}) << "and new references can be taken";
  EXPECT_FALSE(ids.put(kNoSet, id).value);
  EXPECT_TRUE(ids.put(kNoSet, id).value);
  const Ioasid again = one();
  EXPECT_TRUE(ids.put_owner(kNoSet, again).value);
}

TEST_F(Ids, FreeAfterTheOwnersPutOnlyMarks) {
  const Ioasid id = one();
  ASSERT_EQ(ids.get(kNoSet, id), std::errc{});
  ASSERT_FALSE(ids.put_owner(kNoSet, id).value);
  EXPECT_EQ(ids.free(kNoSet, id), std::errc{});
  EXPECT_EQ(ids.state(id).value, State::free_pending);
  EXPECT_TRUE(ids.put(kNoSet, id).value);
}

TEST_F(Ids, APutWithoutAReferenceIsReported) {
  const Ioasid id = one();
  EXPECT_EQ(ids.put(kNoSet, id).error, std::errc::operation_not_permitted);
  EXPECT_EQ(ids.state(id).value, State::active);
}

TEST_F(Ids, ReferencesHaveALimit) {
  const Ioasid id = one();
  std::uint32_t references = 0;
  std::errc error{};
  while ((error = ids.get(kNoSet, id)) == std::errc{}) ++references;
  EXPECT_EQ(error, std::errc::value_too_large);
  EXPECT_EQ(references, (1U << 19U) - 1);
  EXPECT_EQ(ids.find(kNoSet, id).value, &data) << "the generation must not have been touched";
  while (references-- > 0) ASSERT_FALSE(ids.put(kNoSet, id).value);
  EXPECT_EQ(ids.free(kNoSet, id), std::errc{});
}

TEST(IdsAtTheEnd, TheWholeSpaceCanBeAllocated) {
  Allocator ids;
  for (Ioasid id = 0; id < kMaxIoasids; ++id) ASSERT_EQ(ids.alloc({}, 0, ~0U, nullptr).value, id);
  EXPECT_EQ(ids.alloc({}, 0, ~0U, nullptr).error, std::errc::no_space_on_device);
  EXPECT_EQ(ids.free({}, 777777), std::errc{});
  EXPECT_EQ(ids.alloc({}, 0, ~0U, nullptr).value, 777777U);
  EXPECT_TRUE(ids.consistent());
}

}  // namespace
}  // namespace iommucheck::ioasid::impl
