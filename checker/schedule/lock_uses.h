// SPDX-License-Identifier: MIT
// LockUses: which locks have been taken in interrupts, and which while interrupts could come, over
// all executions.  A lock that is both deadlocks: the interrupt may come on the CPU that holds it.
#ifndef IOMMUCHECK_CHECKER_SCHEDULE_LOCK_USES_H
#define IOMMUCHECK_CHECKER_SCHEDULE_LOCK_USES_H

#include <array>
#include <map>
#include <optional>
#include <string>

#include "checker/schedule/lock_order.h"

namespace iommucheck::schedule {

class LockUses {
 public:
  static constexpr unsigned kInterrupts = 2;  ///< kinds of them, a bit each
  struct Use {
    Stack at;
    std::string schedule;         ///< of the first execution that shows it
    std::uint64_t execution = 0;  ///< the last one
  };
  /// Of one kind of interrupt.
  struct Uses {
    std::optional<Use> inside;  ///< taken in one
    std::optional<Use> open;    ///< taken or held where one may come
  };

  Uses& of(const LockName& lock, unsigned kind) { return uses_[lock].at(kind); }
  void clear() { uses_.clear(); }

 private:
  std::map<LockName, std::array<Uses, kInterrupts>> uses_;
};

}  // namespace iommucheck::schedule

#endif  // IOMMUCHECK_CHECKER_SCHEDULE_LOCK_USES_H
