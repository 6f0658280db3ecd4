// SPDX-License-Identifier: MIT
// Reading states, choices and faults out of a solver's model.
#ifndef IOMMUCHECK_CHECKER_SYMBOLIC_MODEL_H
#define IOMMUCHECK_CHECKER_SYMBOLIC_MODEL_H

#include <optional>

#include "checker/relation/relation.h"
#include "checker/report.h"
#include "checker/symbolic/solver.h"

namespace iommucheck::checker {

/// The state that terms (one per field) describe, in a copy.  After a fault a value can lie
/// beyond its field; it is cut to the field's width.
PackedState pack(const Relation& relation, Solver& solver, const std::vector<Term>& values,
                 unsigned copy);
inline PackedState state_of(Solver& solver, const Relation& relation, unsigned copy) {
  return pack(relation, solver, relation.state(), copy);
}

/// The first fault (of `property`, if given) that the step runs into.
std::optional<Failure> first_fault(Solver& solver, const Transition& step, unsigned copy,
                                   std::optional<PropertyId> property = {});

/// The name that choose() was given.
std::string choice_name(const Relation& relation, Term input);

}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_CHECKER_SYMBOLIC_MODEL_H
