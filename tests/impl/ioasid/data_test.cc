// SPDX-License-Identifier: MIT
// Private data: find, getters, set, attach, detach, and the states they make.
#include <gtest/gtest.h>

#include "impl/ioasid/allocator.h"

namespace iommucheck::ioasid::impl {
namespace {

struct Data : testing::Test {
  Allocator ids{Config{.ids = 100}};
  int a = 0;
  int b = 0;
  Ioasid id = ids.alloc({}, 0, 9, &a).value;
  Ioasid idle = ids.alloc({}, 0, 9, nullptr).value;
};

struct Shown {
  void* data = nullptr;
  bool accept = true;
  bool in_section = false;
};

bool getter(void* data, void* context) {
  auto* shown = static_cast<Shown*>(context);
  shown->data = data;
  shown->in_section = in_read_section();
  return shown->accept;
}

TEST_F(Data, IsShownToTheGetter) {
  Shown shown;
  EXPECT_EQ(ids.find({}, id, getter, &shown).value, &a);
  EXPECT_EQ(shown.data, &a);
  EXPECT_TRUE(shown.in_section);
  shown.accept = false;
  const auto refused = ids.find({}, id, getter, &shown);
  EXPECT_TRUE(refused.ok());
  EXPECT_EQ(refused.value, nullptr);
  EXPECT_FALSE(in_read_section());
}

TEST_F(Data, ThatIsNotThereIsNotShown) {
  Shown shown;
  EXPECT_TRUE(ids.find({}, idle, getter, &shown).ok());
  EXPECT_EQ(ids.find({}, 50, getter, &shown).error, std::errc::no_such_file_or_directory);
  EXPECT_EQ(shown.data, nullptr);
}

TEST_F(Data, IsReplacedAndTheOldHandedOut) {
  EXPECT_EQ(ids.set_data(id, &b).value, &a);
  EXPECT_EQ(ids.find({}, id).value, &b);
  EXPECT_EQ(ids.set_data(idle, &a).value, nullptr);
  EXPECT_EQ(ids.find({}, idle).value, &a);
}

TEST_F(Data, MakesIdsIdleAndActive) {
  EXPECT_EQ(ids.state(id).value, State::active);
  EXPECT_EQ(ids.state(idle).value, State::idle);
  EXPECT_EQ(ids.attach_data(id, &b), std::errc::device_or_resource_busy);
  EXPECT_EQ(ids.attach_data(idle, nullptr), std::errc{});
  EXPECT_EQ(ids.state(idle).value, State::idle);
  EXPECT_EQ(ids.attach_data(idle, &b), std::errc{});
  EXPECT_EQ(ids.state(idle).value, State::active);
  EXPECT_EQ(ids.detach_data(id).value, &a);
  EXPECT_EQ(ids.state(id).value, State::idle);
  EXPECT_EQ(ids.detach_data(id).value, nullptr);
}

TEST_F(Data, OfAFreePendingIdChangesButNotItsState) {
  ASSERT_EQ(ids.get({}, id), std::errc{});
  ASSERT_EQ(ids.free({}, id), std::errc{});
  EXPECT_EQ(ids.detach_data(id).value, &a);
  EXPECT_EQ(ids.state(id).value, State::free_pending);
  EXPECT_EQ(ids.attach_data(id, &b), std::errc{});
  EXPECT_EQ(ids.state(id).value, State::free_pending);
  EXPECT_EQ(ids.find({}, id).value, &b);
}

TEST_F(Data, DoesNotOutliveItsId) {
  ASSERT_EQ(ids.free({}, id), std::errc{});
  ASSERT_EQ(ids.alloc({}, id, id, nullptr).value, id);
  EXPECT_EQ(ids.find({}, id).value, nullptr);
}

TEST_F(Data, CannotBeReplacedInsideASection) {
  const ReadSection section;
  EXPECT_EQ(ids.set_data(id, &b).error, std::errc::resource_deadlock_would_occur);
  EXPECT_EQ(ids.detach_data(id).error, std::errc::resource_deadlock_would_occur);
  EXPECT_EQ(ids.find({}, id).value, &a) << "and nothing was changed";
  EXPECT_EQ(ids.attach_data(idle, &b), std::errc{}) << "attaching waits for nobody";
}

}  // namespace
}  // namespace iommucheck::ioasid::impl
