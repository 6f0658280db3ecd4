// SPDX-License-Identifier: MIT
// The way back: a shortest path to a violation, found from the levels alone.
//
// No parents are stored.  The states of each earlier level are expanded once more, and one that
// leads to the next state of the path is picked, the same for any number of workers.
#ifndef IOMMUCHECK_CHECKER_EXPLICIT_BACKTRACK_H
#define IOMMUCHECK_CHECKER_EXPLICIT_BACKTRACK_H

#include <memory>
#include <span>
#include <vector>

#include "checker/explicit/exchange.h"
#include "checker/explicit/feed.h"
#include "checker/explicit/form.h"
#include "checker/explicit/team.h"
#include "checker/explicit/violation.h"

namespace iommucheck::checker::explicit_state {

/// One for each member of the team.
using Machines = std::vector<std::unique_ptr<Machine<Concrete>>>;

/// The path to a violation of a state of levels.back().  Throws std::logic_error if there is none:
/// then the machine's steps depend on something else than the state.
///
/// With symmetry, the levels have one state of each orbit, and so does the path, except for the
/// last step of a violation in a step: see unpermute.h.
///
/// With other ranks (`exchange` is not null), each has its own states of the levels, and all call.
Path way_to(const Violation& violation, std::span<const Level> levels, const Machines& machines,
            const Form* form, Team& team, Exchange* exchange);

}  // namespace iommucheck::checker::explicit_state

#endif  // IOMMUCHECK_CHECKER_EXPLICIT_BACKTRACK_H
