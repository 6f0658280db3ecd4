// SPDX-License-Identifier: MIT
// Proof obligations: what has to be unsatisfiable for the invariants to be inductive.
//
// The prover solves them and the certificate prints them: both see the same terms.  That a range is
// kept needs no obligation of its own: a store beyond it is a fault.
#ifndef IOMMUCHECK_CHECKER_SYMBOLIC_OBLIGATION_H
#define IOMMUCHECK_CHECKER_SYMBOLIC_OBLIGATION_H

#include "checker/relation/relation.h"

namespace iommucheck::checker {

/// One way in which a step can break one property.
struct Goal {
  PropertyId property{};
  Term broken;
};

/// Initial states, or one step: under the assumptions, no goal can be reached.
struct Obligation {
  const Transition* step = nullptr;  ///< of the relation
  bool base = false;                 ///< the step is the set-up
  std::string name;                  ///< "initial", or the program and label of the step
  std::vector<Term> assumptions;
  std::vector<Goal> goals;  ///< one per property, in the properties' order; not those that hold
                            ///< because the step changes nothing that they mention
};

/// The base case first, then the transitions in their order.
std::vector<Obligation> obligations(const Relation& relation);

/// "Some goal is reached", as one bit.
Term some_goal(const Relation& relation, const Obligation& obligation);

}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_CHECKER_SYMBOLIC_OBLIGATION_H
