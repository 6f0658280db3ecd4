// SPDX-License-Identifier: MIT
// Explores schedules of calls on files of the user's kernel, unmodified.
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

class Target;

/// A call of a target: as its runner reads it, and as people do.
struct TargetCall {
  std::string words, text;
  std::optional<ioasid::Call> ioasid;  ///< where the specification of IOASIDs knows it

  /// One of the target ioasid.  Throws std::invalid_argument as encode() does.
  TargetCall(const ioasid::Call& call);  // NOLINT(google-explicit-constructor): tables of calls
  /// One of a target whose calls are C functions, by its name there.
  explicit TargetCall(const std::string& function) : words{function}, text{function + "()"} {}
};

/// Calls by several threads at once.
struct Scenario {
  std::string name;                              ///< "find-free"
  std::string sentence;                          ///< what it is about
  std::vector<TargetCall> setup;                 ///< one after the other, before
  std::vector<std::vector<TargetCall>> threads;  ///< 1 .. 8
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
  bool minimise = true;              ///< the schedules of reports are made small
};

/// Whether every smaller schedule has been tried.
struct Smallest {
  bool fewest_switches = false;  ///< none with fewer switches between threads shows it
  bool shortest = false;         ///< nor a shorter one with as many
};

struct ScheduledReport {
  std::string kind, message;
  std::string thread;  ///< "CPU0"; "CPU0.1" for the first callback that it queued
  std::vector<Frame> here = {}, other = {}, allocated = {}, freed = {};
  std::string schedule = {};  ///< repeats it; none: it takes no concurrency
  Smallest smallest = {};
  std::uint64_t execution = 0;
};

/// The result of a call whose precondition did not hold when its turn came.
inline constexpr std::string_view kNotMade = "not made";

struct ScheduledCall {
  unsigned thread = 0;  ///< 0: CPU0
  TargetCall call;      ///< with nomem, if an allocation failed in it
  bool returned = false;
  bool nomem = false;                           ///< an allocation failed in it
  std::string result = {};                      ///< "-EBUSY", as it is printed; if it has returned
  std::optional<ioasid::Outcome> outcome = {};  ///< of a call of the target ioasid
  /// Bit b: call b begins before this one ends, whatever the order of independent steps.
  std::uint32_t begins_before_my_end = 0;
};

struct ScheduledHistory {
  std::vector<ScheduledCall> calls;  ///< by thread
  std::string schedule;
  Smallest smallest = {};
  std::uint64_t executions = 0;
};

struct Exploration {
  std::uint64_t executions = 0, complete = 0, abandoned = 0, steps = 0, longest = 0, restarts = 0;
  double seconds = 0;
  bool exhausted = false;
  std::vector<ScheduledCall> setup;  ///< of the scenario's set-up
  std::vector<ScheduledReport> reports;
  std::vector<ScheduledHistory> histories;
  /// Basic blocks that have run: some of Runner::flow.blocks.  And with_marks()'s lines
  /// (mutants.h).
  std::vector<std::uint64_t> covered;
  /// Pairs of such blocks that have run one behind the other: Runner::flow.branches among them.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> followed;
};

/// What the calls of a scenario's threads answer one after the other.
struct SequentialRun {
  std::vector<unsigned> turns;       ///< whose call comes next: threads from 0
  std::vector<std::string> results;  ///< of these calls; fewer if one did not return
};

class ScheduledKernel {
 public:
  /// A runner of Target::build().
  ScheduledKernel(const Target& target, Runner runner);

  /// Throws HarnessError if the runner fails, std::invalid_argument for calls or a schedule that
  /// do not fit.
  Exploration explore(const Scenario& scenario, const SearchOptions& options);

  /// Finds the smallest schedule with the same answers at the same times.
  void minimise(const Scenario& scenario, const SearchOptions& options, ScheduledHistory& history);

  /// The same calls without concurrency, in every order that keeps each thread's own; empty if
  /// there are more than `most`.
  std::vector<SequentialRun> in_all_orders(const Scenario& scenario, std::size_t most = 2000);

  const Target& target() const { return target_; }

  const Runner& runner() const { return runner_; }

  /// Where addresses of its code are in the file under test: a block's, the line that it begins
  /// with.
  std::vector<Frame> lines_of(const std::vector<std::uint64_t>& addresses);

 private:
  const Target& target_;
  Runner runner_;
  Symbols symbols_;
};

std::string_view name(Search search);

}  // namespace iommucheck::linux_harness

#endif  // IOMMUCHECK_IMPL_LINUX_SCHEDULED_H
