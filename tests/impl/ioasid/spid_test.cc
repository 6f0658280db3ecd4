// SPDX-License-Identifier: MIT
// Set-private ids: uniqueness, look-up with and without a reference, their end.
#include <gtest/gtest.h>

#include "impl/ioasid/allocator.h"

namespace iommucheck::ioasid::impl {
namespace {

constexpr auto kNotFound = std::errc::no_such_file_or_directory;

struct Spids : testing::Test {
  Allocator ids{Config{.ids = 100}};
  Set set = ids.alloc_set(nullptr, 10).value;
  Set other = ids.alloc_set(nullptr, 10).value;
  Ioasid a = ids.alloc(set, 0, 99, nullptr).value;
  Ioasid b = ids.alloc(set, 0, 99, nullptr).value;
  Ioasid c = ids.alloc(other, 0, 99, nullptr).value;
};

TEST_F(Spids, AreUniqueWithinASet) {
  EXPECT_EQ(ids.attach_spid(a, kInvalidIoasid), std::errc::invalid_argument);
  EXPECT_EQ(ids.attach_spid(a, 7), std::errc{});
  EXPECT_EQ(ids.attach_spid(a, 7), std::errc::invalid_argument) << "this id included";
  EXPECT_EQ(ids.attach_spid(b, 7), std::errc::invalid_argument);
  EXPECT_EQ(ids.attach_spid(c, 7), std::errc{}) << "another set";
  EXPECT_EQ(ids.find_by_spid(set, 7, false).value, a);
  EXPECT_EQ(ids.find_by_spid(other, 7, false).value, c);
  EXPECT_EQ(ids.find_by_spid(set, 8, false).error, kNotFound);
}

TEST_F(Spids, AreReplacedAndDetached) {
  ASSERT_EQ(ids.attach_spid(a, 7), std::errc{});
  EXPECT_EQ(ids.attach_spid(a, 0), std::errc{}) << "0 is a good SPID";
  EXPECT_EQ(ids.find_by_spid(set, 7, false).error, kNotFound);
  EXPECT_EQ(ids.find_by_spid(set, 0, false).value, a);
  EXPECT_EQ(ids.attach_spid(b, 7), std::errc{});
  EXPECT_EQ(ids.detach_spid(a), std::errc{});
  EXPECT_EQ(ids.detach_spid(a), kNotFound);
  EXPECT_EQ(ids.find_by_spid(set, 0, false).error, kNotFound);
}

TEST_F(Spids, NeedASet) {
  const Ioasid loose = ids.alloc({}, 0, 99, nullptr).value;
  EXPECT_EQ(ids.attach_spid(loose, 1), std::errc::invalid_argument);
}

TEST_F(Spids, AreFoundWithAReference) {
  ASSERT_EQ(ids.attach_spid(a, 7), std::errc{});
  EXPECT_EQ(ids.find_by_spid(set, 7, true).value, a);
  EXPECT_EQ(ids.free(set, a), std::errc{});
  EXPECT_EQ(ids.state(a).value, State::free_pending);
  EXPECT_EQ(ids.find_by_spid(set, 7, true).error, kNotFound) << "no new references";
  EXPECT_EQ(ids.find_by_spid(set, 7, false).value, a);
  EXPECT_EQ(ids.attach_spid(b, 7), std::errc::invalid_argument) << "free pending keeps it";
  EXPECT_TRUE(ids.put(set, a).value);
  EXPECT_EQ(ids.find_by_spid(set, 7, false).error, kNotFound);
  EXPECT_EQ(ids.attach_spid(b, 7), std::errc{});
}

TEST_F(Spids, DoNotOutliveTheirIdOrSet) {
  ASSERT_EQ(ids.attach_spid(a, 7), std::errc{});
  ASSERT_EQ(ids.free(set, a), std::errc{});
  ASSERT_EQ(ids.alloc(set, a, a, nullptr).value, a);
  EXPECT_EQ(ids.find_by_spid(set, 7, false).error, kNotFound);
  ASSERT_EQ(ids.attach_spid(a, 7), std::errc{});
  ASSERT_EQ(ids.put_set(set), std::errc{});
  const Set next = ids.alloc_set(nullptr, 10).value;
  ASSERT_EQ(next.index, set.index);
  EXPECT_EQ(ids.find_by_spid(next, 7, false).error, kNotFound);
}

}  // namespace
}  // namespace iommucheck::ioasid::impl
