// SPDX-License-Identifier: MIT
// Recent: keys that one worker has met lately, small enough to stay in its CPU's cache.
//
// Steps of different processes commute more often than not, so most successors that are known have
// been met a moment ago, as successors of a sibling: those never get to the visited set's memory.
#ifndef IOMMUCHECK_CHECKER_EXPLICIT_RECENT_H
#define IOMMUCHECK_CHECKER_EXPLICIT_RECENT_H

#include "checker/explicit/keys.h"
#include "checker/explicit/pages.h"

namespace iommucheck::checker::explicit_state {

class Recent {
 public:
  /// Whether the key is here; it is from now on.
  bool meet(Key key) {
    std::uint64_t& entry = entries_[key.hash & (kEntries - 1)];
    // The place knows the lower bits of the hash: with the rest and the extra bits nothing is lost.
    // An entry is never 0, as bit 63 is set.
    const std::uint64_t wanted =
        std::uint64_t{1} << 63 | key.extra << (64 - kBits) | key.hash >> kBits;
    if (entry == wanted) return true;
    entry = wanted;
    return false;
  }

 private:
  static constexpr unsigned kBits = 15;
  static constexpr std::uint64_t kEntries = std::uint64_t{1} << kBits;
  static_assert(kMostExtraBits < kBits, "an entry has bit 63, the extra bits, 64 - kBits of hash");

  Pages pages_{kEntries * sizeof(std::uint64_t)};
  std::uint64_t* entries_ = pages_.as<std::uint64_t>();
};

}  // namespace iommucheck::checker::explicit_state

#endif  // IOMMUCHECK_CHECKER_EXPLICIT_RECENT_H
