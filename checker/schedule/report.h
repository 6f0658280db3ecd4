// SPDX-License-Identifier: MIT
// Report: something that must not happen, and did in one execution.
#ifndef IOMMUCHECK_CHECKER_SCHEDULE_REPORT_H
#define IOMMUCHECK_CHECKER_SCHEDULE_REPORT_H

#include <cstdint>
#include <string>
#include <vector>

#include "checker/schedule/heap.h"

namespace iommucheck::schedule {

enum class Severity : std::uint8_t {
  goes_on,      ///< the thread continues
  ends_thread,  ///< it does not: what it would do next means nothing
};

struct Report {
  /// A word or two: "use-after-free", "double free", "out-of-bounds", "invalid free", "data race",
  /// "deadlock", "lost wake-up", "lock-order inversion", "lock taken in an interrupt",
  /// "recursive lock", "unbalanced unlock", "lock held on return", "sleep in atomic context", "RCU
  /// misuse", "leak", "endless loop", "uninitialised read", "wild pointer", "NULL dereference",
  /// "out of memory", "too many threads", and what the program under test reports by itself (WARN,
  /// BUG, ...).
  std::string kind;
  std::string message;  ///< a sentence
  ThreadId thread = 0;
  Stack here;            ///< where it was noticed
  Stack other;           ///< the other access, the other lock, ...
  Stack allocated;       ///< of the object
  Stack freed;           ///< of the object
  std::string schedule;  ///< the execution that shows it: see schedule_text.h
  /// Of a lock-order inversion: executions to be repeated before, which take the locks in the other
  /// order.  None if the same execution does.
  std::vector<std::string> others;
  std::uint64_t execution = 0;  ///< its number, from 1
  std::uint64_t search = 0;     ///< of the search: each restart begins a new one
};

}  // namespace iommucheck::schedule

#endif  // IOMMUCHECK_CHECKER_SCHEDULE_REPORT_H
