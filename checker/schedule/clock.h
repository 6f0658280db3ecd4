// SPDX-License-Identifier: MIT
// Vector clocks: what of each thread has happened before a point of an execution.
#ifndef IOMMUCHECK_CHECKER_SCHEDULE_CLOCK_H
#define IOMMUCHECK_CHECKER_SCHEDULE_CLOCK_H

#include <algorithm>
#include <array>
#include <cstdint>

namespace iommucheck::schedule {

/// Threads of one execution, the callbacks and work items that run as threads of their own
/// included.
inline constexpr unsigned kMaxThreads = 16;

using ThreadId = std::uint8_t;
using ThreadMask = std::uint32_t;

constexpr ThreadMask mask_of(unsigned thread) { return ThreadMask{1} << thread; }

/// One number per thread: everything of that thread below the number has happened before.
struct Clock {
  alignas(32) std::array<std::uint32_t, kMaxThreads> at{};

  void join(const Clock& other) {
    // As signed numbers, which they all are: of those every x86-64 compares four at a time.
    for (unsigned i = 0; i < kMaxThreads; ++i) {
      const auto mine = static_cast<std::int32_t>(at[i]);
      const auto theirs = static_cast<std::int32_t>(other.at[i]);
      at[i] = static_cast<std::uint32_t>(mine > theirs ? mine : theirs);
    }
  }
  /// Whether the thing that `thread` did at `time` is included.
  bool covers(unsigned thread, std::uint32_t time) const { return at[thread] > time; }

  bool operator==(const Clock&) const = default;
};

/// The two orders of an execution, side by side, because most edges belong to both.
struct Stamp {
  /// What the program's own synchronisation orders.  Data races are judged by it.
  Clock sync;
  /// What no reordering of independent steps can change.  The reduction is judged by it.
  Clock trace;

  void join(const Stamp& other) {
    sync.join(other.sync);
    trace.join(other.trace);
  }
};

}  // namespace iommucheck::schedule

#endif  // IOMMUCHECK_CHECKER_SCHEDULE_CLOCK_H
