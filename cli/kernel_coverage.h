// SPDX-License-Identifier: MIT
// What of the file under test scenarios have run: basic blocks, and branches, as the compiler made
// them.
#ifndef IOMMUCHECK_CLI_KERNEL_COVERAGE_H
#define IOMMUCHECK_CLI_KERNEL_COVERAGE_H

#include <cstddef>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "impl/linux/scheduled.h"

namespace iommucheck::cli {

/// A branch that no execution takes, although its line and the line that it leads to run.
struct NeverTaken {
  linux_harness::Frame at;  ///< the condition
  unsigned to = 0;          ///< line of the block that it leads to
};

struct KernelCoverage {
  std::size_t blocks = 0, blocks_run = 0;
  std::size_t branches = 0, branches_taken = 0;
  /// Lines where a block begins that never ran, in the order of the file.
  std::vector<linux_harness::Frame> never_run;
  /// In the order of the file; without those that never_run tells.
  std::vector<NeverTaken> never_taken;
};

/// Of one exploration: numbers only.
KernelCoverage count_coverage(const linux_harness::Exploration& exploration,
                              const linux_harness::Runner& runner);

/// Of all of them together.
KernelCoverage coverage_of(const std::vector<const linux_harness::Exploration*>& explorations,
                           linux_harness::ScheduledKernel& kernel);

/// {"blocks", "covered", "branches", "taken"}, and of all together {"never_run", "never_taken"}.
nlohmann::ordered_json coverage_json(const KernelCoverage& coverage, bool with_lines);

/// Lines of text; `file` is what was under test.
std::string print_coverage(const KernelCoverage& coverage, const std::string& file);

}  // namespace iommucheck::cli

#endif  // IOMMUCHECK_CLI_KERNEL_COVERAGE_H
