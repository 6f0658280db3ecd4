// SPDX-License-Identifier: MIT
// Whether what several threads saw can be explained by the specification: linearizability
// (Herlihy and Wing, TOPLAS 12(3), 1990).
//
// A history comes from one execution but stands for all executions of the same trace: which call
// ends before which other begins is open where no dependent steps order them.  Every such real-time
// order is judged, because each of them is what some execution shows.
#ifndef IOMMUCHECK_CONFORMANCE_LINEARIZE_H
#define IOMMUCHECK_CONFORMANCE_LINEARIZE_H

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "spec/ioasid/call.h"
#include "spec/ioasid/oracle.h"

namespace iommucheck::conformance {

/// When a call of a history runs, as far as its trace says.
struct CallTiming {
  unsigned thread = 0;
  /// Bit b: call b of the history begins before this one ends, in every execution of the trace.
  /// Calls of one thread follow each other in the order of the history.
  std::uint32_t begins_before_my_end = 0;
};

struct ConcurrentCall {
  unsigned thread = 0;
  ioasid::Call call;
  ioasid::Outcome outcome;
  std::uint32_t begins_before_my_end = 0;  ///< as in CallTiming
};

struct Unexplained {
  /// Begins and ends in an order in which no sequential order of the calls has these outcomes.
  struct Step {
    std::size_t call = 0;
    bool begins = false;
  };
  std::vector<Step> order;
  /// What the specification says where the last call ends: the sentence that each attempt breaks.
  std::vector<std::string> reasons;
};

/// How a history fares.
struct Linearization {
  std::optional<Unexplained> unexplained;  ///< none: every real-time order is explained
  /// Some order in which a call breaks its contract was met: what follows from it was not judged.
  bool excused = false;
};

/// At most 32 calls, all of which have returned.  Where a call would break its contract, nothing is
/// promised: a real-time order in which one could is not called unexplained.
/// `oracle` is the specification behind the set-up; it is left as it was.
Linearization linearize(ioasid::Oracle& oracle, std::span<const ConcurrentCall> calls);

/// What the calls of a history answer when they come one after the other.
struct SequentialAnswers {
  std::vector<std::size_t> order;    ///< the calls, by their place in the history
  std::vector<std::string> results;  ///< in that order; fewer if one did not return
};

struct AnsweredCall {
  CallTiming timing;
  std::string call, result;  ///< as they are printed
};

/// The same, where the code itself without concurrency is the specification: `runs` has every
/// order that keeps the order of each thread.
Linearization linearize(std::span<const SequentialAnswers> runs,
                        std::span<const AnsweredCall> calls);

}  // namespace iommucheck::conformance

#endif  // IOMMUCHECK_CONFORMANCE_LINEARIZE_H
