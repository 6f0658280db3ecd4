// SPDX-License-Identifier: MIT
// Reader sections: who is waited for, who is not, and when deferred work runs.
#include "impl/ioasid/read_section.h"

#include <gtest/gtest.h>

#include <future>

#include "impl/ioasid/allocator.h"
#include "tests/impl/ioasid/threads.h"

namespace iommucheck::ioasid::impl {
namespace {

TEST(ReadSection, WaitingInsideOfOneIsRefused) {
  EXPECT_FALSE(in_read_section());
  {
    const ReadSection outer;
    {
      const ReadSection inner;
      EXPECT_EQ(wait_for_readers(), std::errc::resource_deadlock_would_occur);
    }
    EXPECT_TRUE(in_read_section()) << "the inner section must not end the outer one";
    EXPECT_EQ(wait_for_readers(), std::errc::resource_deadlock_would_occur);
  }
  EXPECT_EQ(wait_for_readers(), std::errc{});
}

TEST(ReadSection, AWaiterWaitsForTheSectionsThatWereOpen) {
  std::promise<void> inside;
  std::promise<void> leave;
  std::atomic<bool> left{false};
  std::thread reader{[&] {
    const ReadSection section;
    inside.set_value();
    leave.get_future().wait();
    left.store(true);
  }};
  inside.get_future().wait();
  std::thread waiter{[&] {
    EXPECT_EQ(wait_for_readers(), std::errc{});
    EXPECT_TRUE(left.load());
  }};
  leave.set_value();
  waiter.join();
  reader.join();
}

// The second reader enters after the wait has begun (its epoch is later) and never leaves before
// the wait ends: the waiter must not need it to.
TEST(ReadSection, AWaiterDoesNotWaitForLaterSections) {
  std::promise<void> waited;
  std::thread reader{[&] {
    attach_reader();
    detail::reader_slot()->epoch.store(detail::read_epoch.load() + 1);
    waited.get_future().wait();
    detail::reader_slot()->epoch.store(0);
  }};
  EXPECT_EQ(wait_for_readers(), std::errc{});
  waited.set_value();
  reader.join();
}

TEST(ReadSection, ASlotIsGivenToTheNextThread) {
  detail::ReaderSlot* first = nullptr;
  std::thread{[&] {
    attach_reader();
    first = detail::reader_slot();
  }}.join();
  detail::ReaderSlot* second = nullptr;
  std::thread{[&] {
    const ReadSection section;
    second = detail::reader_slot();
  }}.join();
  EXPECT_EQ(first, second);
}

void append(void* argument) { ++*static_cast<int*>(argument); }

TEST(Deferred, RunsInSynchronizeAndInTheDestructor) {
  int runs = 0;
  {
    Allocator ids;
    EXPECT_EQ(ids.defer(append, &runs), std::errc{});
    EXPECT_EQ(runs, 0);
    EXPECT_EQ(ids.synchronize(), std::errc{});
    EXPECT_EQ(runs, 1);
    const ReadSection section;
    EXPECT_EQ(ids.defer(append, &runs), std::errc{});
    EXPECT_EQ(ids.synchronize(), std::errc::resource_deadlock_would_occur);
    EXPECT_EQ(runs, 1);
  }
  EXPECT_EQ(runs, 2);
}

TEST(Deferred, AFullQueueRunsByItself) {
  Allocator ids;
  int runs = 0;
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(ids.defer(append, &runs), std::errc{});
  EXPECT_GT(runs, 900);
}

TEST(Deferred, WithoutMemoryItWaitsInsteadOrSaysSo) {
  Config config;
  config.memory = std::pmr::null_memory_resource();
  Allocator ids{config};
  int runs = 0;
  EXPECT_EQ(ids.defer(append, &runs), std::errc{});
  EXPECT_EQ(runs, 1);
  const ReadSection section;
  EXPECT_EQ(ids.defer(append, &runs), std::errc::not_enough_memory);
}

struct Object {
  int value = 0;
};

// Readers look at a shared object through sections; a writer replaces and poisons it.
TEST(ReadSection, NoReaderMeetsAPoisonedObject) {
  std::atomic<Object*> shared{new Object{1}};
  std::atomic<bool> done{false};
  in_threads(3, [&](unsigned thread) {
    if (thread == 0) {
      const SetAtEnd end{done};
      for (int i = 0; i < 2000; ++i) {
        Object* old = shared.exchange(new Object{1});
        ASSERT_EQ(wait_for_readers(), std::errc{});
        old->value = 0;  // plain: a reader that is still there is a data race, too
        delete old;
      }
      return;
    }
    while (!done.load()) {
      const ReadSection section;
      const Object* object = shared.load();
      race_window();
      ASSERT_EQ(object->value, 1);
    }
  });
  delete shared.load();
}

}  // namespace
}  // namespace iommucheck::ioasid::impl
