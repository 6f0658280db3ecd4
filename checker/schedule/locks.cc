// SPDX-License-Identifier: MIT
// The side table of locks.
#include "checker/schedule/locks.h"

#include <algorithm>

namespace iommucheck::schedule {

Locks::Slot& Locks::slot_of(std::uintptr_t address) {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = (address * 0x9e3779b97f4a7c15U) >> 32U;; ++at) {
    Slot& slot = slots_[at & mask];
    if (slot.stamp != stamp_ || slot.address == address) return slot;
  }
}

Lock& Locks::at(std::uintptr_t address) {
  Slot& slot = slot_of(address);
  if (slot.stamp == stamp_) return *slot.lock;
  if (used_ == locks_.size()) locks_.emplace_back();
  Lock& lock = locks_[used_++];
  lock.address = address;
  lock.owner = kNobody;
  lock.shared_by = 0;
  lock.released = lock.released_shared = {};
  lock.acquired_at = lock.released_at = 0;
  lock.sharing.clear();
  lock.failed.clear();
  lock.shared_released.clear();
  slot = {address, &lock, stamp_};
  if (used_ * 2 > slots_.size()) {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& kept : old) {
      if (kept.stamp == stamp_) slot_of(kept.address) = kept;
    }
  }
  return lock;
}

void Locks::clear() {
  if (++stamp_ == 0) {
    std::fill(slots_.begin(), slots_.end(), Slot{});
    stamp_ = 1;
  }
  used_ = 0;
}

}  // namespace iommucheck::schedule
