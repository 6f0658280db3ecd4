// SPDX-License-Identifier: MIT
// Shortening: a random walk's way to a violation, without the detours.
#ifndef IOMMUCHECK_CHECKER_WALK_SHORTEN_H
#define IOMMUCHECK_CHECKER_WALK_SHORTEN_H

#include "checker/report.h"

namespace iommucheck::checker::walking {

/// A path to a violation of the same property that is no longer than `path`, which must replay.
/// Every step of it was taken on the machine; it need not be a shortest one.
///
/// Two ways, in turns until neither helps: a breadth-first search among the states of the path and
/// their successors, which also removes loops; and leaving out calls, and runs of steps, where what
/// is left still leads there.  `states` are expanded at most.
Path shorten(Machine<Concrete>& machine, const Path& path, std::uint64_t states = 200'000);

}  // namespace iommucheck::checker::walking

#endif  // IOMMUCHECK_CHECKER_WALK_SHORTEN_H
