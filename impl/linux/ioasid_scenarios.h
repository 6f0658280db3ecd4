// SPDX-License-Identifier: MIT
// Scenarios for ioasid.c: written ones, and every combination of a few calls.
#ifndef IOMMUCHECK_IMPL_LINUX_IOASID_SCENARIOS_H
#define IOMMUCHECK_IMPL_LINUX_IOASID_SCENARIOS_H

#include <vector>

#include "impl/linux/scheduled.h"
#include "spec/ioasid/bounds.h"

namespace iommucheck::linux_harness {

/// The bounds of the specification for a kernel with static sets and no references.
ioasid::Bounds ioasid_harness_bounds();

/// In the order in which they are listed.
const std::vector<Scenario>& written_ioasid_scenarios();

/// All ways to let `threads` (2 or 3) threads make one call each, out of a small set of calls, over
/// several set-ups.  Combinations in which some order of the calls breaks a call's contract are
/// left out.  Names: "pair-7", "triple-12"; the sentence lists the calls.
std::vector<Scenario> generated_ioasid_scenarios(unsigned threads);

}  // namespace iommucheck::linux_harness

#endif  // IOMMUCHECK_IMPL_LINUX_IOASID_SCENARIOS_H
