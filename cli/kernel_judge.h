// SPDX-License-Identifier: MIT
// Judging what kernel code answered under a scheduler.
#ifndef IOMMUCHECK_CLI_KERNEL_JUDGE_H
#define IOMMUCHECK_CLI_KERNEL_JUDGE_H

#include "cli/kernel_scenarios.h"

namespace iommucheck::cli {

/// Compares the results of a run's histories with those of sequential calls, and notes the
/// histories that none explains: by the specification where there is one for the target, else by
/// the code itself without concurrency.  Throws SetUpError, or std::runtime_error if already the
/// set-up differs from the specification.
void judge(ScenarioRun& run, linux_harness::ScheduledKernel& kernel, bool failing_allocations);

}  // namespace iommucheck::cli

#endif  // IOMMUCHECK_CLI_KERNEL_JUDGE_H
