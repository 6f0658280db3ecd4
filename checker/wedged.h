// SPDX-License-Identifier: MIT
// A process that can never go on: it is in the middle of a call, and whatever the others do, it
// stays there.  A cycle of processes that wait for one another is the common case, and expand()
// sees that in one state.  Here the process may wait for something that nobody will make true,
// while others (a device, say) move all the time: that shows in the graph of states only.
//
// A process that others can help is not wedged, even if they may choose never to: that is liveness.
#ifndef IOMMUCHECK_CHECKER_WEDGED_H
#define IOMMUCHECK_CHECKER_WEDGED_H

#include "checker/report.h"

namespace iommucheck::checker {

inline constexpr const char* kWedged = "a process can never go on, whatever the others do";

/// What was looked at.
struct WedgeSearch {
  std::optional<Path> path;  ///< to a state of the fewest steps in which some process is wedged
  std::uint64_t states = 0;  ///< that were expanded, breadth first
  bool all = false;          ///< of the machine
};

/// Looks at the first `max_states` states.  What is found is found for certain; beyond them a
/// process may be wedged that is not found.
[[nodiscard]] WedgeSearch find_wedged(Machine<Concrete>& machine, std::uint64_t max_states);

/// Whether some process is wedged in `state`, and no more than `max_states` states follow it.
[[nodiscard]] bool is_wedged(Machine<Concrete>& machine, const PackedState& state,
                             std::uint64_t max_states);

}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_CHECKER_WEDGED_H
