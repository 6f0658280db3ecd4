// SPDX-License-Identifier: MIT
// Samples: reachable states of a machine, the first ones and ones from far away.
#ifndef IOMMUCHECK_CHECKER_SYMMETRY_SAMPLES_H
#define IOMMUCHECK_CHECKER_SYMMETRY_SAMPLES_H

#include <vector>

#include "core/machine.h"

namespace iommucheck::checker::symmetry {

/// About `count` reachable states, each once, the same every time: half of them the first ones in
/// breadth-first order, half from long random walks.  All of them if there are fewer.
std::vector<std::vector<std::uint64_t>> sample_states(Machine<Concrete>& machine,
                                                      std::size_t count);

}  // namespace iommucheck::checker::symmetry

#endif  // IOMMUCHECK_CHECKER_SYMMETRY_SAMPLES_H
