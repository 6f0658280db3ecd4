// SPDX-License-Identifier: MIT
// Minimisation: of a schedule that shows a report or a history, one that shows it with the fewest
// switches between threads, and among those the shortest.
#ifndef IOMMUCHECK_CHECKER_SCHEDULE_MINIMISE_H
#define IOMMUCHECK_CHECKER_SCHEDULE_MINIMISE_H

#include <functional>

#include "checker/schedule/engine.h"
#include "checker/schedule/schedule_text.h"

namespace iommucheck::schedule {

using Wanted = std::function<bool(const Report&)>;

/// The same kind at the same place; the two places of a pair may come in either order.
Wanted same_place(const Report& report);

struct MinimiseOptions {
  std::uint64_t executions = 20'000;
  std::uint32_t steps = 20'000;  ///< scheduling points of one execution
};

struct Minimised {
  Schedule schedule;
  Report report;                 ///< as that schedule shows it; none of a history
  std::uint64_t executions = 0;  ///< that it took
  /// No schedule with fewer switches shows the report: all of them were tried.
  bool fewest_switches = false;
  /// No shorter one with as many switches does.
  bool shortest = false;
};

/// First merges, drops and shortens runs of one thread, as long as the report still shows: the
/// result is never worse than the schedule given.  Then, while executions are left, tries every
/// schedule of 0, 1, 2, ... switches up to the number reached.  What that comes to an end with is a
/// minimum, and the flags say so; otherwise it is what was found.
///
/// Each execution is judged by itself: a lock-order inversion that takes two executions is not
/// shown by either.  Throws std::invalid_argument if the schedule does not show the report.
Minimised minimise(const Program& program, const Schedule& schedule, const Wanted& wanted,
                   const MinimiseOptions& options = {});

/// The same for what a complete execution answers its callers: the same calls, results and times
/// (History::Call::begins_before_my_end).  Throws std::invalid_argument if the schedule does not
/// come to an end.
Minimised minimise_history(const Program& program, const Schedule& schedule,
                           const MinimiseOptions& options = {});

}  // namespace iommucheck::schedule

#endif  // IOMMUCHECK_CHECKER_SCHEDULE_MINIMISE_H
