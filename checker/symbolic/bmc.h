// SPDX-License-Identifier: MIT
// Bounded model checking: the shortest path to a violation, found by the solver.
#ifndef IOMMUCHECK_CHECKER_SYMBOLIC_BMC_H
#define IOMMUCHECK_CHECKER_SYMBOLIC_BMC_H

#include "checker/relation/relation.h"
#include "checker/report.h"

namespace iommucheck::checker {

struct BoundedOptions {
  unsigned depth = 10;       ///< the longest path to look at, in steps
  double query_seconds = 0;  ///< a limit for each query; 0: none
  /// Only this one; else any that the machine checks.  Where a state breaks others, too, replays()
  /// needs a machine that checks this one only (Machine::check_only).
  std::optional<PropertyId> property;
};

struct [[nodiscard]] BoundedCheck {
  /// holds: no violation within options.depth steps.  unknown: a query ran out of time.
  Verdict verdict = Verdict::unknown;
  std::string reason;  ///< of unknown
  /// Every path of this many steps has been looked at; nothing if not even the initial states were.
  std::optional<unsigned> depth;
  std::uint64_t queries = 0;
  double seconds = 0;
  std::optional<Path>
      path;  ///< of violated: a shortest one.  Its texts live as long as the relation
};

/// Looks for broken invariants and for steps that fail.  Deadlocks are left to the explicit engine:
/// "no step is enabled" says "for every choice", which is another kind of question.
BoundedCheck bounded_check(const Relation& relation, const BoundedOptions& options = {});

}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_CHECKER_SYMBOLIC_BMC_H
