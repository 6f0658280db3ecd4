// SPDX-License-Identifier: MIT
// Growing: every slot's hash is put together again from its place and its bits.
#include "checker/explicit/visited_set.h"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace iommucheck::checker::explicit_state {

VisitedSet::Shape VisitedSet::Shape::larger() const {
  // Small tables double, middle ones grow by a half or a third: there is less to save.
  constexpr std::uint64_t kSmall = std::uint64_t{1} << 24, kMiddle = std::uint64_t{1} << 27;
  if (slots() < kSmall) return {cell_bits + 1, homes_per_cell};
  const std::uint64_t more = homes_per_cell + (slots() < kMiddle ? 2 : 1);
  return more < 8 ? Shape{cell_bits, more} : Shape{cell_bits + 1, 4};
}

VisitedSet::VisitedSet(unsigned extra_bits, std::uint64_t slots, std::uint64_t most_bytes,
                       bool alone)
    : extra_bits_(extra_bits),
      alone_(alone),
      low_mask_((std::uint64_t{1} << (kPayloadBits - extra_bits)) - 1),
      segments_(kSegments) {
  // The hashes that share a home, at most twice a fair share of its segment's, must not be more
  // than the lower bits can tell apart.
  const std::uint64_t fewest = std::uint64_t{2} << (64 - kSegmentBits - kPayloadBits + extra_bits);
  while (shape_.homes() < fewest || shape_.slots() < slots) ++shape_.cell_bits;
  reserved_bytes_ = std::max(shape_.bytes(), most_bytes);
  for (Segment& segment : segments_) {
    segment.reserved = Pages(reserved_bytes_ / kSegments);
    segment.slots = segment.reserved.as<std::uint64_t>();
  }
}

/// The hashes of one segment's keys, from their places and their lower bits.
class VisitedSet::Hashes {
 public:
  Hashes(const VisitedSet& set, std::uint64_t segment)
      : low_mask_(set.low_mask_),
        number_(segment),
        from_(set.shape_),
        cell_of_(~std::uint64_t{0} / from_.homes_per_cell + 1) {
    for (std::uint64_t j = 0; j < from_.homes_per_cell; ++j)
      lowest_[j] = ((j << 32) + from_.homes_per_cell - 1) / from_.homes_per_cell << 32;
  }

  /// The hash of which `low` are the lower bits and `home` is the bucket.
  std::uint64_t at(std::uint64_t home, std::uint64_t low) const {
    __extension__ using Wide = unsigned __int128;
    const auto cell = static_cast<std::uint64_t>(static_cast<Wide>(home) * cell_of_ >> 64);
    const std::uint64_t in_cell = home - cell * from_.homes_per_cell;
    // The lowest hash with that home, in its segment and shifted up; then as it is, rounded up.
    const std::uint64_t lowest =
        (cell << (64 - from_.cell_bits)) + (lowest_[in_cell] >> from_.cell_bits);
    constexpr std::uint64_t kLost = (std::uint64_t{1} << kSegmentBits) - 1;
    const std::uint64_t first = (number_ << (64 - kSegmentBits)) + (lowest >> kSegmentBits) +
                                ((lowest & kLost) != 0 ? 1 : 0);
    const std::uint64_t hash = (first & ~low_mask_) | low;
    return hash < first ? hash + low_mask_ + 1 : hash;
  }

 private:
  std::uint64_t low_mask_, number_;
  Shape from_;
  std::uint64_t cell_of_;                  ///< a home times this, over 2^64, is its cell
  std::array<std::uint64_t, 8> lowest_{};  ///< of each home in a cell: where it begins
};

/// The slots of one segment, from the last one to the first, on their way to places further behind.
class VisitedSet::Growing {
 public:
  Growing(const VisitedSet& set, std::uint64_t number, const Shape& to)
      : slots_(set.segments_[number].slots),
        low_mask_(set.low_mask_),
        from_(set.shape_),
        to_(to),
        hashes_(set, number),
        filled_(to.homes() + kFarthest) {}

