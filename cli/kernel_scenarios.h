// SPDX-License-Identifier: MIT
// iommucheck kernel --scenario: kernel code under every schedule.
#ifndef IOMMUCHECK_CLI_KERNEL_SCENARIOS_H
#define IOMMUCHECK_CLI_KERNEL_SCENARIOS_H

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/kernel_coverage.h"
#include "conformance/linearize.h"
#include "impl/linux/target.h"

namespace iommucheck::cli {

/// A history that the specification does not explain.
struct UnexplainedHistory {
  linux_harness::ScheduledHistory history;
  conformance::Unexplained why;
};

struct ScenarioRun {
  linux_harness::Scenario scenario;
  linux_harness::Exploration exploration = {};
  std::vector<UnexplainedHistory> unexplained = {};
  /// Histories in which some order breaks a call's contract: not judged beyond that.
  std::size_t excused = 0;
  /// Whether results were compared: with the specification, or with those of the code itself
  /// without concurrency.
  bool judged = false;
  bool by_specification = false;  ///< with that, whatever else
  /// Histories that could not be: their calls have too many sequential orders.
  std::size_t too_many_orders = 0;
  KernelCoverage coverage = {};  ///< numbers only
  bool complete() const { return exploration.exhausted && too_many_orders == 0; }
  bool violated() const { return !exploration.reports.empty() || !unexplained.empty(); }
};

/// Reports or histories of one kind, over all scenarios.
struct ScenarioCause {
  std::string title;  ///< "use-after-free in iommu_foo (drivers/iommu/foo.c:12)", or the sentences
  std::vector<std::string> scenarios;  ///< that show it
  std::string shortest;                ///< the one of fewest steps
  std::uint32_t steps = 0;             ///< of that execution
  std::string text;                    ///< it, as it is printed
};

struct ScenariosRun {
  const linux_harness::Target* target = nullptr;
  std::string source;
  linux_harness::SearchOptions options;
  std::vector<ScenarioRun> runs;
  std::vector<ScenarioCause> causes;
  KernelCoverage coverage;  ///< of all runs together
  double seconds = 0;
  std::string verdict() const;  ///< violated, holds, unknown
};

/// The next word: a target.  Throws UsageError, which lists them.
const linux_harness::Target& target_named(Arguments& arguments);

/// Names with commas between; "all" is every written one, "pairs" and "triples" the generated ones.
/// Throws UsageError, which lists the names.
std::vector<linux_harness::Scenario> choose_scenarios(const linux_harness::Target& target,
                                                      const std::string& names);

/// One of them, on a runner that is built.  What is wrong in a set-up is a report, too.
ScenarioRun explore_scenario(linux_harness::ScheduledKernel& kernel,
                             const linux_harness::Scenario& scenario,
                             const linux_harness::SearchOptions& options);
std::vector<ScenarioCause> causes_of(const std::vector<ScenarioRun>& runs);

ScenariosRun explore_scenarios(linux_harness::ScheduledKernel& kernel,
                               const std::vector<linux_harness::Scenario>& scenarios,
                               const linux_harness::SearchOptions& options,
                               const std::function<void(std::string_view)>& say);

ScenariosRun run_scenarios(const linux_harness::Target& target,
                           const std::optional<std::string>& tree,
                           const std::optional<std::string>& package,
                           const std::vector<linux_harness::Scenario>& scenarios,
                           const linux_harness::SearchOptions& options,
                           const std::function<void(std::string_view)>& say);
nlohmann::ordered_json scenarios_to_json(const ScenariosRun& run);
std::string print_scenarios(const ScenariosRun& run);

}  // namespace iommucheck::cli

#endif  // IOMMUCHECK_CLI_KERNEL_SCENARIOS_H
