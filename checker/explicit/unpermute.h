// SPDX-License-Identifier: MIT
// From a path through representatives of orbits to a path of the machine itself.
#ifndef IOMMUCHECK_CHECKER_EXPLICIT_UNPERMUTE_H
#define IOMMUCHECK_CHECKER_EXPLICIT_UNPERMUTE_H

#include "checker/explicit/form.h"
#include "checker/report.h"

namespace iommucheck::checker::explicit_state {

/// Follows the path from an initial state: at each step, one that leads to a permutation of the
/// path's next state, by the same process as the step before if there is one.  The result has the
/// same length and the same failure.  Throws std::runtime_error if the path cannot be followed: the
/// machine is not symmetric after all.
Path unpermute(Machine<Concrete>& machine, const Path& path, bool fails_in_step, const Form& form);

}  // namespace iommucheck::checker::explicit_state

#endif  // IOMMUCHECK_CHECKER_EXPLICIT_UNPERMUTE_H
