// SPDX-License-Identifier: MIT
// Dropping references, and the end of an id's life.
#include <thread>

#include "impl/ioasid/allocator.h"
#include "impl/ioasid/race_window.h"

namespace iommucheck::ioasid::impl {

std::errc Allocator::free(Set set, Ioasid id) { return drop(set, id, Drop::owner_by_free).error; }

Result<bool> Allocator::put(Set set, Ioasid id) { return drop(set, id, Drop::reference); }

Result<bool> Allocator::put_owner(Set set, Ioasid id) { return drop(set, id, Drop::owner_by_put); }

Result<bool> Allocator::drop(Set set, Ioasid id, Drop how) {
  if (id >= ids_) return {false, std::errc::no_such_file_or_directory};
  Record& record = records_[id];
  std::unique_lock<std::mutex> custom_lock;
  for (;;) {
    const Record::View view = record.view();
    const std::uint64_t now = view.control;
    if ((now & control::kAlive) == 0) return {false, std::errc::no_such_file_or_directory};
    if (set && set != view.set) return {false, std::errc::permission_denied};
    if (control::is_frozen(now) != (how == Drop::owner_by_sweep)) {
      if (how == Drop::owner_by_sweep) return {};
      std::this_thread::yield();
      continue;
    }

    std::uint64_t next = now;
    if (how == Drop::reference) {
      if ((now & control::kReferences) == 0) return {false, std::errc::operation_not_permitted};
      next -= control::kReference;
    } else {
      if (how == Drop::owner_by_free && (now & control::kPending) != 0) return {};
      if (how == Drop::owner_by_put && (now & control::kOwned) == 0) {
        return {false, std::errc::operation_not_permitted};
      }
      next &= ~control::kOwned;
      if (how != Drop::owner_by_put) next |= control::kPending;
    }
    const bool last = (next & (control::kOwned | control::kReferences)) == 0;
    if (last) {
      if ((now & control::kLocked) != 0) {
        std::this_thread::yield();
        continue;
      }
      if ((now & control::kCustom) != 0 && !custom_lock.owns_lock()) {
        // The callback runs under this mutex; what we saw may be over when we have it.
        custom_lock = std::unique_lock{custom_.mutex()};
        continue;
      }
      next = now & control::kGeneration;
    }
    race_window();
    std::uint64_t expected = now;
    // Release: who ends the life, or gets our bit, sees what we did with the id.  Acquire: who
    // ends it sees what all others did.  seq_cst (the default): it is the U of read_section.h.
    if (!record.control().compare_exchange_weak(expected, next)) continue;
    if (last) {
      if ((now & control::kCustom) != 0) {
        const CustomOps& ops = custom_.serving();
        ops.free(id, ops.pdata);
      }
      end_life(id, now);
    } else if (how == Drop::owner_by_free) {
      notify_free(id, view);
    }
    return {last, {}};
  }
}

/// After the compare-and-swap that ended it.  Nobody else touches the record until its bit is
/// given back: it is not alive, so nobody can lock or change it, and not free, so nobody can take
/// it.
void Allocator::end_life(Ioasid id, std::uint64_t life) noexcept {
  race_window();
  Record& record = records_[id];
  const Set set = Set::unpacked(record.set().load(std::memory_order_relaxed));
  if (record.spid_inverse().load(std::memory_order_relaxed) != 0) forget_spid(id, life);
  record.bury();
  map_.release(id);
  race_window();
  if (set) unreserve(sets_.held(set));
}

void Allocator::notify_free(Ioasid id, const Record::View& view) noexcept {
  const Spid spid = ~records_[id].spid_inverse().load(std::memory_order_relaxed);
  const Notification notification{Event::free, id, view.set, spid, view.data};
  NotifierChains::call(chains_.global(), notification);
  // A set with an id that is not free is not gone; should the id be put right now, its object is
  // still an object, with a chain that is empty or another's: then nobody is told too much, as
  // the notification names the set.
  if (view.set) NotifierChains::call(sets_.held(view.set).chain, notification);
}

/// Ends the life of every custom id, whatever references there are: its allocator has gone.
/// Under the mutex of custom allocators.
void Allocator::lose_custom_ids() noexcept {
  for (Ioasid id = map_.next_taken(0); id != kInvalidIoasid; id = map_.next_taken(id + 1)) {
    Record& record = records_[id];
    std::uint64_t now = record.control().load();
    while ((now & control::kAlive) != 0 && (now & control::kCustom) != 0) {
      if ((now & control::kLocked) != 0) {
        std::this_thread::yield();
        now = record.control().load();
      } else if (record.control().compare_exchange_weak(now, now & control::kGeneration)) {
        end_life(id, now);
        break;
      }
    }
  }
}

}  // namespace iommucheck::ioasid::impl
