// SPDX-License-Identifier: MIT
// Compiling mutants of the file under test and exploring the scenarios on each.
#include "cli/kernel_mutants.h"

#include <algorithm>
#include <chrono>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "impl/linux/error.h"

namespace iommucheck::cli {
namespace {

using linux_harness::Mutant;
using nlohmann::ordered_json;

/// What each scenario shows by itself: the same sentence may be broken elsewhere for other reasons.
using Shown = std::set<std::pair<std::string, std::string>>;

Shown shown_by(const std::vector<ScenarioCause>& causes) {
  Shown all;
  for (const ScenarioCause& cause : causes) {
    for (const std::string& scenario : cause.scenarios) all.emplace(scenario, cause.title);
  }
  return all;
}

}  // namespace

std::string_view name(Fate fate) {
  switch (fate) {
    case Fate::killed: return "killed";
    case Fate::survived: return "survived";
    case Fate::undecided: return "undecided";
    case Fate::not_applicable: return "not applicable";
  }
  return "?";
}

bool MutantsRun::all_killed() const {
  return std::all_of(results.begin(), results.end(), [](const MutantResult& one) {
    return one.fate == Fate::killed || one.fate == Fate::not_applicable;
  });
}

MutantsRun run_mutants(const linux_harness::Target& target, const std::optional<std::string>& tree,
                       const std::optional<std::string>& package,
                       const std::vector<linux_harness::Scenario>& scenarios,
                       const linux_harness::SearchOptions& options,
                       const std::vector<std::string>& kinds,
                       const std::function<void(std::string_view)>& say) {
  const auto begin = std::chrono::steady_clock::now();
  MutantsRun result;
  result.target = target.name();
  result.source = tree ? *tree : *package;
  result.file = target.file();
  result.options = options;
  result.scenarios = scenarios.size();
  linux_harness::Cache cache{linux_harness::Cache::default_directory(), say};
  const auto source =
      tree ? linux_harness::open_tree(cache, *tree) : linux_harness::open_package(cache, *package);
  const linux_harness::KernelBuild build = target.prepare(cache, source);
  linux_harness::ScheduledKernel original{target, target.build(cache, build)};
  const Shown known =
      shown_by(explore_scenarios(original, scenarios, options, [](std::string_view) {}).causes);

  std::vector<Mutant> mutants =
      linux_harness::derive_mutants(linux_harness::read_file(build.tree.root / result.file));
  const auto wanted = [&](const std::string& kind) {
    return kinds.empty() || std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
  };
  for (const std::string& kind : linux_harness::mutant_kinds()) {
    const bool fits = std::any_of(mutants.begin(), mutants.end(),
                                  [&](const Mutant& mutant) { return mutant.kind == kind; });
    if (wanted(kind) && !fits) result.without_place.push_back(kind);
  }
  std::erase_if(mutants, [&](const Mutant& mutant) { return !wanted(mutant.kind); });
  for (Mutant& mutant : mutants) {
    say(fmt::format("mutant {} of {}: {} at line {}", result.results.size() + 1, mutants.size(),
                    mutant.kind, mutant.line));
    MutantResult one;
    one.mutant = std::move(mutant);
    try {
      linux_harness::ScheduledKernel changed{
          target, target.build(cache, build, {"mutant", one.mutant.text})};
      const ScenariosRun run =
          explore_scenarios(changed, scenarios, options, [](std::string_view) {});
      for (const ScenarioCause& cause : run.causes) {
        const bool is_new = std::any_of(cause.scenarios.begin(), cause.scenarios.end(),
                                        [&](const std::string& scenario) {
                                          return !known.contains({scenario, cause.title});
                                        });
        if (is_new) one.causes.push_back(cause);
      }
      const bool exhausted =
          std::all_of(run.runs.begin(), run.runs.end(),
                      [](const auto& scenario) { return scenario.exploration.exhausted; });
      one.fate = !one.causes.empty() ? Fate::killed : exhausted ? Fate::survived : Fate::undecided;
    } catch (const linux_harness::CompileError& error) {
      one.fate = Fate::not_applicable;
      one.why = error.what();
    }
    result.results.push_back(std::move(one));
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

ordered_json mutants_to_json(const MutantsRun& run) {
  ordered_json object;
  object["verdict"] = run.all_killed() ? "holds" : "unknown";
  object["scope"] = {{"target", run.target},
                     {"source", run.source},
                     {"file", run.file},
                     {"search", linux_harness::name(run.options.search)},
                     {"scenarios", run.scenarios}};
  object["seconds"] = run.seconds;
  object["without_place"] = run.without_place;
  object["mutants"] = ordered_json::array();
  for (const MutantResult& one : run.results) {
    ordered_json causes = ordered_json::array();
    for (const ScenarioCause& cause : one.causes) {
      causes.push_back({{"cause", cause.title}, {"scenario", cause.shortest}});
    }
    object["mutants"].push_back({{"kind", one.mutant.kind},
                                 {"line", one.mutant.line},
                                 {"function", one.mutant.function},
                                 {"change", one.mutant.change},
                                 {"fate", name(one.fate)},
                                 {"causes", std::move(causes)},
                                 {"why", one.why}});
  }
  return object;
}

std::string print_mutants(const MutantsRun& run) {
  std::size_t killed = 0, alive = 0;
  for (const MutantResult& one : run.results) {
    killed += one.fate == Fate::killed;
    alive += one.fate == Fate::survived || one.fate == Fate::undecided;
  }
  std::string text =
      fmt::format("{} of {} mutants of {} killed by {} scenarios ({}), {:.0f} s\n", killed,
                  killed + alive, run.file, run.scenarios, run.source, run.seconds);
  for (const MutantResult& one : run.results) {
    text += fmt::format("  {:14} {:17} {:>4}  {}\n", name(one.fate), one.mutant.kind,
                        one.mutant.line, one.mutant.change);
    if (!one.causes.empty()) {
      text += fmt::format("                 {}: {}\n", one.causes[0].shortest, one.causes[0].title);
    }
    if (!one.why.empty()) text += fmt::format("                 {}\n", one.why);
  }
  for (const std::string& kind : run.without_place) {
    text += fmt::format("  no place       {}\n", kind);
  }
  return text;
}

}  // namespace iommucheck::cli
