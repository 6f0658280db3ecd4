// SPDX-License-Identifier: MIT
// The options of a search through schedules: of the kernel's code and of our own.
#ifndef IOMMUCHECK_CLI_SEARCH_OPTIONS_H
#define IOMMUCHECK_CLI_SEARCH_OPTIONS_H

#include "cli/arguments.h"
#include "impl/linux/scheduled.h"

namespace iommucheck::cli {

/// --search, --preemptions, --executions, --seconds, --seed, --schedule.  Throws UsageError, also
/// for what does not go together.
linux_harness::SearchOptions take_search_options(Arguments& arguments);

}  // namespace iommucheck::cli

#endif  // IOMMUCHECK_CLI_SEARCH_OPTIONS_H
