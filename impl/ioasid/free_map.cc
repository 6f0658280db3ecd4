// SPDX-License-Identifier: MIT
// The search in the bitmap, and its upkeep; the protocol is explained in the header.
#include "impl/ioasid/free_map.h"

#include <bit>

#include "impl/ioasid/race_window.h"

namespace iommucheck::ioasid::impl {
namespace {

constexpr std::uint64_t bit(std::uint32_t i) { return std::uint64_t{1} << (i & 63U); }

}  // namespace

FreeMap::FreeMap(std::uint32_t ids) : ids_{ids}, words_{kFirst[kTop] + kWords[kTop]} {
  // What is beyond the end counts as taken, so that the search never needs to look at the end.
  if (ids % kLeafIds != 0) leaf(ids / kLeafIds).store(kLeafFull << (ids % kLeafIds) & kLeafFull);
  std::uint32_t children = (ids + kLeafIds - 1) / kLeafIds;
  for (unsigned level = 1; level <= kTop; ++level) {
    for (std::uint32_t w = children / 64; w < kWords[level]; ++w) {
      word(level, w).store(w == children / 64 ? ~std::uint64_t{0} << children % 64
                                              : ~std::uint64_t{0});
    }
    children = (children + 63) / 64;
  }
}

void FreeMap::close(unsigned level, std::uint32_t index) noexcept {
  for (; level < kTop; ++level, index /= 64) {
    race_window();
    const std::uint64_t old = word(level + 1, index / 64).fetch_or(bit(index));
    race_window();
    if (holes(level, index) != 0) return open(level, index);  // the second look
    if ((old | bit(index)) != ~std::uint64_t{0}) return;
  }
}

void FreeMap::open(unsigned level, std::uint32_t index) noexcept {
  for (; level < kTop; ++level, index /= 64) {
    race_window();
    const Word parent = word(level + 1, index / 64);
    if ((parent.load() & bit(index)) != 0) parent.fetch_and(~bit(index));
  }
}

bool FreeMap::take(Ioasid id) noexcept {
  const Word word = leaf(id / kLeafIds);
  const std::uint64_t mine = bit(id % kLeafIds);
  std::uint64_t old = word.load(std::memory_order_relaxed);
  do {
    if ((old & mine) != 0) return false;
    // seq_cst for the order of holes and hints; its acquire half makes what the last owner of
    // the id did before release() visible to us.
  } while (!word.compare_exchange_weak(old, old | mine, std::memory_order_seq_cst,
                                       std::memory_order_relaxed));
  if (((old | mine) & kLeafFull) == kLeafFull) close(0, id / kLeafIds);
  return true;
}

void FreeMap::release(Ioasid id) noexcept {
  // The bit is set, as the id is the caller's: the subtraction borrows nothing from its
  // neighbours, and one instruction clears the bit and counts the release.
  leaf(id / kLeafIds).fetch_add(kOneRelease - bit(id % kLeafIds));
  open(0, id / kLeafIds);
}

Ioasid FreeMap::descend(unsigned level, std::uint32_t position) noexcept {
  while (level > 0) {
    --level;
    const std::uint64_t found = holes(level, position);
    if (found == 0) {
      close(level, position);  // the hint was stale
      return kInvalidIoasid;
    }
    position = position * width(level) + static_cast<std::uint32_t>(std::countr_zero(found));
  }
  return position;
}

Ioasid FreeMap::search(Ioasid min) noexcept {
  // From 0 on every word counts whole: start at the root and save the way up.
  unsigned level = min == 0 ? kTop : 0;
  std::uint32_t position = min;  // at level 0 an id; above, a word of the level below
  for (;;) {
    const std::uint32_t index = position / width(level);
    if (index >= kWords[level]) return kInvalidIoasid;
    const std::uint64_t found = holes(level, index) & ~std::uint64_t{0}
                                                          << (position % width(level));
    if (found != 0) {
      position = index * width(level) + static_cast<std::uint32_t>(std::countr_zero(found));
      const Ioasid id = descend(level, position);
      if (id != kInvalidIoasid) return id;
      level = min == 0 ? kTop : 0;
      position = min;
      continue;
    }
    if (level == kTop) return kInvalidIoasid;
    position = index + 1;
    ++level;
  }
}

Ioasid FreeMap::take_first(Ioasid min, Ioasid max) noexcept {
  for (;;) {
    const Ioasid id = search(min);
    if (id > max) return take_exact(min, max);  // kInvalidIoasid is above every max
    if (take(id)) return id;
  }
}

Ioasid FreeMap::take_exact(Ioasid min, Ioasid max) noexcept {
  if (min > max) return kInvalidIoasid;
  std::uint64_t before = 0;
  for (bool again = false;; again = true) {
    std::uint64_t releases = 0;  // the counts only grow: equal sums are equal counts
    for (std::uint32_t i = min / kLeafIds; i <= max / kLeafIds; ++i) {
      race_window();
      const std::uint64_t seen = leaf(i).load();
      releases += seen / kOneRelease;
      std::uint64_t found = ~seen & kLeafFull;
      if (i == min / kLeafIds) found &= kLeafFull << (min % kLeafIds);
      if (i == max / kLeafIds) found &= kLeafFull >> (kLeafIds - 1 - max % kLeafIds);
      for (; found != 0; found &= found - 1) {
        const Ioasid id = i * kLeafIds + static_cast<std::uint32_t>(std::countr_zero(found));
        if (take(id)) return id;
      }
    }
    if (again && releases == before) return kInvalidIoasid;
    before = releases;
  }
}

Ioasid FreeMap::next_taken(Ioasid from) const noexcept {
  for (; from < ids_; from = (from / kLeafIds + 1) * kLeafIds) {
    const std::uint64_t found =
        leaf(from / kLeafIds).load() & kLeafFull << (from % kLeafIds) & kLeafFull;
    if (found == 0) continue;
    const Ioasid id =
        from / kLeafIds * kLeafIds + static_cast<std::uint32_t>(std::countr_zero(found));
    return id < ids_ ? id : kInvalidIoasid;
  }
  return kInvalidIoasid;
}

bool FreeMap::hints_lose_nothing() const noexcept {
  for (unsigned level = 0; level < kTop; ++level) {
    const std::uint32_t leaves = (ids_ + kLeafIds - 1) / kLeafIds;
    const std::uint32_t used = ((leaves - 1) >> (6 * level)) + 1;  // words that hold ids
    for (std::uint32_t index = 0; index < used; ++index) {
      const bool says_full = (word(level + 1, index / 64).load() & bit(index)) != 0;
      if (says_full && holes(level, index) != 0) return false;
    }
  }
  return true;
}

}  // namespace iommucheck::ioasid::impl
