// SPDX-License-Identifier: MIT
// VisitedSet: which keys have been met; a lock-free table of 8 bytes per key.
//
// A key's home bucket is where its hash lies between 0 and 2^64: so the upper bits of the hash are
// known from the place, and a slot keeps only the lower ones, the extra bits, and how many buckets
// it lies behind its home (1 + 0 .. 126; 0 is a free slot).  Nothing is lost: set() of two
// different keys are two slots.  A bucket is a cache line of eight slots, filled from the first one
// on; slots never change once they are taken.
//
// Order by hash makes growing a walk through memory, from the end to the beginning: the table grows
// where it is, by a quarter or less, so that memory follows the keys closely and is never needed
// twice.  It is in segments, for threads to share that work.
//
// insert(), prefetch(), find() and each() may be called by many threads at once, the latter two
// while nobody inserts; grow() and clear() by one, while the others rest.
#ifndef IOMMUCHECK_CHECKER_EXPLICIT_VISITED_SET_H
#define IOMMUCHECK_CHECKER_EXPLICIT_VISITED_SET_H

#include <algorithm>
#include <atomic>
#include <functional>
#include <optional>
#include <vector>

#include "checker/explicit/keys.h"
#include "checker/explicit/pages.h"
#include "checker/explicit/team.h"

namespace iommucheck::checker::explicit_state {

enum class Insertion : std::uint8_t { known, added, no_room };

class VisitedSet {
  static constexpr unsigned kSegmentBits = 4;
  static constexpr std::uint64_t kSegments = std::uint64_t{1} << kSegmentBits;
  static constexpr unsigned kBucket = 8;
  static constexpr unsigned kPayloadBits = 57;
  static constexpr std::uint64_t kStep = std::uint64_t{1} << kPayloadBits;
  static constexpr std::uint64_t kFarthest = 126;  ///< buckets from home

 public:
  /// A key on its way into the set: good until the set grows.
  struct Probe {
    std::uint64_t* home = nullptr;
    std::uint64_t slot = 0;  ///< what a slot of the home bucket looks like that has the key
  };

  /// `alone`: one thread only calls insert().  The set never takes more than `most_bytes`, or what
  /// it begins with.  Throws std::bad_alloc.
  VisitedSet(unsigned extra_bits, std::uint64_t slots, std::uint64_t most_bytes, bool alone);

  unsigned extra_bits() const { return extra_bits_; }
  std::uint64_t slots() const { return shape_.slots(); }
  std::uint64_t bytes() const { return shape_.bytes(); }
  /// Keys that it takes before it should grow, and before it has to.
  std::uint64_t usual_load() const { return slots() / 32 * 27; }
  std::uint64_t highest_load() const { return slots() / 32 * 29; }

  Probe probe(Key key) const {
    std::uint64_t* const segment = segments_[key.hash >> (64 - kSegmentBits)].slots;
    return {segment + shape_.home(key.hash << kSegmentBits) * kBucket,
            kStep | key.extra << (kPayloadBits - extra_bits_) | (key.hash & low_mask_)};
  }
  static void prefetch(const Probe& probe) { __builtin_prefetch(probe.home, 1); }
  /// Adds the key unless it is there.
  Insertion insert(Probe probe) const {
    std::uint64_t* bucket = probe.home;
    std::uint64_t wanted = probe.slot;
    for (;;) {
      for (unsigned i = 0; i < kBucket; ++i) {
        // Relaxed: a slot is all there is to know of a key.
        std::atomic_ref slot(bucket[i]);
        std::uint64_t there = slot.load(std::memory_order_relaxed);
        if (there == wanted) return Insertion::known;
        if (there != 0) continue;
        if (alone_) {
          slot.store(wanted, std::memory_order_relaxed);
          return Insertion::added;
        }
        if (slot.compare_exchange_strong(there, wanted, std::memory_order_relaxed)) {
          return Insertion::added;
        }
        // Another worker was faster; perhaps with the same key.
        if (there == wanted) return Insertion::known;
      }
      bucket += kBucket;
      wanted += kStep;
      if (wanted < kStep) return Insertion::no_room;  // the distance does not fit any more
    }
  }

