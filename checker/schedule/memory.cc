// SPDX-License-Identifier: MIT
// A hash table from addresses to pages of cells, which stamps empty, and the race test.
#include "checker/schedule/memory.h"

#include <algorithm>

namespace iommucheck::schedule {
namespace {

constexpr std::size_t kFirstSlots = 1024;

}  // namespace

void Accesses::grow() {
  const std::uint32_t room = room_ * 4;
  auto* more = new Access[room];
  std::copy(begin(), end(), more);
  if (data_ != &one_) delete[] data_;
  data_ = more;
  room_ = room;
}

Memory::Memory() : slots_(kFirstSlots) {}

void Memory::clear() {
  seeings_.resize(1);
  if (++stamp_ != 0) return;
  // Stamps of four thousand million executions ago must not look like new ones.
  for (Slot& slot : slots_) {
    if (slot.page == nullptr) continue;
    for (Cell& cell : slot.page->cells) cell.stamp = 0;
  }
  stamp_ = 1;
}

bool Memory::promote(std::uintptr_t granule) {
  page_of(granule).promoted |= std::uint64_t{1} << granule % kPageCells;
  return promoted_.insert(granule).second;
}

void Memory::clear_promotions() {
  for (const std::uintptr_t granule : promoted_) page_of(granule).promoted = 0;
  promoted_.clear();
}

std::vector<std::uintptr_t> Memory::promoted() const {
  std::vector<std::uintptr_t> all(promoted_.begin(), promoted_.end());
  std::sort(all.begin(), all.end());
  return all;
}

Memory::Page& Memory::add_page(std::uintptr_t number) {
  if (++used_ * 2 > slots_.size()) {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (Slot& slot : old) {
      if (slot.page != nullptr) slot_of(slot.number) = std::move(slot);
    }
  }
  Slot& slot = slot_of(number);
  slot = {number, std::make_unique<Page>()};
  last_number_ = number;
  last_ = slot.page.get();
  return *last_;
}

void Memory::note_seeing(Access& write, const Seeing& seeing) {
  const bool is_known = any_seeing(write, [&](const Seeing& other) {
    return other.by == seeing.by && (other.acquiring || !seeing.acquiring);
  });
  if (is_known) return;
  seeings_.push_back(seeing);
  seeings_.back().next = write.seen;
  write.seen = static_cast<std::uint32_t>(seeings_.size() - 1);
}

void Memory::note(Cell& cell, const Access& access, const Clock& clock) {
  if (access.write() && !access.marked() && !access.in_reader()) {
    // Who races with one of these would race with this write as well, which comes after them all.
    cell.accesses.cut(
        std::remove_if(cell.accesses.begin(), cell.accesses.end(), [&](const Access& other) {
          return (other.bytes() & ~access.bytes()) == 0 &&
                 (other.thread() == access.thread() || clock.covers(other.thread(), other.time));
        }));
  }
  for (Access& other : cell.accesses) {
    if (other.kind != access.kind) continue;
    other.set(access.pc, access.time, access.kind);
    return;
  }
  cell.threads |= static_cast<std::uint16_t>(mask_of(access.thread()));
  cell.accesses.add().set(access.pc, access.time, access.kind);
}

}  // namespace iommucheck::schedule
