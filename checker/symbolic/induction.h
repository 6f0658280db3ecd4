// SPDX-License-Identifier: MIT
// Induction: whether all invariants together hold initially and are kept by every step.
//
// That proves them for every reachable state, however far; what it finds otherwise is a step from a
// state that satisfies them all but may not be reachable: a counterexample to induction.
#ifndef IOMMUCHECK_CHECKER_SYMBOLIC_INDUCTION_H
#define IOMMUCHECK_CHECKER_SYMBOLIC_INDUCTION_H

#include "checker/relation/relation.h"
#include "checker/report.h"

namespace iommucheck::checker {

/// A step that leads out of the invariants.
struct InductionFailure {
  bool base = false;  ///< `after` is an initial state, or its set-up failed; nothing is before
  ActionId action;
  std::string program, label;
  PackedState before, after;
  std::vector<FieldChange> changes;
  /// What choose() gave: "ioasid" and 2.
  std::vector<std::pair<std::string, std::uint32_t>> choices;
  Failure failure;  ///< its text lives as long as the relation
};

struct PropertyProof {
  PropertyId property{};
  std::string name;
  /// proved; violated: an initial state breaks it; unknown: not inductive, or a time limit.
  Verdict verdict = Verdict::unknown;
  std::string reason;                      ///< of unknown
  std::vector<InductionFailure> failures;  ///< one for each step that does not keep it
};

struct [[nodiscard]] Induction {
  Verdict verdict = Verdict::unknown;  ///< of all properties together
  std::vector<PropertyProof> properties;
  std::uint64_t steps = 0;    ///< obligations: the set-up, and each step of each process
  std::uint64_t trivial = 0;  ///< of these: without a query, as they change nothing that matters
  std::uint64_t queries = 0;
  double seconds = 0;
  /// Steps that no state within the invariants enables: what is proved about them is vacuous.
  std::vector<std::string> impossible;
};

struct InductionOptions {
  double query_seconds = 0;  ///< a limit for each query; 0: none
};

/// Deadlock freedom is no question of this kind: the machine's deadlock property is left out.  So
/// is what the machine does not check (Machine::check_only): it is neither proved nor assumed.
Induction prove_by_induction(const Relation& relation, const InductionOptions& options = {});

}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_CHECKER_SYMBOLIC_INDUCTION_H
