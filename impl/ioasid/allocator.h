// SPDX-License-Identifier: MIT
// An allocator of I/O address space ids (PASIDs) with sets, references and wait-free look-up.
//
// Thread-safe throughout, and linearizable (but for what alloc() says of large ranges).  find() and
// state() are wait-free: they take no lock, do not loop (but in the instant in which the id's set
// ends, once for each change that others make to the id), do not allocate.  alloc(), free(), get(),
// put() of the default allocator are lock-free and share no lock (a last put waits for a set_data()
// of the same id that is halfway through a few instructions; get, put and free wait where the id's
// set is ending; an alloc() that is about to fail waits for allocations and frees that are halfway,
// as their outcome decides).  Calls on sets, SPIDs, custom allocators and notifiers may take
// mutexes. The first ReadSection of a thread allocates, also that of a look-up with a getter, and
// ends the program where there is no memory: attach_reader() does it early.
//
// Private data belongs to the caller; the allocator keeps a pointer.  Who dereferences what find()
// returned holds a reference on it (taken in the getter) or is inside a ReadSection:
//
//     ReadSection section;
//     auto found = ids.find(set, pasid);
//     if (found && found.value != nullptr) handle_fault(*static_cast<Mm*>(found.value));
//
// and who takes data out of the allocator frees it only when no section can see it: set_data() and
// detach_data() have waited when they return it; after free(), a last put() or put_set(), use
// synchronize() or defer().
//
// Where several errors apply, any of them may come.  Handles of sets that are gone are recognised
// (invalid_argument).  free() and put() of what one does not own, or without a reference, are
// reported and harmless to memory; they can, of course, end the life of somebody else's id.
#ifndef IOMMUCHECK_IMPL_IOASID_ALLOCATOR_H
#define IOMMUCHECK_IMPL_IOASID_ALLOCATOR_H

#include <cstdint>
#include <memory_resource>
#include <optional>

#include "impl/ioasid/custom_groups.h"
#include "impl/ioasid/deferred.h"
#include "impl/ioasid/free_map.h"
#include "impl/ioasid/notifier_chains.h"
#include "impl/ioasid/read_section.h"
#include "impl/ioasid/record.h"
#include "impl/ioasid/set_table.h"
#include "impl/ioasid/types.h"
#include "impl/ioasid/zeroed.h"

namespace iommucheck::ioasid::impl {

struct Config {
  std::uint32_t ids = kMaxIoasids;       ///< size of the space: ids 0 .. ids-1; 1 .. kMaxIoasids
  std::uint32_t capacity = kMaxIoasids;  ///< ids that all quotas together may reserve
  /// For sets, SPIDs, notifiers and custom allocators; thread-safe.  The tables of the ids come
  /// from calloc() in the constructor, and no call on ids allocates.
  std::pmr::memory_resource* memory = std::pmr::new_delete_resource();
};

class Allocator {
 public:
  /// Throws std::invalid_argument (config out of range) and std::bad_alloc.
  explicit Allocator(const Config& config = {});
  /// Contract: no other call runs.  Runs what is deferred.
  ~Allocator() = default;
  Allocator(const Allocator&) = delete;
  Allocator& operator=(const Allocator&) = delete;

  std::uint32_t ids() const noexcept { return ids_; }

  // ---- Sets (set_calls.cc) ----

  /// Sets the capacity (0 .. kMaxIoasids ids).  device_or_resource_busy: a set exists.
  [[nodiscard]] std::errc install_capacity(std::uint32_t capacity);
  /// A new set with one reference, the caller's.  Token: what the set is made for (an mm; null:
  /// nothing); quota: how many ids it may have at a time.  invalid_argument: quota is 0;
  /// no_space_on_device: more than is available; file_exists: a live set has the token;
  /// not_enough_memory: also when SetTable::kMaxSets exist.
  Result<Set> alloc_set(const void* token, std::uint32_t quota);
  /// One more reference.  Contract: the caller is sure of one meanwhile.  invalid_argument: the
  /// set is not live; value_too_large: 2^20-1 references.
  [[nodiscard]] std::errc get_set(Set set);
  /// Drops a reference.  The last one makes the set dying: it takes no allocations, its token is
  /// free, its ids are freed as by free() (who has references by get keeps them, FREE is
  /// notified); when its last id is gone, so is the set.  invalid_argument: not live.
  [[nodiscard]] std::errc put_set(Set set);
  /// Changes the quota.  invalid_argument: not live, quota is 0 or below the number of its ids;
  /// no_space_on_device.
  [[nodiscard]] std::errc adjust_set(Set set, std::uint32_t quota);
  /// The live set with this token, with a reference.  no_such_file_or_directory; value_too_large.
  Result<Set> find_set(const void* token);
  /// Whether the set takes allocations, only waits for its ids, or is gone.
  SetState set_state(Set set) const noexcept;
  /// The number of ids the set has (free pending ones count); 0 when it is gone.
  std::uint32_t set_size(Set set) const noexcept;

