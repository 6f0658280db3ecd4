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

/// The kind of its reports.
inline constexpr std::string_view kLockInInterrupt = "lock taken in an interrupt";

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
  void clear() {
    uses_.clear();
    recent_ = {};
  }

  /// Whether the execution has shown this of the lock already; notes that it has.
  bool repeats(std::uintptr_t lock, unsigned inside, unsigned open, std::uint64_t execution) {
    Recent& recent = recent_.at((lock >> 3U) % recent_.size());
    if (recent.lock != lock || recent.execution != execution) recent = {lock, execution, 0, 0};
    if (((inside & ~recent.inside) | (open & ~recent.open)) == 0) return true;
    recent.inside |= inside;
    recent.open |= open;
    return false;
  }

 private:
  struct Recent {
    std::uintptr_t lock = 0;
    std::uint64_t execution = 0;
    unsigned inside = 0, open = 0;
  };
  std::array<Recent, 256> recent_{};
  std::map<LockName, std::array<Uses, kInterrupts>> uses_;
};

}  // namespace iommucheck::schedule

#endif  // IOMMUCHECK_CHECKER_SCHEDULE_LOCK_USES_H
