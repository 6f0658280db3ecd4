// SPDX-License-Identifier: MIT
// The commands of iommucheck: each parses its own words, prints, and gives the exit code.
#ifndef IOMMUCHECK_CLI_COMMANDS_H
#define IOMMUCHECK_CLI_COMMANDS_H

#include <string>
#include <vector>

namespace iommucheck::cli {

// The exit codes, beyond the verdicts' 0, 1 and 2 (checker::exit_code).
inline constexpr int kDisagree = 3;  ///< two engines disagree
/// Unknown model, an option that the engine does not have, a bound out of range.
inline constexpr int kUsage = 64;
inline constexpr int kInput = 66;     ///< input missing or unreadable
inline constexpr int kInternal = 70;  ///< an error of iommucheck itself
inline constexpr int kOutput = 74;    ///< standard output cannot be written

using Words = std::vector<std::string>;

int bench_command(const Words& words);
int compare_command(const Words& words);
int diff_command(const Words& words);
int list_command(const Words& words);
int check_command(const Words& words);
int estimate_command(const Words& words);
int explore_command(const Words& words);
int prove_command(const Words& words);
int kernel_command(const Words& words);
int replay_command(const Words& words);
int steps_command(const Words& words);
int verify_command(const Words& words);

}  // namespace iommucheck::cli

#endif  // IOMMUCHECK_CLI_COMMANDS_H
