// SPDX-License-Identifier: MIT
// Explores schedules of IOASID calls on the ioasid.c of the user's kernel, unmodified.
//
// Not thread-safe.
#ifndef IOMMUCHECK_IMPL_LINUX_SCHEDULED_H
#define IOMMUCHECK_IMPL_LINUX_SCHEDULED_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "impl/linux/report.h"
#include "impl/linux/runner.h"
#include "impl/linux/symbols.h"
#include "spec/ioasid/call.h"

namespace iommucheck::linux_harness {

/// Calls by several threads at once.
struct Scenario {
  std::string name;                                ///< "find-free"
  std::string sentence;                            ///< what it is about
  std::vector<ioasid::Call> setup;                 ///< one after the other, before
  std::vector<std::vector<ioasid::Call>> threads;  ///< 1 .. 8
};

enum class Search : std::uint8_t {
  dpor,        ///< one execution for each order of dependent steps
  sleep_sets,  ///< the same, by a simpler and slower way: a second opinion
  all,         ///< every interleaving
  random,
  pct,
  replay,  ///< one schedule
};

struct SearchOptions {
  Search search = Search::dpor;
  std::optional<unsigned> preemptions = {};  ///< of dpor and all: at most so many
  std::uint64_t executions = 1'000'000;
  double seconds = 60;
  std::uint64_t seed = 1;            ///< of random and pct
  std::string schedule = {};         ///< of replay
  bool failing_allocations = false;  ///< each allocation may fail: both are tried
};

struct ScheduledReport {
  std::string kind, message;
  std::string thread;  ///< "CPU0"; "CPU0.1" for the first callback that it queued
  std::vector<Frame> here, other, allocated, freed;
  std::string schedule;  ///< repeats it
  std::uint64_t execution = 0;
};

struct ScheduledCall {
  unsigned thread = 0;  ///< 0: CPU0
  ioasid::Call call;    ///< with nomem, if an allocation failed in it
  ioasid::Outcome outcome;
  bool returned = false;
  /// Bit b: call b begins before this one ends, whatever the order of independent steps.
  std::uint32_t begins_before_my_end = 0;
};

struct ScheduledHistory {
  std::vector<ScheduledCall> calls;  ///< by thread
  std::string schedule;
  std::uint64_t executions = 0;
};

struct Exploration {
  std::uint64_t executions = 0, complete = 0, abandoned = 0, steps = 0, longest = 0, restarts = 0;
  double seconds = 0;
  bool exhausted = false;
  std::vector<ioasid::Outcome> setup;  ///< of the scenario's set-up
  std::vector<ScheduledReport> reports;
  std::vector<ScheduledHistory> histories;
  std::vector<std::uint64_t> covered;  ///< basic blocks that have run: some of Runner::blocks
};

class ScheduledIoasid {
 public:
  /// A runner of build_ioasid_tree() or build_ioasid_package() with `scheduled`.
  explicit ScheduledIoasid(Runner runner);

  /// Throws HarnessError if the runner fails, std::invalid_argument for calls or a schedule that
  /// do not fit.
  Exploration explore(const Scenario& scenario, const SearchOptions& options);

  const Runner& runner() const { return runner_; }

  /// Where basic blocks are: the line in the file under test that each begins with.
  std::vector<Frame> lines_of(const std::vector<std::uint64_t>& blocks);

 private:
  Runner runner_;
  Symbols symbols_;
};

std::string_view name(Search search);

}  // namespace iommucheck::linux_harness

#endif  // IOMMUCHECK_IMPL_LINUX_SCHEDULED_H
