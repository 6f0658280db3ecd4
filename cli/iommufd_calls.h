// SPDX-License-Identifier: MIT
// Histories of the targets of iommufd against the specification of /dev/iommu.
#ifndef IOMMUCHECK_CLI_IOMMUFD_CALLS_H
#define IOMMUCHECK_CLI_IOMMUFD_CALLS_H

#include "conformance/iommufd_history.h"
#include "impl/linux/target.h"

namespace iommucheck::cli {

/// Whether the specification knows the target and all calls of the scenario.  It does not know
/// ids: a scenario in which one that a process still knows may have gone to another object is none
/// of its own, nor one with /dev/iommu closed.
bool knows_iommufd(const linux_harness::Target& target, const linux_harness::Scenario& scenario);

/// By the specification; without calls that were not made.  Throws std::runtime_error if already
/// the set-up differs from it.
conformance::Linearization judge_iommufd(const linux_harness::Exploration& exploration,
                                         const linux_harness::ScheduledHistory& history);

}  // namespace iommucheck::cli

#endif  // IOMMUCHECK_CLI_IOMMUFD_CALLS_H
