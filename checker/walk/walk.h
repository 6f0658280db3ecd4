// SPDX-License-Identifier: MIT
// Random walks: runs that are chosen by a seed, for machines with too many states to visit all.
//
// random_walk() may be called from several threads at once, each with its own factory.
#ifndef IOMMUCHECK_CHECKER_WALK_WALK_H
#define IOMMUCHECK_CHECKER_WALK_WALK_H

#include "checker/report.h"

namespace iommucheck::checker {

struct WalkOptions {
  std::uint64_t seed = 1;
  std::uint64_t walks = 1000;  ///< 0: any number, for so many seconds
  std::uint64_t depth = 1000;  ///< steps of one walk at most; at least 1
  double seconds = 0;          ///< 0: any time
  unsigned jobs = 1;           ///< threads; 0: one for each CPU
};

/// What was walked over: the walks up to and including the one that met a violation.
struct [[nodiscard]] Walks {
  /// violated or unknown: walks that meet nothing prove nothing.
  Verdict verdict = Verdict::unknown;
  std::string reason;  ///< of unknown: what ended the search, and the option that goes on
  std::uint64_t walks = 0;
  std::uint64_t steps = 0;    ///< taken, by all walks
  std::uint64_t longest = 0;  ///< steps of the longest walk
  std::uint64_t ended = 0;    ///< walks that came to a state without a step, where none is due
  std::uint64_t states = 0;   ///< distinct ones met: about so many (states_error)
  double states_error = 0;    ///< relative standard error of that
  std::vector<StepCoverage> coverage;  ///< steps taken
  double seconds = 0;
  std::optional<Path> path;       ///< of violated: replayed, shortened, not a shortest one
  std::uint64_t path_before = 0;  ///< its steps before it was shortened
};

/// Walks from initial states, each chosen among all of them.  Every step is chosen in two: first
/// one of the processes that can take a step, all alike, then one of its steps (each once for every
/// choice).  So an idle thread that could make one of many calls does not go before one that is
/// inside a call.  In every state that a walk comes to, the invariants are checked, all steps that
/// can be taken (also those that it does not take), and deadlock.
///
/// Walk i depends on the machine, the seed and i only: without a limit of seconds, the result is
/// the same for any number of jobs, apart from `seconds`.  A path has been replayed on a machine of
/// its own.  Throws std::invalid_argument for a depth of 0 and for any number of walks without a
/// limit of seconds, std::logic_error if the machine is no function of its state or an initial
/// state fails, and whatever the factory and the steps throw.
Walks random_walk(const ConcreteFactory& factory, const WalkOptions& options = {});

}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_CHECKER_WALK_WALK_H
