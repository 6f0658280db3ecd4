// SPDX-License-Identifier: MIT
// Histories of custom allocators and notifiers, from docs/ioasid.md.
#include "tests/spec/history.h"

namespace iommucheck::ioasid {
namespace {

using enum CallKind;
using enum Err;

// Ops 1 and 2 share their functions, ops 3 has its own.
constexpr Bounds kRegistrationBounds{
    .ids = 4, .sets = 1, .data = 1, .clients = 1, .ops = 3, .notifiers = 2, .capacity = 4};

History with_ops(std::initializer_list<std::uint32_t> all) {
  History history{kRegistrationBounds};
  for (const std::uint32_t ops : all) history.legal(register_allocator, {.ops = ops}, success());
  return history;
}

TEST(CustomAllocators, Register) {
  History{kRegistrationBounds}
      .allows(register_allocator, {.ops = 1, .nomem = 1}, "ok or -ENOMEM")
      .illegal(register_allocator, {.ops = 1}, error(enomem), "-ENOMEM only")
      .legal(alloc, {.min = 0, .max = 3}, success(0))
      .allows(register_allocator, {.ops = 1}, "-EAGAIN")
      .legal(free, {.id = 0}, success())
      .illegal(register_allocator, {.ops = 1}, error(eagain), "-EAGAIN only")
      .legal(register_allocator, {.ops = 1}, success())
      .allows(register_allocator, {.ops = 1}, "-EEXIST")
      .allows(register_allocator, {.ops = 2}, "ok");
}

TEST(CustomAllocators, IdsOfACustomAllocatorAreNoObstacle) {
  with_ops({1})
      .legal(alloc, {.min = 0, .max = 3, .callback = 3}, called(1, success(2)))
      .legal(register_allocator, {.ops = 3}, success());
}

TEST(CustomAllocators, AllocGivesWhatTheCallbackAnswers) {
  with_ops({1})
      .illegal(alloc, {.min = 0, .max = 3, .callback = 3}, called(1, success(1)),
               "the callback answered")
      .illegal(alloc, {.min = 0, .max = 3, .callback = 3}, success(2), "callbacks")
      .illegal(alloc, {.min = 0, .max = 3, .callback = 0}, called(1, success(0)),
               "the callback answered")
      .legal(alloc, {.min = 0, .max = 3, .callback = 0}, called(1, error(invalid)))
      .legal(alloc, {.min = 0, .max = 3, .callback = 3}, called(1, success(2)))
      .breaks(alloc, {.min = 0, .max = 3, .callback = 3}, "answers a free id")
      .breaks(alloc, {.min = 0, .max = 0, .callback = 2}, "answers a free id")
      .breaks(alloc, {.min = 0, .max = 9, .callback = 6}, "answers a free id")
      // In use already: the framework cannot record it, and hands it back.
      .allows(alloc, {.min = 0, .max = 3, .callback = 3}, "INVALID_IOASID, callback of ops 1")
      // Memory can run out before the callback, or after it.
      .allows(alloc, {.min = 0, .max = 3, .callback = 1, .nomem = 1},
              "id 0, callback of ops 1, INVALID_IOASID or INVALID_IOASID, callback of ops 1");
}

TEST(CustomAllocators, ASetThatRefusesSparesTheCallback) {
  with_ops({1})
      .legal(alloc_set, {.quota = 1}, success(1))
      .legal(alloc, {.set = 1, .min = 0, .max = 3, .callback = 1}, called(1, success(0)))
      .allows(alloc, {.set = 1, .min = 0, .max = 3, .callback = 2}, "INVALID_IOASID");
}

TEST(CustomAllocators, FirstMemberOfTheFirstGroupServes) {
  with_ops({3, 2, 1})
      .legal(alloc, {.min = 0, .max = 3, .callback = 1}, called(3, success(0)))
      .legal(free, {.id = 0}, called(3, success()))
      .legal(unregister_allocator, {.ops = 3}, success())
      .legal(alloc, {.min = 0, .max = 3, .callback = 1}, called(2, success(0)))
      .legal(unregister_allocator, {.ops = 2}, success())  // ops 1 knows the same ids
      .illegal(free, {.id = 0}, called(2, success()), "callbacks")
      .legal(put, {.id = 0}, called(1, success(1)))
      .legal(unregister_allocator, {.ops = 1}, success())
      .legal(alloc, {.min = 0, .max = 3}, success(3));
}

TEST(CustomAllocators, Unregister) {
  with_ops({1})
      .breaks(unregister_allocator, {.ops = 2}, "is registered")
      .legal(alloc, {.min = 0, .max = 3, .callback = 1}, called(1, success(0)))
      .breaks(unregister_allocator, {.ops = 1}, "no id is out")
      .legal(free, {.id = 0}, called(1, success()))
      .illegal(unregister_allocator, {.ops = 1}, error(enoent), "one that this call can give")
      .legal(unregister_allocator, {.ops = 1}, success());
}

TEST(CustomAllocators, OutOfContractIdsAreLost) {
  Oracle oracle{kRegistrationBounds};
  oracle.judge({register_allocator, {.ops = 1}}, success());
  oracle.judge({alloc, {.min = 0, .max = 3, .callback = 1}}, called(1, success(0)));
  EXPECT_FALSE(oracle.judge({unregister_allocator, {.ops = 1}}, success()).contract_kept);
  EXPECT_EQ(oracle.print_allowed({find, {.id = 0}}), "-ENOENT");
  EXPECT_EQ(oracle.print_allowed({alloc, {.min = 0, .max = 0}}), "id 0");
}

TEST(Notifiers, Register) {
  History{kRegistrationBounds}
      .breaks(register_notifier, {.set = 1, .nb = 1}, "exists")
      .legal(register_notifier, {.set = 0, .nb = 1}, success())
      .allows(register_notifier, {.set = 0, .nb = 1}, "-EEXIST")
      .legal(alloc_set, {.quota = 1}, success(1))
      .allows(register_notifier, {.set = 1, .nb = 1}, "-EEXIST")  // one chain at a time
      .illegal(register_notifier, {.set = 1, .nb = 2}, error(eexist), "-EEXIST only")
      .legal(register_notifier, {.set = 1, .nb = 2}, success());
}

TEST(Notifiers, Unregister) {
  History{kRegistrationBounds}
      .allows(unregister_notifier, {.set = 0, .nb = 1}, "-ENOENT")
      .legal(alloc_set, {.quota = 1}, success(1))
      .legal(register_notifier, {.set = 1, .nb = 1}, success())
      .allows(unregister_notifier, {.set = 0, .nb = 1}, "-ENOENT")  // another chain
      .illegal(unregister_notifier, {.set = 1, .nb = 1}, error(enoent), "-ENOENT only")
      .legal(unregister_notifier, {.set = 1, .nb = 1}, success())
      .allows(unregister_notifier, {.set = 1, .nb = 1}, "-ENOENT");
}

}  // namespace
}  // namespace iommucheck::ioasid
