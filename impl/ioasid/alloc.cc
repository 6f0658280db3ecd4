// SPDX-License-Identifier: MIT
// Allocation of an id, by the bitmap or by a custom allocator.
#include <thread>

#include "impl/ioasid/allocator.h"
#include "impl/ioasid/race_window.h"

namespace iommucheck::ioasid::impl {

Result<Ioasid> Allocator::alloc(Set set, Ioasid min, Ioasid max, void* data) {
  const Ioasid last = max < ids_ ? max : ids_ - 1;
  SetObject* object = nullptr;
  Ioasid id = kInvalidIoasid;
  for (;;) {
    if (set) {
      object = sets_.resolve(set);
      if (object == nullptr) return {kInvalidIoasid, std::errc::invalid_argument};
      if (object->now().ending) {
        std::this_thread::yield();
        continue;
      }
      const std::errc error = admits(*object);
      if (error == std::errc::no_buffer_space && !really_full(*object, set)) {
        std::this_thread::yield();
        continue;
      }
      if (error != std::errc{}) return {kInvalidIoasid, error};
    }
    if (custom_.active()) {
      const auto answer = alloc_custom(object, set, min, max, data);
      if (!answer) continue;
      if (!answer->ok()) return *answer;
      id = answer->value;
      break;
    }
    if (min > last) return {kInvalidIoasid, std::errc::no_space_on_device};
    // The bit before the quota: a reservation that fails later would make others fail meanwhile.
    race_window();
    id = map_.take_first(min, last);
    if (id == kInvalidIoasid) {
      if (last - min >= kExactIds || all_alive(min, last)) {
        return {kInvalidIoasid, std::errc::no_space_on_device};
      }
      std::this_thread::yield();
      continue;
    }
    race_window();
    // Looked at again now that the bit is taken: a registration either sees our bit or is seen.
    if (custom_.active() || (object != nullptr && !reserve(*object, set))) {
      map_.release(id);
      continue;  // the next round tells why
    }
    race_window();
    if (object != nullptr) object->cover(id);
    records_[id].publish(set, data, 0);
    break;
  }
  if (object != nullptr) {
    NotifierChains::call(object->chain, {Event::alloc, id, set, kInvalidIoasid, data});
  }
  return {id, {}};
}

std::optional<Result<Ioasid>> Allocator::alloc_custom(SetObject* object, Set set, Ioasid min,
                                                      Ioasid max, void* data) {
  const std::lock_guard lock{custom_.mutex()};
  if (custom_.empty()) return std::nullopt;  // it went, or the registration was refused
  if (object != nullptr && !reserve(*object, set)) return std::nullopt;
  const CustomOps& ops = custom_.serving();
  const Ioasid id = ops.alloc(min, max, ops.pdata);
  std::errc error{};
  if (id == kInvalidIoasid) {
    error = std::errc::operation_not_permitted;
  } else if (id >= ids_ || !take_from_nobody(id)) {
    ops.free(id, ops.pdata);  // we cannot record it, so nobody would ever give it back
    error = std::errc::no_space_on_device;
  }
  if (error != std::errc{}) {
    if (object != nullptr) unreserve(*object);
    return Result<Ioasid>{kInvalidIoasid, error};
  }
  if (object != nullptr) object->cover(id);
  records_[id].publish(set, data, control::kCustom);
  return Result<Ioasid>{id, {}};
}

/// Takes an id chosen by a custom allocator, unless it is somebody's.
bool Allocator::take_from_nobody(Ioasid id) noexcept {
  while (!map_.take(id)) {
    // A bit without a life: an allocation that is about to notice that the default allocator
    // does not serve any more, and to give it back.
    if ((records_[id].control().load() & control::kAlive) != 0) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace iommucheck::ioasid::impl
