// SPDX-License-Identifier: MIT
// Quota: how many more states the visited set has room for, given out to workers in shares.
//
// take() may be called by many threads at once; reset() while they rest.  A worker that holds a
// share inserts without asking: the set can never fill up behind its back.
#ifndef IOMMUCHECK_CHECKER_EXPLICIT_QUOTA_H
#define IOMMUCHECK_CHECKER_EXPLICIT_QUOTA_H

#include <atomic>
#include <cstdint>

namespace iommucheck::checker::explicit_state {

class Quota {
 public:
  /// A share is usually this large: seldom enough that workers do not wait for one another.
  static constexpr std::uint64_t kShare = 256;

  /// `used` of `budget` are taken, and no worker holds a share.
  void reset(std::uint64_t used, std::uint64_t budget) {
    given_.store(used, std::memory_order_relaxed);
    budget_ = budget;
  }
  bool take(std::uint64_t share) {
    const std::uint64_t before = given_.fetch_add(share, std::memory_order_relaxed);
    if (before + share <= budget_) return true;
    given_.fetch_sub(share, std::memory_order_relaxed);
    return false;
  }

 private:
  alignas(64) std::atomic<std::uint64_t> given_ = 0;
  std::uint64_t budget_ = 0;
};

}  // namespace iommucheck::checker::explicit_state

#endif  // IOMMUCHECK_CHECKER_EXPLICIT_QUOTA_H
