// SPDX-License-Identifier: MIT
// Strongly connected components of a part of a graph.
#ifndef IOMMUCHECK_CHECKER_LIVENESS_COMPONENTS_H
#define IOMMUCHECK_CHECKER_LIVENESS_COMPONENTS_H

#include "checker/liveness/graph.h"

namespace iommucheck::checker::liveness {

using States = std::vector<StateNumber>;

/// The components of the subgraph that `states` (each once, in ascending order) span: each in
/// ascending order.  `place` is scratch memory, one entry for each state of the graph.
std::vector<States> components(const FairGraph& graph, const States& states,
                               std::vector<std::uint32_t>& place);

/// The components in which a fair run can stay: there, a cycle through all states and edges
/// honours every assumption.  Every fair run inside `states` that goes on for ever ends up in one
/// of them.
std::vector<States> fair_components(const FairGraph& graph, States states);

}  // namespace iommucheck::checker::liveness

#endif  // IOMMUCHECK_CHECKER_LIVENESS_COMPONENTS_H