  /// False if some place was too full.
  bool run() {
    // Far enough from the beginning, a slot's new home is never before the bucket it is in, even
    // if that is kFarthest buckets from its old one: one more home in 7 makes up for it.  The
    // others step aside first.
    const std::uint64_t end = from_.homes() + kFarthest;
    const std::uint64_t safe = std::min(end, std::uint64_t{10} * (kFarthest + 1));
    const std::vector<std::uint64_t> aside(slots_, slots_ + safe * kBucket);
    std::fill_n(slots_, safe * kBucket, 0);
    for (std::uint64_t b = end; b-- > safe;) {
      std::array<std::uint64_t, kBucket> bucket;
      std::uint64_t* const there = slots_ + b * kBucket;
      std::copy_n(there, kBucket, bucket.begin());
      std::fill_n(there, kBucket, 0);
      move(bucket.data(), b);
    }
    for (std::uint64_t b = safe; b-- > 0;) move(aside.data() + b * kBucket, b);
    return !full_;
  }

 private:
  void move(const std::uint64_t* bucket, std::uint64_t b) {
    for (unsigned i = 0; i < kBucket && bucket[i] != 0; ++i) {
      const std::uint64_t slot = bucket[i];
      const std::uint64_t home = b - ((slot >> kPayloadBits) - 1);
      put(to_.home(hashes_.at(home, slot & low_mask_) << kSegmentBits), slot & (kStep - 1));
    }
  }
  void put(std::uint64_t bucket, std::uint64_t bits) {
    std::uint64_t slot = kStep | bits;
    while (filled_[bucket] == kBucket) {
      ++bucket;
      slot += kStep;
      if (slot < kStep) {
        full_ = true;
        return;
      }
    }
    slots_[bucket * kBucket + filled_[bucket]++] = slot;
  }
  std::uint64_t* slots_;
  std::uint64_t low_mask_;
  Shape from_, to_;
  Hashes hashes_;
  std::vector<std::uint8_t> filled_;  ///< slots of each new bucket
  bool full_ = false;
};

void VisitedSet::each(unsigned group, const std::function<void(Key, std::uint64_t)>& visit) const {
  constexpr unsigned kWithin = kGroupBits - kSegmentBits;
  const std::uint64_t segment = group >> kWithin;
  const Hashes hashes(*this, segment);
  const std::uint64_t first_hash = std::uint64_t{group} << (64 - kGroupBits);
  const std::uint64_t last_hash = first_hash | (~std::uint64_t{0} >> kGroupBits);
  const std::uint64_t first = shape_.home(first_hash << kSegmentBits);
  const std::uint64_t last = shape_.home(last_hash << kSegmentBits);
  const std::uint64_t extra_mask = (std::uint64_t{1} << extra_bits_) - 1;
  for (std::uint64_t b = first; b <= last + kFarthest; ++b) {
    const std::uint64_t* const bucket = segments_[segment].slots + b * kBucket;
    for (unsigned i = 0; i < kBucket && bucket[i] != 0; ++i) {
      const std::uint64_t home = b - ((bucket[i] >> kPayloadBits) - 1);
      if (home < first || home > last) continue;
      const std::uint64_t hash = hashes.at(home, bucket[i] & low_mask_);
      // Groups may meet within a home.
      if (hash < first_hash || hash > last_hash) continue;
      visit({hash, bucket[i] >> (kPayloadBits - extra_bits_) & extra_mask},
            segment * segment_slots() + b * kBucket + i);
    }
  }
}

void VisitedSet::clear(Team& team) {
  std::atomic<std::uint64_t> next = 0;
  team.run([&](unsigned) {
    for (std::uint64_t s; (s = next.fetch_add(1)) < kSegments;)
      std::fill_n(segments_[s].slots, segment_slots(), 0);
  });
}

bool VisitedSet::grow(std::uint64_t keys, std::uint64_t most_bytes, Team& team) {
  // Asked to grow without need, there was an unlucky place that was full.
  Shape to = shape_.larger();
  while (to.slots() / 32 * 27 < keys) to = to.larger();
  if (to.bytes() > std::min(most_bytes, reserved_bytes_)) return false;
  std::atomic<std::uint64_t> next = 0;
  std::atomic<bool> lost = false;
  team.run([&](unsigned) {
    for (std::uint64_t s; (s = next.fetch_add(1)) < kSegments;) {
      if (!Growing(*this, s, to).run()) lost = true;
    }
  });
  if (lost) {
    throw std::logic_error(
        "internal error: a bucket of the visited set overflows while it grows: report this");
  }
  shape_ = to;
  return true;
}

}  // namespace iommucheck::checker::explicit_state