  /// The number of the slot that has the key, if one has: below slot_numbers().
  std::optional<std::uint64_t> find(Key key) const {
    const Probe at = probe(key);
    std::uint64_t wanted = at.slot;
    for (const std::uint64_t* bucket = at.home; wanted >= kStep;
         bucket += kBucket, wanted += kStep) {
      const bool here = has(bucket, wanted);
      if (!here && bucket[kBucket - 1] == 0) break;
      if (!here) continue;
      const std::uint64_t segment = key.hash >> (64 - kSegmentBits);
      const std::uint64_t* const slot = std::find(bucket, bucket + kBucket, wanted);
      return segment * segment_slots() +
             static_cast<std::uint64_t>(slot - segments_[segment].slots);
    }
    return std::nullopt;
  }
  std::uint64_t slot_numbers() const { return segment_slots() * kSegments; }

  /// Keys belong to kGroups groups, by the upper bits of their hashes.
  static constexpr unsigned kGroupBits = 8;
  static constexpr unsigned kGroups = 1U << kGroupBits;
  /// Calls visit(key, number of its slot) for each key of the group.
  void each(unsigned group, const std::function<void(Key, std::uint64_t)>& visit) const;
  /// Forgets all keys; the set keeps its size.
  void clear(Team& team);

  /// Makes room for at least `keys` keys.  False, and nothing has changed, where that takes more
  /// than `most_bytes`.
  bool grow(std::uint64_t keys, std::uint64_t most_bytes, Team& team);

 private:
  struct Segment {
    std::uint64_t* slots = nullptr;
    Pages reserved;  ///< addresses; memory comes when it is touched
  };
  /// How many homes a segment has: 4 to 7 in each of 2^cell_bits cells; kFarthest buckets more lie
  /// behind them.
  struct Shape {
    unsigned cell_bits = 1;
    std::uint64_t homes_per_cell = 4;

    std::uint64_t homes() const { return homes_per_cell << cell_bits; }
    std::uint64_t slots() const { return homes() * kBucket * kSegments; }
    std::uint64_t bytes() const {
      return (homes() + kFarthest) * kBucket * sizeof(std::uint64_t) * kSegments;
    }
    /// Of a hash within its segment, shifted up.
    std::uint64_t home(std::uint64_t hash) const {
      const std::uint64_t place = hash << cell_bits >> 32;
      return (hash >> (64 - cell_bits)) * homes_per_cell + (place * homes_per_cell >> 32);
    }
    Shape larger() const;
  };
  class Hashes;
  class Growing;

  /// Without a branch: where in a bucket a key lies cannot be foreseen.
  static bool has(const std::uint64_t* b, std::uint64_t wanted) {
    static_assert(kBucket == 8);
    const std::uint64_t first = std::uint64_t{b[0] == wanted} | std::uint64_t{b[1] == wanted} |
                                std::uint64_t{b[2] == wanted} | std::uint64_t{b[3] == wanted};
    const std::uint64_t last = std::uint64_t{b[4] == wanted} | std::uint64_t{b[5] == wanted} |
                               std::uint64_t{b[6] == wanted} | std::uint64_t{b[7] == wanted};
    return (first | last) != 0;
  }
  std::uint64_t segment_slots() const { return (shape_.homes() + kFarthest) * kBucket; }
  unsigned extra_bits_;
  bool alone_;
  std::uint64_t low_mask_;
  std::vector<Segment> segments_;
  Shape shape_;
  std::uint64_t reserved_bytes_ = 0;
};

}  // namespace iommucheck::checker::explicit_state

#endif  // IOMMUCHECK_CHECKER_EXPLICIT_VISITED_SET_H
