// SPDX-License-Identifier: MIT
// Which ids are taken: a hierarchical bitmap, 32 ids per leaf and 64-ary above, 4 levels for 2^20.
//
// Thread-safe and lock-free.
//
// A leaf word holds 32 "taken" bits (low half) and the number of releases it has seen (high half).
// A bit of an upper word says that the child word below is full.  Zero memory is an empty map.
// Only the leaves decide: an id is taken by the one compare-and-swap that sets its bit.  The upper
// levels are hints for the search, and this is how they stay right under concurrency:
//
//   close (a word C was seen full):   set its bit P in the parent; then read C again; if C is not
//                                     full any more, clear P again, there and further up.
//   open (a word C has just got a     for each level above: read P; where it is set, clear it.
//   hole):
//
// Nothing is lost: suppose all is quiet, C has a hole and P says full.  The last write of P was a
// close whose second look saw C full, so the last hole in C appeared after that look; whoever made
// it then read P, found it set (nobody wrote P later) and cleared it: a contradiction.  The
// argument reads "after" in one total order of these operations, hence they are all seq_cst.  Note
// that open must test P always, not only if C was full before: else the second of two releases
// could return while the first, which saw C full, has not cleared P yet.
// The other way round, a P that says "hole" over a full word only costs time; the search that
// meets it closes it.
//
// "None is free" needs more than the hints, as a close may hide a hole for a moment, and more than
// one pass over the leaves, as a hole may move behind our back: it is answered when two passes saw
// no hole and the same numbers of releases; then at the end of the first pass there was none.
#ifndef IOMMUCHECK_IMPL_IOASID_FREE_MAP_H
#define IOMMUCHECK_IMPL_IOASID_FREE_MAP_H

#include <array>
#include <atomic>
#include <cstdint>

#include "impl/ioasid/types.h"
#include "impl/ioasid/zeroed.h"

namespace iommucheck::ioasid::impl {

class FreeMap {
 public:
  /// ids: 1 .. kMaxIoasids.
  explicit FreeMap(std::uint32_t ids);

  /// Takes a free id of [min, max] (the lowest, when nobody else is at work) or answers
  /// kInvalidIoasid: there was an instant at which none was free.  max < ids.
  Ioasid take_first(Ioasid min, Ioasid max) noexcept;
  /// Takes this id, or answers false: it is taken.
  bool take(Ioasid id) noexcept;
  /// Gives back an id that the caller took.
  void release(Ioasid id) noexcept;

  bool taken(Ioasid id) const noexcept {
    return (leaf(id / kLeafIds).load() >> (id % kLeafIds) & 1U) != 0;
  }
  /// The first taken id >= from, or kInvalidIoasid.  No snapshot of the whole.
  Ioasid next_taken(Ioasid from) const noexcept;

  /// True when no hint hides a hole.  For tests, while nobody else is at work.
  bool hints_lose_nothing() const noexcept;

 private:
  static constexpr std::uint32_t kLeafIds = 32;
  static constexpr std::uint64_t kLeafFull = 0xffffffff;
  static constexpr std::uint64_t kOneRelease = std::uint64_t{1} << 32U;
  static constexpr unsigned kTop = 3;
  static constexpr std::array<std::uint32_t, kTop + 1> kWords{
      kMaxIoasids / 32, kMaxIoasids / 32 / 64, kMaxIoasids / 32 / 64 / 64, 1};
  static constexpr std::array<std::uint32_t, kTop + 1> kFirst{0, kWords[0], kWords[0] + kWords[1],
                                                              kWords[0] + kWords[1] + kWords[2]};

  static constexpr std::uint32_t width(unsigned level) { return level == 0 ? kLeafIds : 64; }

  using Word = std::atomic_ref<std::uint64_t>;
  Word word(unsigned level, std::uint32_t index) const noexcept {
    return Word{words_[kFirst[level] + index]};
  }
  Word leaf(std::uint32_t index) const noexcept { return Word{words_[index]}; }
  /// The children of a word that may be free, one bit each.
  std::uint64_t holes(unsigned level, std::uint32_t index) const noexcept {
    const std::uint64_t bits = ~word(level, index).load();
    return level == 0 ? bits & kLeafFull : bits;
  }

  void close(unsigned level, std::uint32_t index) noexcept;
  void open(unsigned level, std::uint32_t index) noexcept;
  /// From a hole that a hint shows down to an id; kInvalidIoasid: a hint on the way was stale.
  Ioasid descend(unsigned level, std::uint32_t position) noexcept;
  /// The first id >= min that the hints show as free, or kInvalidIoasid.
  Ioasid search(Ioasid min) noexcept;
  /// What the hints cannot answer: a free id of [min, max], or there was none at one instant.
  Ioasid take_exact(Ioasid min, Ioasid max) noexcept;

  std::uint32_t ids_;
  ZeroedArray<std::uint64_t> words_;
};

}  // namespace iommucheck::ioasid::impl

#endif  // IOMMUCHECK_IMPL_IOASID_FREE_MAP_H
