// SPDX-License-Identifier: MIT
// LockOrder: which locks have been taken while others were held, over all executions.
#ifndef IOMMUCHECK_CHECKER_SCHEDULE_LOCK_ORDER_H
#define IOMMUCHECK_CHECKER_SCHEDULE_LOCK_ORDER_H

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "checker/schedule/heap.h"

namespace iommucheck::schedule {

/// A lock as executions have it in common.  An address of the heap may be a different object's in
/// each: what allocated it belongs to the name.
struct LockName {
  std::uintptr_t address = 0;
  std::uint64_t allocated = 0;  ///< a hash of the calls
  auto operator<=>(const LockName&) const = default;
};

/// The kind of its reports.
inline constexpr std::string_view kLockOrderInversion = "lock-order inversion";

class LockOrder {
 public:
  struct Edge {
    LockName held, taken;
    Stack held_at, taken_at;
    std::string schedule;         ///< of the first execution that shows it
    std::uint64_t execution = 0;  ///< the last one
  };

  /// Whether it is known that `taken` was asked for by who held `held`; notes that `execution`
  /// shows it, too.
  bool knows(const LockName& held, const LockName& taken, std::uint64_t execution);
  /// Notes a new one.  If that closes a cycle of locks, the edges that lead back, from the lock
  /// taken to the lock held.
  std::vector<Edge> add(Edge edge);

  void clear() { edges_.clear(); }

 private:
  std::map<std::pair<LockName, LockName>, Edge> edges_;
};

}  // namespace iommucheck::schedule

#endif  // IOMMUCHECK_CHECKER_SCHEDULE_LOCK_ORDER_H
