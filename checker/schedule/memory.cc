// SPDX-License-Identifier: MIT
// A hash table from granules to cells, emptied by a stamp, and the race test.
#include "checker/schedule/memory.h"

#include <algorithm>

namespace iommucheck::schedule {
namespace {

constexpr std::size_t kFirstSlots = 4096;

}  // namespace

Memory::Memory() : slots_(kFirstSlots) {}

void Memory::clear() {
  if (++stamp_ == 0) {
    // Stamps of four thousand million executions ago must not look like new ones.
    std::fill(slots_.begin(), slots_.end(), Slot{});
    stamp_ = 1;
  }
  used_ = 0;
  last_ = nullptr;
  last_granule_ = 0;
}

std::vector<std::uintptr_t> Memory::promoted() const {
  std::vector<std::uintptr_t> all(promoted_.begin(), promoted_.end());
  std::sort(all.begin(), all.end());
  return all;
}

Memory::Slot& Memory::slot_of(std::uintptr_t granule) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = (granule * 0x9e3779b97f4a7c15U) >> 20U;
  for (;; ++at) {
    Slot& slot = slots_[at & mask];
    if (slot.stamp != stamp_ || slot.granule == granule) return slot;
  }
}

Cell* Memory::find(std::uintptr_t granule) {
  if (last_ != nullptr && last_granule_ == granule) return last_;
  const Slot& slot = slot_of(granule);
  return slot.stamp == stamp_ ? slot.cell : nullptr;
}

Cell& Memory::look_up(std::uintptr_t granule) {
  Slot& slot = slot_of(granule);
  if (slot.stamp != stamp_) {
    if (used_ == cells_.size()) cells_.emplace_back();
    Cell& cell = cells_[used_++];
    slot = {granule, &cell, stamp_};
    cell.granule = granule;
    cell.promoted = !promoted_.empty() && promoted_.contains(granule);
    cell.accesses.clear();
    cell.published.clear();
    cell.last_write = 0;
    cell.readers = 0;
    last_ = &cell;
    if (used_ * 2 > slots_.size()) grow();
  } else {
    last_ = slot.cell;
  }
  last_granule_ = granule;
  return *last_;
}

void Memory::grow() {
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.stamp == stamp_) slot_of(slot.granule) = slot;
  }
}

void Memory::note_beside(Cell& cell, const Access& access, const Clock& clock) {
  if (access.write && !access.marked) {
    // Who races with one of these would race with this write as well, which comes after them all.
    std::erase_if(cell.accesses, [&](const Access& other) {
      return (other.bytes & ~access.bytes) == 0 &&
             (other.thread == access.thread || clock.covers(other.thread, other.time)) &&
             !access.in_reader;
    });
  }
  for (Access& other : cell.accesses) {
    if (!other.same_kind(access)) continue;
    other = access;
    return;
  }
  cell.accesses.push_back(access);
}

}  // namespace iommucheck::schedule
