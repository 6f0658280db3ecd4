// SPDX-License-Identifier: MIT
// Histories of the calls on ids and on what they carry, from docs/ioasid.md.
#include "tests/spec/history.h"

namespace iommucheck::ioasid {
namespace {

using enum CallKind;
using enum Err;

constexpr Bounds kIdBounds{
    .ids = 4, .sets = 2, .data = 2, .clients = 2, .notifiers = 2, .spids = 2, .capacity = 4};

/// Set 1 of client 0, with quota 2 and id 0.
History with_id() {
  History history{kIdBounds};
  history.legal(alloc_set, {.client = 0, .quota = 2}, success(1))
      .legal(alloc, {.client = 0, .set = 1, .min = 0, .max = 0, .data = 1}, success(0));
  return history;
}

/// The same, free pending: client 1 has a reference.
History with_pending() {
  History history = with_id();
  history.legal(get, {.client = 1, .id = 0}, success()).legal(free, {.id = 0}, success());
  return history;
}

TEST(Ids, AllocRange) {
  with_id()
      .allows(alloc, {.min = 0, .max = 3}, "id 1, id 2 or id 3")
      .allows(alloc, {.min = 0, .max = 0}, "INVALID_IOASID")
      .allows(alloc, {.min = 2, .max = 1}, "INVALID_IOASID")
      .allows(alloc, {.min = 4, .max = 9}, "INVALID_IOASID")
      .allows(alloc, {.min = 3, .max = 3, .nomem = 1}, "id 3 or INVALID_IOASID")
      .illegal(alloc, {.min = 0, .max = 3}, success(0), "nobody has")
      .illegal(alloc, {.min = 2, .max = 3}, success(1), "[min, max]")
      .illegal(alloc, {.min = 0, .max = 3}, error(invalid), "INVALID_IOASID only");
}

TEST(Ids, AllocInSets) {
  with_id()
      .breaks(alloc, {.set = 2, .min = 0, .max = 3}, "exists")
      .legal(alloc, {.set = 1, .min = 1, .max = 1}, success(1))
      .allows(alloc, {.set = 1, .min = 0, .max = 3}, "INVALID_IOASID")  // quota
      .illegal(alloc, {.set = 1, .min = 0, .max = 3}, success(2), "below its quota")
      .allows(alloc, {.set = 0, .min = 2, .max = 2}, "id 2");
}

TEST(Ids, PendingIdsCountAgainstTheQuotaAndAreNotFree) {
  with_pending()
      .legal(alloc, {.set = 1, .min = 1, .max = 1}, success(1))
      .allows(alloc, {.set = 1, .min = 2, .max = 2}, "INVALID_IOASID")
      .allows(alloc, {.set = 0, .min = 0, .max = 0}, "INVALID_IOASID");
}

TEST(Ids, Free) {
  with_id()
      .legal(free, {.id = 3}, success())            // unknown
      .legal(free, {.set = 2, .id = 0}, success())  // of another set
      .allows(get, {.client = 1, .id = 0}, "ok")
      .legal(free, {.set = 1, .id = 0}, success())
      .allows(get, {.client = 1, .id = 0}, "-EINVAL")
      .illegal(free, {.id = 0}, error(enoent), "one that this call can give")
      .allows(alloc, {.min = 0, .max = 0}, "id 0");
}

TEST(Ids, FreeWithReferencesNotifies) {
  with_id()
      .legal(register_notifier, {.nb = 1}, success())
      .legal(get, {.client = 1, .id = 0}, success())
      .illegal(free, {.id = 0}, success(), "notified")
      .legal(free, {.id = 0}, notified(1, success()))
      .illegal(free, {.id = 0}, notified(1, success()), "notified")  // already free pending
      .legal(free, {.id = 0}, success())
      .illegal(put, {.client = 1, .id = 0}, notified(1, success(1)), "notified")
      .legal(put, {.client = 1, .id = 0}, success(1));
}

TEST(Ids, AllocNotifiesTheSet) {
  with_id()
      .legal(register_notifier, {.nb = 1}, success())
      .legal(register_notifier, {.set = 1, .nb = 2}, success())
      .illegal(alloc, {.set = 1, .min = 1, .max = 1}, notified(3, success(1)), "notified")
      .legal(alloc, {.set = 1, .min = 1, .max = 1}, notified(2, success(1)))
      .legal(alloc, {.set = 0, .min = 2, .max = 2}, success(2));
}

TEST(Ids, Get) {
  with_id()
      .allows(get, {.client = 0, .id = 1}, "-EINVAL")
      .allows(get, {.client = 0, .id = 77}, "-EINVAL")
      .allows(get, {.client = 0, .set = 2, .id = 0}, "-EACCES")
      .illegal(get, {.client = 0, .set = 1, .id = 0}, error(eacces), "-EACCES only")
      .illegal(get, {.client = 0, .id = 0}, error(ebusy), "-EBUSY only")
      .legal(get, {.client = 0, .set = 1, .id = 0}, success())
      .breaks(get, {.client = 0, .id = 0}, "holds no reference")
      .allows(get, {.client = 1, .id = 0}, "ok");
  with_pending()
      .allows(get, {.client = 0, .id = 0}, "-EBUSY")
      .allows(get, {.client = 0, .set = 2, .id = 0}, "-EBUSY or -EACCES");
}

TEST(Ids, Put) {
  with_id()
      .legal(put, {.client = 1, .id = 3}, success(0))            // unknown: no contract
      .legal(put, {.client = 1, .set = 2, .id = 0}, success(0))  // another's set: neither
      .breaks(put, {.client = 1, .id = 0}, "holds a reference, or owns")
      .legal(get, {.client = 1, .id = 0}, success())
      .illegal(put, {.client = 0, .id = 0}, success(1), "true if and only if")
      .legal(put, {.client = 0, .id = 0}, success(0))  // the owner's
      .breaks(put, {.client = 0, .id = 0}, "holds a reference, or owns")
      .allows(get, {.client = 0, .id = 0}, "ok")  // not free pending
      .illegal(put, {.client = 1, .id = 0}, success(0), "true if and only if")
      .legal(put, {.client = 1, .id = 0}, success(1))
      .allows(find, {.id = 0}, "-ENOENT");
}

TEST(Ids, Find) {
  const auto none = static_cast<std::uint32_t>(Getter::none);
  const auto accept = static_cast<std::uint32_t>(Getter::accept);
  const auto refuse = static_cast<std::uint32_t>(Getter::refuse);
  with_id()
      .allows(find, {.id = 0, .getter = none}, "data 1")
      .allows(find, {.id = 0, .getter = accept}, "data 1, getter ran on data 1")
      .allows(find, {.id = 0, .getter = refuse}, "NULL, getter ran on data 1")
      .allows(find, {.id = 1, .getter = accept}, "-ENOENT")
      .allows(find, {.set = 2, .id = 0, .getter = accept}, "-EACCES")
      .illegal(find, {.id = 0, .getter = accept}, success(1), "getter")
      .illegal(find, {.id = 0}, success(2), "the data of the id")
      .illegal(find, {.id = 0}, error(eacces), "-EACCES only")
      .illegal(find, {.id = 0}, error(enoent), "-ENOENT only")
      .legal(detach_data, {.id = 0}, success())
      .illegal(find, {.id = 0, .getter = accept}, shown(0, success()), "never on NULL")
      .legal(find, {.id = 0, .getter = accept}, success(0));
  with_pending().allows(find, {.id = 0}, "data 1");
}

TEST(Ids, Data) {
  with_id()
      .allows(set_data, {.id = 1, .data = 2}, "-ENOENT")
      .legal(set_data, {.id = 0, .data = 2}, success())
      .illegal(set_data, {.id = 0, .data = 2}, error(enoent), "-ENOENT only")
      .allows(find, {.id = 0}, "data 2")
      .allows(attach_data, {.id = 1, .data = 1}, "-ENOENT")
      .allows(attach_data, {.id = 0, .data = 1}, "-EBUSY")
      .legal(detach_data, {.id = 1}, success())
      .legal(detach_data, {.id = 0}, success())
      .allows(find, {.id = 0}, "NULL")
      .legal(attach_data, {.id = 0, .data = 0}, success())
      .illegal(attach_data, {.id = 0, .data = 1}, error(ebusy), "-EBUSY only")
      .legal(attach_data, {.id = 0, .data = 1}, success())
      .allows(attach_data, {.id = 0, .data = 0}, "-EBUSY");
  with_pending().legal(detach_data, {.id = 0}, success()).allows(get, {.id = 0}, "-EBUSY");
}

TEST(Ids, AFreedIdIsClean) {
  with_id()
      .legal(attach_spid, {.id = 0, .spid = 1}, success())
      .legal(free, {.id = 0}, success())
      .legal(alloc, {.set = 1, .min = 0, .max = 0}, success(0))
      .allows(find, {.id = 0}, "NULL")
      .allows(find_by_spid, {.set = 1, .spid = 1}, "INVALID_IOASID");
}

TEST(Spids, AttachAndDetach) {
  with_id()
      .legal(alloc, {.set = 1, .min = 1, .max = 1}, success(1))
      .legal(alloc, {.set = 0, .min = 2, .max = 2}, success(2))
      .legal(register_notifier, {.set = 1, .nb = 1}, success())
      .allows(attach_spid, {.id = 0, .spid = 0}, "-EINVAL")
      .allows(attach_spid, {.id = 3, .spid = 1}, "-ENOENT")
      .allows(attach_spid, {.id = 3, .spid = 0}, "-EINVAL or -ENOENT")
      .allows(attach_spid, {.id = 2, .spid = 1}, "-EINVAL")  // no set
      .legal(attach_spid, {.id = 0, .spid = 1}, notified(1, success()))
      .allows(attach_spid, {.id = 0, .spid = 1}, "-EINVAL")
      .allows(attach_spid, {.id = 1, .spid = 1}, "-EINVAL")
      .illegal(attach_spid, {.id = 1, .spid = 2}, error(einval), "-EINVAL only")
      .legal(attach_spid, {.id = 0, .spid = 2}, notified(1, success()))  // replaces
      .allows(find_by_spid, {.set = 1, .spid = 1}, "INVALID_IOASID")
      .illegal(detach_spid, {.id = 0}, success(), "notified")
      .legal(detach_spid, {.id = 0}, notified(1, success()))
      .legal(detach_spid, {.id = 0}, success())
      .legal(detach_spid, {.id = 3}, success());
}

TEST(Spids, Find) {
  with_id()
      .breaks(find_by_spid, {.set = 2, .spid = 1}, "the set exists")
      .breaks(find_by_spid, {.set = 1, .spid = 0}, "an spid is given")
      .legal(attach_spid, {.id = 0, .spid = 2}, success())
      .illegal(find_by_spid, {.set = 1, .spid = 2}, error(invalid), "INVALID_IOASID only")
      .illegal(find_by_spid, {.set = 1, .spid = 2}, success(1), "the id of the set")
      .legal(find_by_spid, {.client = 1, .set = 1, .spid = 2, .take = 1}, success(0))
      .legal(free, {.id = 0}, success())  // now it is free pending: client 1 has a reference
      .allows(find_by_spid, {.client = 0, .set = 1, .spid = 2, .take = 1}, "INVALID_IOASID")
      .legal(find_by_spid, {.client = 0, .set = 1, .spid = 2, .take = 0}, success(0))
      .legal(put, {.client = 1, .id = 0}, success(1))
      .allows(find_by_spid, {.set = 1, .spid = 2}, "INVALID_IOASID");
}

}  // namespace
}  // namespace iommucheck::ioasid
