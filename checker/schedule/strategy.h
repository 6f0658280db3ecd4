// SPDX-License-Identifier: MIT
// Strategy: decides which thread goes next, execution after execution.
#ifndef IOMMUCHECK_CHECKER_SCHEDULE_STRATEGY_H
#define IOMMUCHECK_CHECKER_SCHEDULE_STRATEGY_H

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "checker/schedule/clock.h"
#include "checker/schedule/locks.h"
#include "checker/schedule/operation.h"

namespace iommucheck::schedule {

/// Where an execution stands when somebody has to be picked.
struct Situation {
  ThreadMask enabled = 0;      ///< never empty
  ThreadId current = kNobody;  ///< who ran last
  /// What each enabled or waiting thread is about to do.
  const std::array<Operation, kMaxThreads>* pending = nullptr;
  /// What they are called in schedules: "2" is the program's second thread, "2.1" the first thread
  /// or callback that it started.
  const std::array<std::string, kMaxThreads>* paths = nullptr;
};

/// A scheduling point that has been passed.
struct Event {
  ThreadId thread = 0;
  std::uint16_t alternative = 0;  ///< what `choose` answered
  Operation operation;
  Clock clock;  ///< the trace order, this event included
};

/// How an execution ended.
enum class Ending : std::uint8_t {
  complete,   ///< every thread has ended, or ended in a report
  deadlock,   ///< some wait, nobody can go on
  abandoned,  ///< the strategy gave it up: others show the same
  cut,        ///< the limit on steps
};

class Strategy {
 public:
  virtual ~Strategy() = default;

  /// Prepares the next execution.  False: there is none.
  virtual bool begin() = 0;
  /// Who goes next; kNobody gives the execution up.
  virtual ThreadId pick(const Situation& situation) = 0;
  /// For the thread just picked, whose operation is `choose`: 0 .. alternatives - 1.
  virtual unsigned choose(unsigned alternatives) = 0;
  /// The last of `events` has just happened.  `races`: the positions of earlier events of other
  /// threads that it could have come before.
  virtual void executed(std::span<const Event> events, std::span<const std::uint32_t> races) = 0;
  /// The execution ends, and `thread` still waits for `operation`, which has races.
  virtual void left_waiting(std::span<const Event> events, ThreadId thread, const Clock& clock,
                            std::span<const std::uint32_t> races) = 0;
  virtual void end(Ending ending) = 0;

  /// Memory, by eight bytes, whose plain accesses are scheduling points in this execution.
  virtual std::span<const std::uintptr_t> promoted() const { return {}; }

  /// How many events of the execution before begin this one, the same.
  virtual std::size_t repeated() const { return 0; }

  /// Whether the trace order is needed.
  virtual bool wants_races() const { return false; }
};

}  // namespace iommucheck::schedule

#endif  // IOMMUCHECK_CHECKER_SCHEDULE_STRATEGY_H
