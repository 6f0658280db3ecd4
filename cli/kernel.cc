// SPDX-License-Identifier: MIT
// iommucheck kernel: the user's own kernel source, compiled unmodified, against the specification.
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <unistd.h>
#include <nlohmann/json.hpp>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/kernel_mutants.h"
#include "cli/kernel_run.h"
#include "cli/kernel_scenarios.h"
#include "cli/search_options.h"

namespace iommucheck::cli {
namespace {

int explore_scenarios(const linux_harness::Target& target, Arguments& arguments,
                      const std::optional<std::string>& tree,
                      const std::optional<std::string>& package, const std::string& names,
                      bool as_json, const std::function<void(std::string_view)>& say) {
  linux_harness::SearchOptions options = take_search_options(arguments);
  const bool schedule = options.search == linux_harness::Search::replay;
  options.failing_allocations = arguments.flag("failing-allocations");
  const bool mutants = arguments.flag("mutants");
  std::vector<std::string> kinds;
  if (mutants && schedule) throw UsageError("--mutants explores: it has no --schedule");
  if (const auto kind = arguments.text("mutant-kind")) {
    const auto& known = linux_harness::mutant_kinds();
    if (!mutants || std::find(known.begin(), known.end(), *kind) == known.end()) {
      throw UsageError(fmt::format("--mutant-kind goes with --mutants and is one of {}",
                                   fmt::join(known, ", ")));
    }
    kinds.push_back(*kind);
  }
  arguments.finish(
      "--tree, --package, --scenario, --mutants, --mutant-kind, --search, --preemptions, --executions, --seconds, --seed, "
      "--schedule, --failing-allocations, --json");
  const auto scenarios = choose_scenarios(target, names);
  if (mutants) {
    const MutantsRun run = run_mutants(target, tree, package, scenarios, options, kinds, say);
    if (as_json) {
      fmt::print("{}\n", mutants_to_json(run).dump(2));
    } else {
      fmt::print("{}", print_mutants(run));
    }
    return run.all_killed() ? 0 : 2;
  }
  if (schedule && scenarios.size() != 1)
    throw UsageError("--schedule belongs to one scenario: give its name to --scenario");
  ScenariosRun run;
  try {
    run = run_scenarios(target, tree, package, scenarios, options, say);
  } catch (const std::invalid_argument& error) {
    throw UsageError(error.what());
  }
  if (as_json) {
    fmt::print("{}\n", scenarios_to_json(run).dump(2));
  } else {
    fmt::print("{}", print_scenarios(run));
  }
  const std::string verdict = run.verdict();
  return verdict == "holds" ? 0 : verdict == "violated" ? 1 : 2;
}

}  // namespace

int kernel_command(const Words& words) {
  Arguments arguments{words, {"json", "failing-allocations", "mutants"}};
  const bool as_json = arguments.flag("json");
  const auto tree = arguments.text("tree");
  const auto package = arguments.text("package");
  if ((tree && tree->empty()) || (package && package->empty()))
    throw UsageError("--tree needs a directory, --package the name of a package");
  if (tree.has_value() == package.has_value()) {
    throw UsageError(
        "give either --tree DIR (a kernel source tree) or --package NAME (linux-source-6.1)");
  }
  const linux_harness::Target& target = target_named(arguments);
  KernelRunOptions options;
  const bool terminal = isatty(STDERR_FILENO) != 0;
  const auto say = [&](std::string_view what) {
    if (terminal) fmt::print(stderr, "{}\n", what);
  };
  if (const auto scenarios = arguments.text("scenario")) {
    return explore_scenarios(target, arguments, tree, package, *scenarios, as_json, say);
  }
  if (&target != &linux_harness::ioasid_target()) {
    throw UsageError(fmt::format(
        "{} has scenarios only: give --scenario all (sequences of calls are compared with the "
        "specification for ioasid)",
        target.name()));
  }
  options.calls = arguments.number("calls", options.calls, 1, 1'000'000'000);
  options.sequences = arguments.number("runs", 0, 1, 1'000'000'000);
  options.seed = arguments.number("seed", options.seed, 0, ~0ULL);
  const std::string contract = arguments.text("contract", "strict");
  if (contract != "strict" && contract != "any")
    throw UsageError(fmt::format("--contract {} is not known: strict or any", contract));
  options.any_contract = contract == "any";
  arguments.finish("--tree, --package, --seed, --runs, --calls, --contract, --json");

  const auto result = run_kernel(tree, package, options, say);
  if (as_json) {
    fmt::print("{}\n", kernel_to_json(result).dump(2));
  } else {
    fmt::print("{}", print_kernel(result));
  }
  return result.divergences.empty() ? 0 : 1;
}

}  // namespace iommucheck::cli
