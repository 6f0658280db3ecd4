// SPDX-License-Identifier: MIT
// Set-private ids: per set a table from SPID to id, under a mutex of the set.
//
// Lock order: the mutex of the set, then the lock in a record.  Who ends an id's life takes the
// mutex only when no lock of a record is held.
#include <new>
#include <thread>

#include "impl/ioasid/allocator.h"

namespace iommucheck::ioasid::impl {

std::errc Allocator::attach_spid(Ioasid id, Spid spid) {
  if (spid == kInvalidIoasid) return std::errc::invalid_argument;
  const Record::View view = id < ids_ ? look(id) : Record::View{};
  if ((view.control & control::kAlive) == 0) return std::errc::no_such_file_or_directory;
  if (!view.set) return std::errc::invalid_argument;
  Record& record = records_[id];
  SetObject& object = sets_.held(view.set);
  {
    const std::lock_guard lock{object.spid_mutex};
    const auto same = object.spids.find(spid);
    if (same != object.spids.end()) {
      // An entry whose life is over is about to be removed by who ended it.
      const std::uint64_t other = life_of(same->second.id);
      if (control::same_life(same->second.life, other)) return std::errc::invalid_argument;
    }
    try {
      object.spids.insert_or_assign(spid, SetObject::SpidEntry{id, view.control});
    } catch (const std::bad_alloc&) {
      return std::errc::not_enough_memory;
    }
    if (!record.lock_life(view.control)) {
      object.spids.erase(spid);
      return std::errc::no_such_file_or_directory;
    }
    const Spid old = ~record.spid_inverse().exchange(~spid, std::memory_order_relaxed);
    record.unlock();
    if (old != kInvalidIoasid) object.spids.erase(old);
  }
  NotifierChains::call(object.chain, {Event::bind, id, view.set, spid, view.data});
  return {};
}

std::errc Allocator::detach_spid(Ioasid id) {
  const Record::View view = id < ids_ ? look(id) : Record::View{};
  if ((view.control & control::kAlive) == 0 || !view.set) {
    return std::errc::no_such_file_or_directory;
  }
  Record& record = records_[id];
  SetObject& object = sets_.held(view.set);
  Spid old = kInvalidIoasid;
  {
    const std::lock_guard lock{object.spid_mutex};
    if (!record.lock_life(view.control)) return std::errc::no_such_file_or_directory;
    old = ~record.spid_inverse().exchange(0, std::memory_order_relaxed);
    record.unlock();
    if (old == kInvalidIoasid) return std::errc::no_such_file_or_directory;
    object.spids.erase(old);
  }
  NotifierChains::call(object.chain, {Event::unbind, id, view.set, old, view.data});
  return {};
}

Result<Ioasid> Allocator::find_by_spid(Set set, Spid spid, bool take) {
  for (;;) {
    SetObject* object = sets_.resolve(set);
    if (object == nullptr) return {kInvalidIoasid, std::errc::invalid_argument};
    if (const auto answer = try_find_by_spid(*object, set, spid, take)) return *answer;
    // Without the mutex: who ends the set takes it for each id that has a SPID.
    std::this_thread::yield();
  }
}

std::optional<Result<Ioasid>> Allocator::try_find_by_spid(SetObject& object, Set set, Spid spid,
                                                          bool take) {
  constexpr Result<Ioasid> kUnknown{kInvalidIoasid, std::errc::no_such_file_or_directory};
  const std::lock_guard lock{object.spid_mutex};
  const auto found = object.spids.find(spid);
  if (found == object.spids.end()) return kUnknown;
  const Ioasid id = found->second.id;
  if (!control::same_life(found->second.life, life_of(id))) return kUnknown;
  if (!take) return Result<Ioasid>{id, {}};
  // The id may be freed, and allocated again by this set, before we act; but not without leaving
  // the table, for which the mutex is needed: this takes the right life or none.
  const std::optional<std::errc> error = try_get(set, id);
  if (!error) return std::nullopt;
  if (*error == std::errc{} || *error == std::errc::value_too_large)
    return Result<Ioasid>{id, *error};
  return kUnknown;
}

void Allocator::forget_spid(Ioasid id, std::uint64_t life) noexcept {
  Record& record = records_[id];
  SetObject& object = sets_.held(Set::unpacked(record.set().load(std::memory_order_relaxed)));
  const Spid spid = ~record.spid_inverse().exchange(0, std::memory_order_relaxed);
  const std::lock_guard lock{object.spid_mutex};
  const auto found = object.spids.find(spid);
  // Another id of the set may have got the SPID since this life ended.
  if (found != object.spids.end() && found->second.id == id &&
      (found->second.life & control::kGeneration) == (life & control::kGeneration)) {
    object.spids.erase(found);
  }
}

}  // namespace iommucheck::ioasid::impl
