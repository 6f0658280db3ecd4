// SPDX-License-Identifier: MIT
// The adapter: numbers to real things and back, windows, clients, callbacks, failing memory.
#include "impl/ioasid/subject.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace iommucheck::ioasid {
namespace {

using Args = Arguments<std::uint32_t>;

std::uint32_t number(Err err) { return static_cast<std::uint32_t>(err); }

struct Adapter : testing::Test {
  SubjectConfig config{.ids = 4,
                       .sets = 2,
                       .data = 2,
                       .ops = 3,
                       .clients = 2,
                       .notifiers = 2,
                       .tokens = 1,
                       .capacity = 4};
  std::unique_ptr<AllocatorSubject> subject = std::make_unique<AllocatorSubject>(config);

  void restart(std::uint32_t first_id) {
    config.first_id = first_id;
    subject = std::make_unique<AllocatorSubject>(config);
  }
  Outcome call(CallKind kind, Args args = {}) { return subject->execute({kind, args}); }
  Err error(CallKind kind, Args args = {}) { return static_cast<Err>(call(kind, args).err); }
};

TEST(AdapterConfig, IsChecked) {
  EXPECT_THROW(AllocatorSubject({.first_id = (1U << 20U) - 3}), std::invalid_argument);
  EXPECT_THROW(AllocatorSubject({.first_id = 1U << 20U}), std::invalid_argument);
  EXPECT_THROW(AllocatorSubject({.ids = 0}), std::invalid_argument);
  EXPECT_THROW(AllocatorSubject({.ops = 9}), std::invalid_argument);
}

TEST_F(Adapter, StaysInsideItsWindow) {
  for (const std::uint32_t first : {0U, 30U, 1000U, (1U << 20U) - 4U}) {
    restart(first);
    for (std::uint32_t id = 0; id < 4; ++id) {
      EXPECT_EQ(call(CallKind::alloc, {.min = 0, .max = 7}).value, id) << first;
    }
    EXPECT_EQ(error(CallKind::alloc, {.min = 0, .max = 7}), Err::invalid);
    EXPECT_EQ(error(CallKind::alloc, {.min = 4, .max = 7}), Err::invalid) << "beyond the window";
    EXPECT_EQ(error(CallKind::find, {.id = 4}), Err::enoent);
    EXPECT_EQ(error(CallKind::find, {.id = ~0U}), Err::enoent);
    EXPECT_TRUE(subject->allocator().find({}, first).ok());
  }
}

TEST_F(Adapter, MapsClientsToReferences) {
  ASSERT_EQ(call(CallKind::alloc, {.client = 0, .max = 3}).value, 0U);
  EXPECT_EQ(error(CallKind::get, {.client = 1, .id = 0}), Err::ok);
  // The owner's put leaves the reference of the other client alone.
  EXPECT_EQ(call(CallKind::put, {.client = 0, .id = 0}).value, 0U);
  EXPECT_EQ(error(CallKind::free, {.id = 0}), Err::ok);
  EXPECT_EQ(error(CallKind::get, {.client = 0, .id = 0}), Err::ebusy);
  EXPECT_EQ(call(CallKind::put, {.client = 0, .id = 0}).value, 0U) << "has none: no effect";
  EXPECT_EQ(call(CallKind::put, {.client = 1, .id = 0}).value, 1U);
  EXPECT_EQ(call(CallKind::put, {.client = 1, .id = 0}).value, 0U) << "unknown id";
  EXPECT_EQ(error(CallKind::get, {.client = 1, .id = 0}), Err::einval);
}

TEST_F(Adapter, KeepsOneReferenceOnASetPerClient) {
  ASSERT_EQ(call(CallKind::alloc_set, {.client = 0, .token = 1, .quota = 2}).value, 1U);
  EXPECT_EQ(error(CallKind::alloc_set, {.client = 0, .token = 1, .quota = 2}), Err::eexist);
  EXPECT_EQ(call(CallKind::find_set, {.client = 0, .token = 1}).value, 1U);
  EXPECT_EQ(call(CallKind::find_set, {.client = 1, .token = 1}).value, 1U);
  EXPECT_EQ(error(CallKind::set_put, {.client = 0, .set = 1}), Err::ok);
  EXPECT_EQ(call(CallKind::find_set, {.client = 1, .token = 1}).value, 1U);
  EXPECT_EQ(error(CallKind::set_put, {.client = 1, .set = 1}), Err::ok);
  EXPECT_EQ(error(CallKind::find_set, {.client = 1, .token = 1}), Err::enoent);
}

TEST_F(Adapter, RunsOutOfSetNumbers) {
  ASSERT_EQ(call(CallKind::alloc_set, {.quota = 1}).value, 1U);
  ASSERT_EQ(call(CallKind::alloc_set, {.quota = 1}).value, 2U);
  EXPECT_EQ(error(CallKind::alloc_set, {.quota = 1}), Err::enomem);
  ASSERT_EQ(call(CallKind::alloc, {.set = 1, .max = 3}).value, 0U);
  ASSERT_EQ(error(CallKind::get, {.set = 1, .id = 0}), Err::ok);
  ASSERT_EQ(error(CallKind::set_put, {.set = 1}), Err::ok);
  EXPECT_EQ(error(CallKind::alloc_set, {.quota = 1}), Err::enomem) << "dying, not gone";
  ASSERT_EQ(call(CallKind::put, {.set = 1, .id = 0}).value, 1U);
  EXPECT_EQ(call(CallKind::alloc_set, {.quota = 1}).value, 1U);
}

TEST_F(Adapter, NumbersData) {
  ASSERT_EQ(call(CallKind::alloc, {.max = 3, .data = 2}).value, 0U);
  EXPECT_EQ(call(CallKind::find, {.id = 0}).value, 2U);
  const auto accept = static_cast<std::uint32_t>(Getter::accept);
  const auto refuse = static_cast<std::uint32_t>(Getter::refuse);
  Outcome found = call(CallKind::find, {.id = 0, .getter = accept});
  EXPECT_EQ(found.value, 2U);
  EXPECT_EQ(found.getter_on, 3U);
  found = call(CallKind::find, {.id = 0, .getter = refuse});
  EXPECT_EQ(found.value, 0U);
  EXPECT_EQ(found.getter_on, 3U);
  EXPECT_EQ(error(CallKind::attach_data, {.id = 0, .data = 1}), Err::ebusy);
  EXPECT_EQ(error(CallKind::detach_data, {.id = 0}), Err::ok);
  found = call(CallKind::find, {.id = 0, .getter = accept});
  EXPECT_EQ(found.getter_on, 0U) << "never on NULL";
}

TEST_F(Adapter, TellsWhoseCallbackRan) {
  ASSERT_EQ(error(CallKind::register_allocator, {.ops = 2}), Err::ok);
  ASSERT_EQ(error(CallKind::register_allocator, {.ops = 1}), Err::ok);
  ASSERT_EQ(error(CallKind::register_allocator, {.ops = 3}), Err::ok);
  Outcome got = call(CallKind::alloc, {.max = 3, .callback = 3});
  EXPECT_EQ(got.value, 2U);
  EXPECT_EQ(got.allocator, 2U);
  EXPECT_EQ(call(CallKind::alloc, {.max = 3, .callback = 0}).err, number(Err::invalid));
  got = call(CallKind::alloc, {.max = 3, .callback = 3});
  EXPECT_EQ(got.err, number(Err::invalid)) << "in use";
  EXPECT_EQ(got.allocator, 2U);
  ASSERT_EQ(error(CallKind::unregister_allocator, {.ops = 2}), Err::ok);
  EXPECT_EQ(call(CallKind::free, {.id = 2}).allocator, 1U) << "the group's next member";
  ASSERT_EQ(error(CallKind::unregister_allocator, {.ops = 1}), Err::ok);
  EXPECT_EQ(call(CallKind::alloc, {.max = 3, .callback = 1}).allocator, 3U);
}

TEST_F(Adapter, ReportsNotifications) {
  ASSERT_EQ(call(CallKind::alloc_set, {.quota = 2}).value, 1U);
  ASSERT_EQ(error(CallKind::register_notifier, {.set = 0, .nb = 1}), Err::ok);
  ASSERT_EQ(error(CallKind::register_notifier, {.set = 1, .nb = 2}), Err::ok);
  EXPECT_EQ(error(CallKind::register_notifier, {.set = 1, .nb = 1}), Err::eexist);
  EXPECT_EQ(error(CallKind::unregister_notifier, {.set = 1, .nb = 1}), Err::enoent);
  EXPECT_EQ(call(CallKind::alloc, {.set = 1, .max = 3}).notified, 2U);
  ASSERT_EQ(error(CallKind::get, {.id = 0}), Err::ok);
  EXPECT_EQ(call(CallKind::set_put, {.set = 1}).notified, 3U);
  EXPECT_EQ(call(CallKind::put, {.id = 0}).notified, 0U);
}

TEST_F(Adapter, LetsAllocationsFail) {
  EXPECT_EQ(error(CallKind::alloc_set, {.quota = 1, .nomem = 1}), Err::enomem);
  EXPECT_EQ(error(CallKind::register_allocator, {.ops = 1, .nomem = 1}), Err::enomem);
  EXPECT_EQ(error(CallKind::alloc, {.max = 3, .nomem = 1}), Err::ok) << "needs no memory";
  EXPECT_EQ(error(CallKind::alloc_set, {.quota = 1}), Err::ok);
}

TEST_F(Adapter, FindsBySpid) {
  ASSERT_EQ(call(CallKind::alloc_set, {.quota = 2}).value, 1U);
  ASSERT_EQ(call(CallKind::alloc, {.client = 0, .set = 1, .min = 1, .max = 3}).value, 1U);
  EXPECT_EQ(error(CallKind::attach_spid, {.id = 1, .spid = 0}), Err::einval);
  ASSERT_EQ(error(CallKind::attach_spid, {.id = 1, .spid = 3}), Err::ok);
  EXPECT_EQ(call(CallKind::find_by_spid, {.client = 1, .set = 1, .spid = 3, .take = 1}).value, 1U);
  EXPECT_EQ(call(CallKind::find_by_spid, {.client = 1, .set = 1, .spid = 3, .take = 1}).value, 1U);
  ASSERT_EQ(error(CallKind::free, {.id = 1}), Err::ok);
  EXPECT_EQ(error(CallKind::find_by_spid, {.client = 0, .set = 1, .spid = 3, .take = 1}),
            Err::invalid);
  EXPECT_EQ(call(CallKind::put, {.client = 1, .id = 1}).value, 1U) << "one reference, not two";
}

TEST(AdapterStaticSets, AreThereFromTheStart) {
  AllocatorSubject subject{{.ids = 4, .sets = 2, .static_sets = true}};
  Call call{CallKind::alloc, {.set = 2, .max = 3}};
  for (std::uint32_t id = 0; id < 4; ++id) EXPECT_EQ(subject.execute(call).value, id);
}

}  // namespace
}  // namespace iommucheck::ioasid