  // ---- Ids (alloc.cc, release.cc) ----

  /// A free id of [min, max] (from a custom allocator: the one it chooses), owned by the caller.
  /// Of the default allocator the lowest, when no other thread is at work.  set: or none; data: or
  /// null.  Notifies ALLOC to the chain of the set.
  /// no_space_on_device: no such id is free (or the answer of the custom allocator is in use);
  /// no_buffer_space: the set has as many ids as its quota; operation_canceled: the set is dying;
  /// operation_not_permitted: the custom allocator refused; invalid_argument: stale set.
  /// In a range, or a set's span, of more than kExactIds ids an allocation or free of another
  /// thread that has not returned yet may count as a taken id.
  Result<Ioasid> alloc(Set set, Ioasid min, Ioasid max, void* data);
  /// Drops the owner's reference.  Without references by get the id is free at once; else it is
  /// free pending and FREE is notified.  An id that is free pending already: nothing.
  /// no_such_file_or_directory: unknown id; permission_denied: not of this set (if one is given).
  std::errc free(Set set, Ioasid id);
  /// Takes a reference, anonymous.  invalid_argument: unknown id; device_or_resource_busy: free
  /// pending; permission_denied: not of this set; value_too_large: 2^19-1 references.
  [[nodiscard]] std::errc get(Set set, Ioasid id) noexcept;
  /// Drops a reference taken by get; true: it was the last of all and the id is free.
  /// no_such_file_or_directory, permission_denied; operation_not_permitted: there is no reference.
  Result<bool> put(Set set, Ioasid id);
  /// As put(), but drops the reference that came with alloc; the state of the id stays.
  Result<bool> put_owner(Set set, Ioasid id);

  // ---- Look-up and private data (here and data.cc) ----

  /// The private data (null while there is none), also of ids that are free pending.
  /// no_such_file_or_directory: unknown; permission_denied: not of this set (if one is given).
  Result<void*> find(Set set, Ioasid id) const noexcept {
    if (id >= ids_) return {nullptr, std::errc::no_such_file_or_directory};
    // Not look(): with the other view in reach this one would not stay in registers.
    const Record::View view = records_[id].view();
    if (control::is_frozen(view.control)) return find_frozen(set, id);
    return found(set, view);
  }
  /// The same in a ReadSection of its own, in which getter(data, context) is called unless there
  /// is no data; null if it refuses.
  Result<void*> find(Set set, Ioasid id, Getter getter, void* context) const noexcept;
  /// no_such_file_or_directory: unknown id, that is: free.
  Result<State> state(Ioasid id) const noexcept;

  /// Replaces the data and waits for the readers; returns what was there, seen by nobody now.
  /// no_such_file_or_directory; resource_deadlock_would_occur: inside a ReadSection.
  Result<void*> set_data(Ioasid id, void* data);
  /// Sets the data where there is none.  no_such_file_or_directory; device_or_resource_busy.
  [[nodiscard]] std::errc attach_data(Ioasid id, void* data) noexcept;
  /// set_data(id, nullptr).
  Result<void*> detach_data(Ioasid id) { return set_data(id, nullptr); }

  // ---- Set-private ids (spid.cc) ----

  /// Gives the id a SPID (instead of the one it has); notifies BIND to the set's chain.
  /// invalid_argument: spid is kInvalidIoasid, or an id of the set has it, or the id is in no
  /// set; no_such_file_or_directory: unknown id; not_enough_memory.
  [[nodiscard]] std::errc attach_spid(Ioasid id, Spid spid);
  /// Takes the SPID away, notifies UNBIND.  no_such_file_or_directory: unknown id, or no SPID.
  std::errc detach_spid(Ioasid id);
  /// The id of the set with this SPID; take: with a reference (ids that are free pending are not
  /// found then).  no_such_file_or_directory; invalid_argument: the set is gone; value_too_large.
  Result<Ioasid> find_by_spid(Set set, Spid spid, bool take);

  // ---- Custom allocators (custom_calls.cc) ----

  /// Puts ops (which must stay valid) at the end of the group with its functions, or makes one.
  /// The first member of the first group serves.  file_exists; not_enough_memory;
  /// invalid_argument: null or without functions; resource_unavailable_try_again: it would be the
  /// first and there are ids of the default allocator.
  [[nodiscard]] std::errc register_allocator(const CustomOps* ops);
  /// Takes it out.  Contract: a group that goes away has no ids left; ids that it has all the same
  /// are unknown from then on, whatever references there are.  no_such_file_or_directory.
  std::errc unregister_allocator(const CustomOps* ops);

  // ---- Notifiers (set_calls.cc) ----

