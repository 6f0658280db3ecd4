// SPDX-License-Identifier: MIT
// Growing: every slot's hash is put together again from its place and its bits.
#include "checker/explicit/visited_set.h"

#include <algorithm>
#include <bit>
#include <new>

namespace iommucheck::checker::explicit_state {

VisitedSet::VisitedSet(unsigned extra_bits, std::uint64_t slots, bool alone)
    : extra_bits_(extra_bits),
      alone_(alone),
      low_mask_((std::uint64_t{1} << (kPayloadBits - extra_bits)) - 1),
      segments_(kSegments) {
  // A bucket's share of the 2^64 hashes must not be more than the lower bits can tell apart:
  // kSegments * buckets * 2^(60 - extra_bits) >= 2^64.
  const std::uint64_t fewest = std::uint64_t{1} << (64 - kPayloadBits + extra_bits);
  const std::uint64_t wanted = std::max(slots / kBucket, fewest);
  const std::uint64_t buckets = std::bit_ceil((wanted + kSegments - 1) / kSegments);
  for (Segment& segment : segments_) segment = make_segment(buckets);
  count();
}

VisitedSet::Segment VisitedSet::make_segment(std::uint64_t buckets) {
  Segment segment;
  segment.pages = Pages((buckets + kFarthest) * kBucket * sizeof(std::uint64_t));
  segment.slots = segment.pages.as<std::uint64_t>();
  segment.buckets = buckets;
  return segment;
}

std::uint64_t VisitedSet::buckets_for(std::uint64_t keys) const {
  std::uint64_t buckets = segments_[0].buckets;
  constexpr std::uint64_t kSmall = 1U << 11;  // 8 MiB in all
  while (buckets * kBucket * kSegments / 32 * 27 < keys)
    buckets = buckets < kSmall ? buckets * 4 : buckets + buckets / 4;
  return buckets;
}

std::uint64_t VisitedSet::bytes_for(std::uint64_t keys) const {
  // Two segments more, while one after the other (on two threads) is copied.
  return buckets_for(keys) * kBucket * sizeof(std::uint64_t) * (kSegments + 2);
}

void VisitedSet::grow(std::uint64_t keys, Team& team) {
  const std::uint64_t now = segments_[0].buckets;
  // Asked to grow without need, there was an unlucky place that was full.
  const std::uint64_t buckets = std::max(buckets_for(keys), now + now / 4 + 1);
  std::atomic<std::uint64_t> next = 0;
  std::atomic<bool> failed = false;
  team.run([&](unsigned) {
    try {
      for (std::uint64_t s; (s = next.fetch_add(1)) < kSegments;) {
        for (std::uint64_t n = buckets;; n += n / 8 + 1) {
          Segment larger = make_segment(n);
          if (!move(s, segments_[s], larger)) continue;
          segments_[s] = std::move(larger);
          break;
        }
      }
    } catch (const std::bad_alloc&) {
      failed = true;
    }
  });
  count();
  if (failed) throw std::bad_alloc();
}

std::uint64_t VisitedSet::hash_at(std::uint64_t number, const Segment& segment,
                                  std::uint64_t home, std::uint64_t low) const {
  __extension__ using Wide = unsigned __int128;
  // The lowest hash whose home this is, within the segment: ceil(home * 2^64 / buckets).
  const Wide lowest = ((static_cast<Wide>(home) << 64) + segment.buckets - 1) / segment.buckets;
  const std::uint64_t within = static_cast<std::uint64_t>(lowest);
  constexpr std::uint64_t kLostBits = (std::uint64_t{1} << kSegmentBits) - 1;
  // Hashes are shifted up by the segment's bits: round up to one that has none of them lost.
  const std::uint64_t first = (number << (64 - kSegmentBits)) +
                              (within >> kSegmentBits) + ((within & kLostBits) != 0 ? 1 : 0);
  std::uint64_t hash = (first & ~low_mask_) | low;
  if (hash < first) hash += low_mask_ + 1;
  return hash;
}

bool VisitedSet::move(std::uint64_t number, const Segment& from, const Segment& to) const {
  const std::uint64_t end = (from.buckets + kFarthest) * kBucket;
  for (std::uint64_t i = 0; i < end; ++i) {
    const std::uint64_t slot = from.slots[i];
    if (slot == 0) continue;
    const std::uint64_t home = i / kBucket - ((slot >> kPayloadBits) - 1);
    const std::uint64_t hash = hash_at(number, from, home, slot & low_mask_);
    const std::uint64_t bits = slot & (kStep - 1);
    std::uint64_t* bucket = to.slots + high(hash << kSegmentBits, to.buckets) * kBucket;
    std::uint64_t moved = kStep | bits;
    for (;;) {
      std::uint64_t* const free = std::find(bucket, bucket + kBucket, std::uint64_t{0});
      if (free != bucket + kBucket) {
        *free = moved;
        break;
      }
      bucket += kBucket;
      moved += kStep;
      if (moved < kStep) return false;
    }
  }
  return true;
}

void VisitedSet::count() {
  slots_ = bytes_ = 0;
  for (const Segment& segment : segments_) {
    slots_ += segment.buckets * kBucket;
    bytes_ += segment.pages.bytes();
  }
}

}  // namespace iommucheck::checker::explicit_state
