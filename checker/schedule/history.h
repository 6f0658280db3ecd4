// SPDX-License-Identifier: MIT
// Histories: the calls of an execution, their results, and which could have come one after the
// other.
#ifndef IOMMUCHECK_CHECKER_SCHEDULE_HISTORY_H
#define IOMMUCHECK_CHECKER_SCHEDULE_HISTORY_H

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "checker/schedule/strategy.h"

namespace iommucheck::schedule {

struct CallRecord {
  ThreadId thread = 0;
  std::string call, result;  ///< the program's own words; no result: it did not return
  bool returned = false;
  std::uint32_t first = 0, last = 0;  ///< its events in the execution: first .. last - 1
};

/// What one execution shows to its callers.
struct History {
  struct Call {
    ThreadId thread = 0;
    std::string call, result;
    bool returned = false;
    /// Bit b: call b begins before this one ends, in every execution of the same trace.
    std::uint32_t begins_before_my_end = 0;
  };
  std::vector<Call> calls;
  std::string notes;
  std::string schedule;          ///< the first execution that shows it
  std::uint64_t executions = 0;  ///< that show it
};

/// Of one execution.  Calls beyond this number are left out: who makes more has to refuse them.
inline constexpr unsigned kMaxCalls = 32;

class Histories {
 public:
  void clear_execution() { calls_.clear(); }
  void clear() {
    calls_.clear();
    index_.clear();
    all_.clear();
  }

  void begin(ThreadId thread, std::string call, std::uint32_t position);
  void end(ThreadId thread, std::string result, std::uint32_t position);
  /// The running call of a thread, for reports; empty if there is none.
  std::string running(ThreadId thread) const;

  /// The execution is over: adds its history unless it is known.  `schedule` is asked for only if
  /// the history is new.
  template <class Schedule>
  void finish(const std::vector<Event>& events, const std::string& notes, Schedule schedule) {
    std::string key;
    History history = describe(events, notes, key);
    const auto [place, is_new] = index_.try_emplace(std::move(key), all_.size());
    if (is_new) {
      history.schedule = schedule();
      all_.push_back(std::move(history));
    }
    ++all_[place->second].executions;
  }

  const std::vector<History>& all() const { return all_; }

 private:
  std::vector<CallRecord> calls_;
  std::unordered_map<std::string, std::size_t> index_;
  std::vector<History> all_;

  History describe(const std::vector<Event>& events, const std::string& notes,
                   std::string& key) const;
};

}  // namespace iommucheck::schedule

#endif  // IOMMUCHECK_CHECKER_SCHEDULE_HISTORY_H
