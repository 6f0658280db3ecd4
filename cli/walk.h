// SPDX-License-Identifier: MIT
// check MODEL --walk: random walks from the command line.
#ifndef IOMMUCHECK_CLI_WALK_H
#define IOMMUCHECK_CLI_WALK_H

#include "cli/arguments.h"

namespace iommucheck::cli {

/// The rest of `check MODEL --walk`: parses, walks, prints, and gives the exit code.
int check_by_walks(Arguments& arguments, bool as_json);

}  // namespace iommucheck::cli

#endif  // IOMMUCHECK_CLI_WALK_H
