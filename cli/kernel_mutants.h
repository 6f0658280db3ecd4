// SPDX-License-Identifier: MIT
// iommucheck kernel --mutants: would the scenarios notice a mistake in this file?
#ifndef IOMMUCHECK_CLI_KERNEL_MUTANTS_H
#define IOMMUCHECK_CLI_KERNEL_MUTANTS_H

#include "cli/kernel_scenarios.h"
#include "impl/linux/mutants.h"

namespace iommucheck::cli {

enum class Fate : std::uint8_t {
  killed,          ///< the scenarios show something that they do not show on the original
  survived,        ///< they do not, and all were exhausted
  undecided,       ///< they do not, but a limit was met
  not_applicable,  ///< it does not compile
};
std::string_view name(Fate fate);

struct MutantResult {
  linux_harness::Mutant mutant;
  Fate fate = Fate::survived;
  /// Those in which the original runs what the mutant changes.  The others, which are the same
  /// then, are not explored.
  std::size_t reached_by = 0;
  std::vector<ScenarioCause> causes;  ///< of the first that shows what the original does not
  std::string why;                    ///< of not_applicable: the compiler's first words
};

struct MutantsRun {
  std::string target;
  std::string source;
  std::string file;
  linux_harness::SearchOptions options;
  std::size_t scenarios = 0;
  std::vector<MutantResult> results;
  std::vector<std::string> without_place;  ///< kinds that nothing in the file fits
  double seconds = 0;
  /// Whether every mutant that compiles was killed.  A survivor may differ in nothing that counts;
  /// that is for people to say.
  bool all_killed() const;
};

/// `kinds`: only these; empty: all.
MutantsRun run_mutants(const linux_harness::Target& target, const std::optional<std::string>& tree,
                       const std::optional<std::string>& package,
                       const std::vector<linux_harness::Scenario>& scenarios,
                       const linux_harness::SearchOptions& options,
                       const std::vector<std::string>& kinds,
                       const std::function<void(std::string_view)>& say);
/// Of the file under test with this text, in a tree that is prepared; `source` is not told.
MutantsRun run_mutants(const linux_harness::Target& target, linux_harness::Cache& cache,
                       const linux_harness::KernelBuild& build, const std::string& text,
                       const std::vector<linux_harness::Scenario>& scenarios,
                       const linux_harness::SearchOptions& options,
                       const std::vector<std::string>& kinds,
                       const std::function<void(std::string_view)>& say);
nlohmann::ordered_json mutants_to_json(const MutantsRun& run);
std::string print_mutants(const MutantsRun& run);

}  // namespace iommucheck::cli

#endif  // IOMMUCHECK_CLI_KERNEL_MUTANTS_H
