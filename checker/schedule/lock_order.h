// SPDX-License-Identifier: MIT
// LockOrder: which locks have been taken while others were held, over all executions.
#ifndef IOMMUCHECK_CHECKER_SCHEDULE_LOCK_ORDER_H
#define IOMMUCHECK_CHECKER_SCHEDULE_LOCK_ORDER_H

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "checker/schedule/heap.h"

namespace iommucheck::schedule {

class LockOrder {
 public:
  struct Edge {
    std::uintptr_t held = 0, taken = 0;
    Stack held_at, taken_at;
  };

  /// Notes that `taken` was asked for by somebody who held `held`.  If that closes a cycle of
  /// locks, the edge that led the other way (out of `taken`); each pair is told once.
  std::optional<Edge> add(const Edge& edge);

  void clear() { edges_.clear(); }

 private:
  std::map<std::pair<std::uintptr_t, std::uintptr_t>, Edge> edges_;
};

}  // namespace iommucheck::schedule

#endif  // IOMMUCHECK_CHECKER_SCHEDULE_LOCK_ORDER_H
