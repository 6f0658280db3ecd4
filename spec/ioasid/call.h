// SPDX-License-Identifier: MIT
// The calls of the IOASID interface as plain data: what is asked, with which arguments, and what
// came back.
//
// One vocabulary for the specification, the designs, our allocator and the kernel's: whoever
// executes calls takes a `Call` and gives an `Outcome`; the specification says whether that
// outcome is legal.  Sources: 6.1 drivers/iommu/ioasid.c (alloc, free, find, set_data, custom
// allocators), commit 24e3bb7429bd (get, put), and the series "IOASID extensions for guest SVA",
// v3 of 2020-09-28 and v4 (sets, quota, capacity, SPID, attach and detach, notifiers, states).
//
// Numbers.  Everything is a small number, so that the same call can be executed, solved and sent
// through a pipe:
//   id        0 .. ids-1: an IOASID (a test maps it to a window of real ids); `ids` and above are
//             beyond the end of the space.  [min, max] is inclusive at both ends.
//   set       1 .. sets: an ioasid_set; 0 is NULL ("no set", "any set").
//   data      1 .. data: a caller's private data; 0 is NULL.
//   token     1 .. tokens: what a set was made for (an mm); 0 is NULL (no token).
//   ops       1 .. ops: a struct ioasid_allocator_ops; see `ops_functions()`.
//   spid      1 .. spids: a set-private id; 0 is INVALID_IOASID.
//   nb        1 .. notifiers: a notifier_block.
//   client    0 .. clients-1: who calls.  A client holds at most one reference on each set and at
//             most one reference (by get) on each id.
#ifndef IOMMUCHECK_SPEC_IOASID_CALL_H
#define IOMMUCHECK_SPEC_IOASID_CALL_H

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace iommucheck::ioasid {

/// What can be asked.  The names are the kernel's.
enum class CallKind : std::uint8_t {
  install_capacity,      ///< (quota)                     -> ok
  alloc_set,             ///< (client, token, quota)      -> set | -EINVAL -ENOSPC -EEXIST -ENOMEM
  set_get,               ///< (client, set)               -> ok
  set_put,               ///< (client, set)               -> ok
  adjust_set,            ///< (set, quota)                -> ok | -EINVAL -ENOSPC
  find_set,              ///< (client, token)             -> set, with a reference | -ENOENT
  alloc,                 ///< (client, set, min, max, data, callback) -> id | INVALID_IOASID
  free,                  ///< (set, id)                   -> ok (void: an unknown id is no error)
  get,                   ///< (client, set, id)           -> ok | -EINVAL -EBUSY -EACCES
  put,                   ///< (client, set, id)           -> 1 if the id was freed, else 0
  find,                  ///< (set, id, getter)           -> data (0: NULL) | -ENOENT -EACCES
  set_data,              ///< (id, data)                  -> ok | -ENOENT
  attach_data,           ///< (id, data)                  -> ok | -ENOENT -EBUSY
  detach_data,           ///< (id)                        -> ok (void)
  attach_spid,           ///< (id, spid)                  -> ok | -EINVAL -ENOENT
  detach_spid,           ///< (id)                        -> ok (void)
  find_by_spid,          ///< (client, set, spid, take)   -> id | INVALID_IOASID
  register_allocator,    ///< (ops)                       -> ok | -ENOMEM -EAGAIN -EEXIST
  unregister_allocator,  ///< (ops)                       -> ok (void)
  register_notifier,     ///< (set or 0, nb)              -> ok | -EEXIST
  unregister_notifier,   ///< (set or 0, nb)              -> ok | -ENOENT
};
inline constexpr unsigned kCallKinds = 21;

/// What came back, beside a value.  `invalid` stands for INVALID_IOASID.
// clang-format off
enum class Err : std::uint8_t {
  ok, invalid, enoent, eacces, einval, ebusy, eexist, eagain, enospc, enomem,
};
// clang-format on
inline constexpr unsigned kErrs = 10;

/// What ioasid_find() gets as its getter: none, or one that will accept or refuse what it is shown.
enum class Getter : std::uint8_t { none, accept, refuse };

/// The state of an id (series v4, enum ioasid_state, and "free" for an id nobody has).
/// idle: allocated, its private data is not there yet.  active: allocated, with private data.
/// free_pending: ioasid_free() has been called, references are left.
enum class IdState : std::uint8_t { free, idle, active, free_pending };

/// Arguments; V is a value of some domain, or a plain number.  Only those of the call's kind count.
template <class V>
struct Arguments {
  V client{}, set{}, id{}, min{}, max{}, data{}, token{}, quota{}, ops{}, spid{}, nb{};
  V getter{};    ///< a Getter
  V take{};      ///< find_by_spid: 1 takes a reference on what it finds
  V callback{};  ///< alloc under a custom allocator: 1 + the id its callback answers; 0: it refuses
  V nomem{};     ///< 1: memory allocations fail during this call
};

/// What a call answered and what it did to the outside world.
template <class V>
struct Answer {
  V err{};        ///< an Err
  V value{};      ///< an id, a set, data, or put()'s 0 or 1; 0 where there is none
  V allocator{};  ///< the ops whose alloc/free callback ran last (told by its pdata); 0: none ran
  V getter_on{};  ///< 1 + the data that the getter was shown; 0: it did not run
  V notified{};   ///< bit nb-1 is set: that notifier_block was called, once or more
};

struct Call {
  CallKind kind{};
  Arguments<std::uint32_t> args{};
};
using Outcome = Answer<std::uint32_t>;

/// Ops 1 and 2 are two instances that share their functions (and so one id space); every other
/// ops has functions of its own.  Function groups are numbered from 1; 0 is the default allocator.
constexpr unsigned ops_functions(unsigned ops) { return ops <= 2 ? (ops == 0 ? 0U : 1U) : ops - 1; }

std::string_view name(CallKind kind);  ///< "ioasid_alloc", ...
std::string_view name(Err err);        ///< "ok", "INVALID_IOASID", "-ENOENT", ...; total
std::string_view name(IdState state);  ///< "free", "idle", "active", "free pending"

/// Which arguments a kind of call has, in the order of its C prototype.
struct ArgumentInfo {
  std::string_view name;
  std::uint32_t Arguments<std::uint32_t>::*field;
};
const std::vector<ArgumentInfo>& arguments(CallKind kind);

/// "ioasid_alloc(set=1, min=0, max=3, private=2)", as a report prints it.
std::string print(const Call& call);
/// "-ENOENT", "id 3", "set 1", "data 2", "NULL", with callbacks and notifications where they ran.
std::string print(const Call& call, const Outcome& outcome);

/// Who executes calls: our allocator, a kernel's, or the specification itself.
class Subject {
 public:
  virtual ~Subject() = default;
  /// Executes one call.  Not thread-safe; references are by `client`.
  virtual Outcome execute(const Call& call) = 0;
};

}  // namespace iommucheck::ioasid

#endif  // IOMMUCHECK_SPEC_IOASID_CALL_H
