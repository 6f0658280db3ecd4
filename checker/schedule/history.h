// SPDX-License-Identifier: MIT
// Histories: the calls of an execution, their results, and which could have come one after the
// other.
#ifndef IOMMUCHECK_CHECKER_SCHEDULE_HISTORY_H
#define IOMMUCHECK_CHECKER_SCHEDULE_HISTORY_H

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
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
    friend bool operator==(const Call&, const Call&) = default;
  };
  std::vector<Call> calls;
  std::string notes;
  std::string schedule;          ///< the first execution that shows it
  std::uint64_t executions = 0;  ///< that show it

  bool is_same(const History& other) const { return calls == other.calls && notes == other.notes; }
};

/// Of one execution.  Calls beyond this number are left out: who makes more has to refuse them.
inline constexpr unsigned kMaxCalls = 32;

class Histories {
 public:
  void clear_execution() { count_ = 0; }
  void clear() {
    count_ = 0;
    index_.clear();
    all_.clear();
  }

  void begin(ThreadId thread, std::string_view call, std::uint32_t position);
  void end(ThreadId thread, std::string_view result, std::uint32_t position);
  /// The running call of a thread, for reports; empty if there is none.
  std::string running(ThreadId thread) const;

  /// The execution is over: adds its history unless it is known.  `schedule` is asked for only if
  /// the history is new.
  template <class Schedule>
  void finish(std::span<const Event> events, const std::string& notes, Schedule schedule) {
    describe(events, notes);
    auto place = index_.find(key_);
    if (place == index_.end()) {
      place = index_.emplace(key_, all_.size()).first;
      all_.push_back(history(notes));
      all_.back().schedule = schedule();
    }
    ++all_[place->second].executions;
  }

  const std::vector<History>& all() const { return all_; }

 private:
  std::vector<CallRecord>
      calls_;  ///< those behind the first `count_` are old: their memory is used
  std::size_t count_ = 0;
  std::unordered_map<std::string, std::size_t> index_;
  std::vector<History> all_;

  /// What describe() says: the calls by thread, and what goes into History for each.
  struct Place {
    const CallRecord* call;
    std::uint32_t first, last;  ///< positions + 1 of its events; 0: it passed no scheduling point
    std::uint32_t begins_before_my_end;
  };
  std::vector<Place> places_;
  std::string key_;

  void describe(std::span<const Event> events, const std::string& notes);
  History history(const std::string& notes) const;
};

}  // namespace iommucheck::schedule

#endif  // IOMMUCHECK_CHECKER_SCHEDULE_HISTORY_H
