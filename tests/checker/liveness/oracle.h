// SPDX-License-Identifier: MIT
// The definition of a fair run, twice more: by trying every set of states, and for one given lasso.
//
// Neither shares anything with the engine but the graph's data: no components, no fixpoints.
#ifndef IOMMUCHECK_TESTS_CHECKER_LIVENESS_ORACLE_H
#define IOMMUCHECK_TESTS_CHECKER_LIVENESS_ORACLE_H

#include <string>

#include "checker/liveness/graph.h"

namespace iommucheck::checker::liveness {

/// Whether a fair run meets p, and q neither then nor later.  For graphs of at most 8 states.
bool oracle_finds_lasso(const FairGraph& graph, const StateSet& p, const StateSet& q);

/// What is wrong with a lasso, by the definition; "" if it is a fair run that violates the
/// property.
std::string wrong_with(const GraphLasso& lasso, const FairGraph& graph, const StateSet& p,
                       const StateSet& q);

}  // namespace iommucheck::checker::liveness

#endif  // IOMMUCHECK_TESTS_CHECKER_LIVENESS_ORACLE_H
