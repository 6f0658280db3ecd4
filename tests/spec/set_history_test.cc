// SPDX-License-Identifier: MIT
// Histories of the calls on sets, from docs/ioasid.md.
#include "tests/spec/history.h"

namespace iommucheck::ioasid {
namespace {

using enum CallKind;
using enum Err;

constexpr Bounds kSetBounds{.ids = 4,
                            .sets = 2,
                            .data = 1,
                            .clients = 2,
                            .notifiers = 2,
                            .spids = 1,
                            .tokens = 2,
                            .capacity = 4};

/// Set 1 with token 1 and quota 2, held by client 0.
History with_set() {
  History history{kSetBounds};
  history.legal(alloc_set, {.client = 0, .token = 1, .quota = 2}, success(1));
  return history;
}

TEST(Sets, InstallCapacity) {
  History{kSetBounds}
      .legal(install_capacity, {.quota = 1}, success())
      .illegal(install_capacity, {.quota = 1}, error(einval), "one that this call can give")
      .illegal(install_capacity, {.quota = 1}, success(1), "no value")
      .allows(alloc_set, {.quota = 2}, "-ENOSPC")
      .legal(alloc_set, {.quota = 1}, success(2))
      .breaks(install_capacity, {.quota = 2}, "no set exists");
}

TEST(Sets, AllocSetErrors) {
  with_set()
      .allows(alloc_set, {.quota = 0}, "-EINVAL")
      .allows(alloc_set, {.quota = 3}, "-ENOSPC")
      .allows(alloc_set, {.token = 1, .quota = 1}, "-EEXIST")
      .allows(alloc_set, {.token = 2, .quota = 2}, "set 2")
      .allows(alloc_set, {.quota = 1, .nomem = 1}, "set 2 or -ENOMEM")
      // Where several errors apply, any of them is legal.
      .allows(alloc_set, {.token = 1, .quota = 3, .nomem = 1}, "-ENOSPC, -EEXIST or -ENOMEM")
      .illegal(alloc_set, {.quota = 1}, success(1), "not in use")
      .illegal(alloc_set, {.quota = 1}, success(3), "not in use")
      .illegal(alloc_set, {.quota = 1}, error(enomem), "-ENOMEM only")
      .illegal(alloc_set, {.quota = 1}, error(eexist), "-EEXIST only")
      .illegal(alloc_set, {.quota = 0}, success(2), "succeeds only");
}

TEST(Sets, AllocSetWithoutASetLeft) {
  with_set().legal(alloc_set, {.quota = 1}, success(2)).allows(alloc_set, {.quota = 1}, "-ENOMEM");
}

TEST(Sets, TwoSetsWithoutAToken) {
  History{kSetBounds}
      .legal(alloc_set, {.quota = 1}, success(1))
      .legal(alloc_set, {.quota = 1}, success(2));
}

TEST(Sets, GetAndPut) {
  with_set()
      .breaks(set_get, {.client = 0, .set = 1}, "holds no reference")
      .breaks(set_get, {.client = 0, .set = 2}, "the set is live")
      .breaks(set_put, {.client = 1, .set = 1}, "holds a reference")
      .legal(set_get, {.client = 1, .set = 1}, success())
      .legal(set_put, {.client = 0, .set = 1}, success())
      .allows(find_set, {.client = 1, .token = 1}, "set 1")
      .legal(set_put, {.client = 1, .set = 1}, success())
      .breaks(set_put, {.client = 1, .set = 1}, "holds a reference")
      .allows(find_set, {.token = 1}, "-ENOENT");
}

TEST(Sets, QuotaComesBackWhenTheSetIsGone) {
  with_set()
      .allows(alloc_set, {.quota = 4}, "-ENOSPC")
      .legal(set_put, {.set = 1}, success())
      .allows(alloc_set, {.quota = 4}, "set 1 or set 2");
}

TEST(Sets, LastPutFreesIdsWithoutReferences) {
  with_set()
      .legal(alloc, {.set = 1, .min = 0, .max = 3}, success(2))
      .illegal(set_put, {.set = 1}, notified(1, success()), "notified")
      .legal(set_put, {.set = 1}, success())
      .allows(get, {.id = 2}, "-EINVAL")
      .allows(alloc_set, {.quota = 4}, "set 1 or set 2");
}

TEST(Sets, DyingSetWaitsForItsIds) {
  with_set()
      .legal(alloc, {.set = 1, .min = 0, .max = 3}, success(2))
      .legal(get, {.client = 1, .set = 1, .id = 2}, success())
      .legal(register_notifier, {.set = 0, .nb = 1}, success())
      .legal(register_notifier, {.set = 1, .nb = 2}, success())
      .illegal(set_put, {.set = 1}, notified(1, success()), "notified")
      .legal(set_put, {.set = 1}, notified(3, success()))
      .allows(get, {.client = 0, .id = 2}, "-EBUSY")
      .allows(alloc, {.set = 1, .min = 0, .max = 3}, "INVALID_IOASID")
      .allows(alloc_set, {.token = 1, .quota = 2}, "set 2")    // the token can be used again
      .allows(alloc_set, {.token = 1, .quota = 3}, "-ENOSPC")  // the quota cannot
      .breaks(adjust_set, {.set = 1, .quota = 1}, "live")
      .allows(unregister_notifier, {.set = 1, .nb = 2}, "ok")
      .legal(put, {.client = 1, .id = 2}, success(1))
      .allows(unregister_notifier, {.set = 1, .nb = 2}, "-ENOENT")  // went with the set
      .allows(register_notifier, {.set = 0, .nb = 2}, "ok")
      .allows(alloc_set, {.token = 1, .quota = 3}, "set 1 or set 2");
}

TEST(Sets, Adjust) {
  with_set()
      .breaks(adjust_set, {.set = 2, .quota = 1}, "live")
      .legal(alloc, {.set = 1, .min = 0, .max = 0}, success(0))
      .legal(alloc, {.set = 1, .min = 1, .max = 1}, success(1))
      .allows(adjust_set, {.set = 1, .quota = 0}, "-EINVAL")
      .allows(adjust_set, {.set = 1, .quota = 1}, "-EINVAL")
      .allows(adjust_set, {.set = 1, .quota = 5}, "-ENOSPC")
      .illegal(adjust_set, {.set = 1, .quota = 4}, error(enospc), "-ENOSPC only")
      .illegal(adjust_set, {.set = 1, .quota = 1}, success(), "succeeds only")
      .legal(adjust_set, {.set = 1, .quota = 4}, success())
      .allows(alloc_set, {.quota = 1}, "-ENOSPC")
      .allows(alloc, {.set = 1, .min = 2, .max = 2}, "id 2");
}

TEST(Sets, Find) {
  with_set()
      .breaks(find_set, {.token = 0}, "a token is given")
      .allows(find_set, {.token = 2}, "-ENOENT")
      .illegal(find_set, {.token = 1}, error(enoent), "-ENOENT only")
      .illegal(find_set, {.token = 1}, success(2), "the live set")
      .legal(find_set, {.client = 1, .token = 1}, success(1))
      .legal(find_set, {.client = 0, .token = 1},
             success(1))  // holds one already: no other is added
      .legal(set_put, {.client = 0, .set = 1}, success())
      .legal(set_put, {.client = 1, .set = 1}, success())
      .allows(find_set, {.token = 1}, "-ENOENT");
}

}  // namespace
}  // namespace iommucheck::ioasid
