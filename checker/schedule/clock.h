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
    // Four at a time, as signed numbers: none is beyond their range, and every x86-64 can.
    using Four = std::int32_t __attribute__((vector_size(16), may_alias));
    auto* mine = reinterpret_cast<Four*>(at.data());
    const auto* theirs = reinterpret_cast<const Four*>(other.at.data());
    for (unsigned i = 0; i < kMaxThreads / 4; ++i) {
      mine[i] = mine[i] > theirs[i] ? mine[i] : theirs[i];
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
