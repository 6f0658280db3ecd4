// SPDX-License-Identifier: MIT
// Unrolling: copies of the state variables, linked by the transition relation.
#ifndef IOMMUCHECK_CHECKER_SYMBOLIC_UNROLL_H
#define IOMMUCHECK_CHECKER_SYMBOLIC_UNROLL_H

#include "checker/relation/relation.h"
#include "checker/symbolic/solver.h"

namespace iommucheck::checker {

/// Copy `to` is an initial state.
void add_initial(Solver& solver, const Relation& relation, unsigned to);

/// Copy `to` is a successor of copy `from`, by a step that does not fail.  Gives a bit for each
/// transition, in their order: exactly one of them is true.
std::vector<Solver::Expr> add_step(Solver& solver, const Relation& relation, unsigned from,
                                   unsigned to);

}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_CHECKER_SYMBOLIC_UNROLL_H