  /// On the chain of a set or (no set) the global one.  file_exists: it is on a chain already;
  /// not_enough_memory; invalid_argument: null, or the set is gone.
  [[nodiscard]] std::errc register_notifier(Set set, Notifier* notifier);
  /// Returns when it is not being called any more.  no_such_file_or_directory: not on that chain
  /// (when a set is gone, so is its chain); resource_deadlock_would_occur: inside a ReadSection;
  /// not_enough_memory.
  [[nodiscard]] std::errc unregister_notifier(Set set, Notifier* notifier);

  // ---- Reclamation ----

  /// Waits for all sections that are open, then runs what was deferred before the call.
  /// resource_deadlock_would_occur: inside a ReadSection.
  std::errc synchronize() { return deferred_.flush(); }
  /// Runs fn(argument) when all sections that are open have ended: in a later call of
  /// synchronize() or defer() of any thread, or in the destructor.  not_enough_memory: only
  /// inside a ReadSection.
  [[nodiscard]] std::errc defer(void (*fn)(void*), void* argument) {
    return deferred_.call(fn, argument);
  }

  // ---- For tests ----

  /// Whether the bitmap's hints are right; only while no other call runs.
  bool consistent() const noexcept { return map_.hints_lose_nothing(); }

  /// In ranges up to this size a failing alloc is exact under concurrency: it has to look at each
  /// record, and a look at a million would take milliseconds.
  static constexpr std::uint32_t kExactIds = 1024;

 private:
  enum class Drop : std::uint8_t { owner_by_free, owner_by_put, owner_by_sweep, reference };
  /// Nothing: the id is frozen.
  std::optional<std::errc> try_get(Set set, Ioasid id) noexcept;

  // Quota of a set, and whether a failure is justified (set_quota.cc).
  static std::errc admits(const SetObject& object) noexcept;
  bool reserve(SetObject& object, Set set) noexcept;
  void unreserve(SetObject& object) noexcept;
  bool all_alive(Ioasid first, Ioasid last) const noexcept;
  bool really_full(const SetObject& object, Set set) const noexcept;

  // alloc.cc
  std::optional<Result<Ioasid>> alloc_custom(SetObject* object, Set set, Ioasid min, Ioasid max,
                                             void* data);
  bool take_from_nobody(Ioasid id) noexcept;

  // custom_calls.cc
  bool default_ids_outstanding() const noexcept;

  static Result<void*> found(Set set, const Record::View& view) noexcept {
    if ((view.control & control::kAlive) == 0) {
      return {nullptr, std::errc::no_such_file_or_directory};
    }
    if (set && set != view.set) return {nullptr, std::errc::permission_denied};
    return {view.data, {}};
  }

  // set_end.cc
  Result<void*> find_frozen(Set set, Ioasid id) const noexcept;
  bool end_set(SetObject& object, Set set) noexcept;
  std::uint32_t freeze(SetObject& object, Set set) noexcept;
  void sweep(SetObject& object, Set set);
  bool has_ids(const SetObject& object) const noexcept;
  Record::View look_at_frozen(Ioasid id, Record::View view) const noexcept;
  /// What the id is at some instant of the call.
  Record::View look(Ioasid id) const noexcept {
    const Record::View view = records_[id].view();
    return control::is_frozen(view.control) ? look_at_frozen(id, view) : view;
  }
  /// Its control word; kAlive: it was allocated at some instant of the call.
  std::uint64_t life_of(Ioasid id) const noexcept {
    const std::uint64_t now = records_[id].control().load();
    return control::is_frozen(now) ? look(id).control : now;
  }
  /// function(Record&, const View&) for those that are not free.
  template <typename Function>
  void for_each_id(const SetObject& object, Set set, Function function) {
    for (Ioasid id = object.lowest.load(), last = object.highest.load(); id <= last; ++id) {
      const Record::View view = records_[id].view();
      if ((view.control & control::kAlive) != 0 && view.set == set) function(records_[id], view);
    }
  }

  // release.cc
  Result<bool> drop(Set set, Ioasid id, Drop how);
  void end_life(Ioasid id, std::uint64_t life) noexcept;
  void notify_free(Ioasid id, const Record::View& view) noexcept;
  void lose_custom_ids() noexcept;

  // spid.cc
  /// Nothing: the id is frozen.
  std::optional<Result<Ioasid>> try_find_by_spid(SetObject& object, Set set, Spid spid, bool take);
  void forget_spid(Ioasid id, std::uint64_t life) noexcept;

  std::uint32_t ids_;
  ZeroedArray<Record> records_;
  FreeMap map_;
  Deferred deferred_;
  SetTable sets_;
  NotifierChains chains_;
  CustomGroups custom_;
};

}  // namespace iommucheck::ioasid::impl

#endif  // IOMMUCHECK_IMPL_IOASID_ALLOCATOR_H
