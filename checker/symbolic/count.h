// SPDX-License-Identifier: MIT
// Counting reachable states by the solver alone: a second opinion on the explicit engine's number.
//
// No step is executed: states are models of the transition relation that are not yet found.  What
// the two engines share is the text of the machine, read in two domains.
#ifndef IOMMUCHECK_CHECKER_SYMBOLIC_COUNT_H
#define IOMMUCHECK_CHECKER_SYMBOLIC_COUNT_H

#include "checker/relation/relation.h"
#include "checker/report.h"

namespace iommucheck::checker {

struct CountOptions {
  std::uint64_t limit = 100'000;  ///< of states
  double query_seconds = 0;       ///< a limit for each query; 0: none
};

struct [[nodiscard]] StateCount {
  bool complete = false;
  std::string reason;  ///< of not complete
  std::uint64_t states = 0;
  std::uint64_t queries = 0;
  double seconds = 0;
  std::vector<PackedState> found;  ///< in the order of discovery
};

/// Steps that fail lead nowhere; whether there are any is for bounded_check() to say.
StateCount count_states(const Relation& relation, const CountOptions& options = {});

}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_CHECKER_SYMBOLIC_COUNT_H
