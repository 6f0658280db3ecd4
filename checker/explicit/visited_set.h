// SPDX-License-Identifier: MIT
// VisitedSet: which keys have been met; a lock-free table of 8 bytes per key.
//
// A key's home bucket is where its hash lies between 0 and 2^64: so the upper bits of the hash are
// known from the place, and a slot keeps only the lower ones, the extra bits, and how many buckets
// it lies behind its home (1 + 0 .. 14; 0 is a free slot).  Nothing is lost: set() of two different
// keys are two slots.  A bucket is a cache line of eight slots, filled from the first one on; slots
// never change once they are taken.
//
// The table is in segments that grow one after the other, by a quarter: memory follows the keys
// closely, and is never needed twice.  Order by hash makes growing a walk through memory.
//
// insert() and prefetch may be called by many threads at once; grow() by one, while they rest.
#ifndef IOMMUCHECK_CHECKER_EXPLICIT_VISITED_SET_H
#define IOMMUCHECK_CHECKER_EXPLICIT_VISITED_SET_H

#include <atomic>
#include <vector>

#include "checker/explicit/keys.h"
#include "checker/explicit/pages.h"
#include "checker/explicit/team.h"

namespace iommucheck::checker::explicit_state {

enum class Insertion : std::uint8_t { known, added, no_room };

class VisitedSet {
 public:
  /// A key on its way into the set: good until the set grows.
  struct Probe {
    std::uint64_t* home = nullptr;
    std::uint64_t slot = 0;  ///< what a slot of the home bucket looks like that has the key
  };

  /// `alone`: one thread only calls insert().
  VisitedSet(unsigned extra_bits, std::uint64_t slots, bool alone);

  std::uint64_t slots() const { return slots_; }
  std::uint64_t bytes() const { return bytes_; }
  /// Keys that it takes before it should grow, and before it has to.
  std::uint64_t usual_load() const { return slots_ / 32 * 27; }
  std::uint64_t highest_load() const { return slots_ / 32 * 29; }

  Probe probe(Key key) const {
    const Segment& segment = segments_[key.hash >> (64 - kSegmentBits)];
    const std::uint64_t bucket = high(key.hash << kSegmentBits, segment.buckets);
    return {segment.slots + bucket * kBucket,
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

  /// Makes room for at least `keys` keys; the bytes that takes beside what there is are at most
  /// those of two segments.  Throws std::bad_alloc, and the set is as before or partly larger.
  void grow(std::uint64_t keys, Team& team);
  /// The bytes that it will have for so many keys.
  std::uint64_t bytes_for(std::uint64_t keys) const;

 private:
  static constexpr unsigned kSegmentBits = 6;
  static constexpr std::uint64_t kSegments = std::uint64_t{1} << kSegmentBits;
  static constexpr unsigned kBucket = 8;
  static constexpr unsigned kPayloadBits = 60;
  static constexpr std::uint64_t kStep = std::uint64_t{1} << kPayloadBits;
  static constexpr std::uint64_t kFarthest = 14;  ///< buckets from home

  struct Segment {
    std::uint64_t* slots = nullptr;
    std::uint64_t buckets = 0;  ///< homes; kFarthest more lie behind them
    Pages pages;
  };

  static std::uint64_t high(std::uint64_t a, std::uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::uint64_t>(static_cast<Wide>(a) * b >> 64);
  }
  static Segment make_segment(std::uint64_t buckets);
  std::uint64_t buckets_for(std::uint64_t keys) const;
  /// The hash of which `low` are the lower bits and `home` is the bucket.
  std::uint64_t hash_at(std::uint64_t number, const Segment& segment, std::uint64_t home,
                        std::uint64_t low) const;
  bool move(std::uint64_t number, const Segment& from, const Segment& to) const;
  void count();

  unsigned extra_bits_;
  bool alone_;
  std::uint64_t low_mask_;
  std::vector<Segment> segments_;
  std::uint64_t slots_ = 0, bytes_ = 0;
};

}  // namespace iommucheck::checker::explicit_state

#endif  // IOMMUCHECK_CHECKER_EXPLICIT_VISITED_SET_H
