// SPDX-License-Identifier: MIT
// A schedule as one line of text: what it takes to see an execution again, here or elsewhere.
//
//   1x12 2x3 1/1 1.1x4 !200000000a4
//
// Thread 1 passes 12 scheduling points, thread 2 three, thread 1 one, whose choice is answered
// with alternative 1, and the first thread or callback that thread 1 started passes four.  At the
// end, the memory (by eight bytes, in hexadecimal) whose plain accesses are scheduling points.
#ifndef IOMMUCHECK_CHECKER_SCHEDULE_SCHEDULE_TEXT_H
#define IOMMUCHECK_CHECKER_SCHEDULE_SCHEDULE_TEXT_H

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "checker/schedule/strategy.h"

namespace iommucheck::schedule {

struct ScheduleStep {
  std::string thread;  ///< its path
  std::uint16_t alternative = 0;
  bool operator==(const ScheduleStep&) const = default;
};

struct Schedule {
  std::vector<ScheduleStep> steps;
  std::vector<std::uintptr_t> promoted;  ///< granules
  bool operator==(const Schedule&) const = default;
};

std::string to_text(const Schedule& schedule);

/// Throws std::invalid_argument, which says what is wrong and where.
Schedule parse_schedule(std::string_view text);

/// How often another thread goes on than the one before.
std::size_t context_switches(const Schedule& schedule);

}  // namespace iommucheck::schedule

#endif  // IOMMUCHECK_CHECKER_SCHEDULE_SCHEDULE_TEXT_H
