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

using linux_harness::CompileError;
using linux_harness::KernelBuild;
using linux_harness::Scenario;
using linux_harness::ScheduledKernel;
using linux_harness::SearchOptions;
using linux_harness::Target;

/// What a scenario shows on the original: the same sentence may be broken elsewhere for other
/// reasons.
struct Baseline {
  std::set<std::string> titles;
  /// Lines that a mutant changes and that have run.  Empty: it is not known, or a limit was met.
  std::optional<std::set<std::uint64_t>> reached;
};

std::set<std::string> titles_of(const std::vector<ScenarioCause>& causes) {
  std::set<std::string> titles;
  for (const ScenarioCause& cause : causes) titles.insert(cause.title);
  return titles;
}

struct Original {
  ScheduledKernel kernel;
  bool has_marks;
};

/// With marks, if that compiles.
Original original(const Target& target, linux_harness::Cache& cache, const KernelBuild& build,
                  const std::string& text, const std::vector<Mutant>& mutants) {
  try {
    const std::string marked = linux_harness::with_marks(text, mutants);
    return {{target, target.build(cache, build, {"marked", marked})}, true};
  } catch (const CompileError&) {
    cache.say("the file does not compile with marks in it: each mutant is run in each scenario");
    return {{target, target.build(cache, build, {"unmarked", text})}, false};
  }
}

std::vector<Baseline> baselines(Original original, const std::vector<Scenario>& scenarios,
                                const SearchOptions& options,
                                const std::function<void(std::string_view)>& say) {
  std::vector<Baseline> all;
  for (const Scenario& scenario : scenarios) {
    say(fmt::format("the original: {} ({} of {})", scenario.name, all.size() + 1,
                    scenarios.size()));
    const ScenarioRun run = explore_scenario(original.kernel, scenario, options);
    Baseline& one = all.emplace_back(Baseline{titles_of(causes_of({run})), {}});
    const auto& covered = run.exploration.covered;
    if (original.has_marks && run.exploration.exhausted && !covered.empty())
      one.reached.emplace(covered.begin(), covered.end());
  }
  return all;
}

bool is_reached(const Mutant& mutant, const Baseline& baseline) {
  return !baseline.reached || std::ranges::any_of(mutant.lines, [&](unsigned line) {
    return baseline.reached->contains(line);
  });
}

/// Until a scenario shows what it does not show on the original.
void explore_mutant(MutantResult& one, ScheduledKernel kernel,
                    const std::vector<Scenario>& scenarios, const std::vector<Baseline>& baselines,
                    const SearchOptions& options) {
  bool exhausted = true;
  for (std::size_t i = 0; i < scenarios.size(); ++i) {
    if (!is_reached(one.mutant, baselines[i])) continue;
    const ScenarioRun run = explore_scenario(kernel, scenarios[i], options);
    one.causes = causes_of({run});
    std::erase_if(one.causes, [&](const ScenarioCause& cause) {
      return baselines[i].titles.contains(cause.title);
    });
    exhausted = exhausted && run.exploration.exhausted;
    if (!one.causes.empty()) break;
  }
  one.fate = !one.causes.empty() ? Fate::killed : exhausted ? Fate::survived : Fate::undecided;
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
  linux_harness::Cache cache{linux_harness::Cache::default_directory(), say};
  const auto source =
      tree ? linux_harness::open_tree(cache, *tree) : linux_harness::open_package(cache, *package);
  const KernelBuild build = target.prepare(cache, source);
  MutantsRun result =
      run_mutants(target, cache, build, linux_harness::read_file(build.tree.root / target.file()),
                  scenarios, options, kinds, say);
  result.source = tree ? *tree : *package;
  return result;
}

MutantsRun run_mutants(const linux_harness::Target& target, linux_harness::Cache& cache,
                       const KernelBuild& build, const std::string& text,
                       const std::vector<Scenario>& scenarios, const SearchOptions& options,
                       const std::vector<std::string>& kinds,
                       const std::function<void(std::string_view)>& say) {
  const auto begin = std::chrono::steady_clock::now();
  MutantsRun result;
  result.target = target.name();
  result.file = target.file();
  result.options = options;
  result.scenarios = scenarios.size();
  std::vector<Mutant> mutants = linux_harness::derive_mutants(text);
  const auto wanted = [&](const std::string& kind) {
    return kinds.empty() || std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
  };
  for (const std::string& kind : linux_harness::mutant_kinds()) {
    const bool fits = std::any_of(mutants.begin(), mutants.end(),
                                  [&](const Mutant& mutant) { return mutant.kind == kind; });
    if (wanted(kind) && !fits) result.without_place.push_back(kind);
  }
  std::erase_if(mutants, [&](const Mutant& mutant) { return !wanted(mutant.kind); });
  SearchOptions quick = options;
  quick.minimise = false;
  const std::vector<Baseline> known =
      baselines(original(target, cache, build, text, mutants), scenarios, quick, say);
  for (Mutant& mutant : mutants) {
    say(fmt::format("mutant {} of {}: {} at line {}", result.results.size() + 1, mutants.size(),
                    mutant.kind, mutant.line));
    MutantResult one;
    one.mutant = std::move(mutant);
    one.reached_by = static_cast<std::size_t>(std::ranges::count_if(
        known, [&](const Baseline& baseline) { return is_reached(one.mutant, baseline); }));
    try {
      explore_mutant(one, {target, target.build(cache, build, {"mutant", one.mutant.text})},
                     scenarios, known, quick);
    } catch (const CompileError& error) {
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
                                 {"reached_by", one.reached_by},
                                 {"causes", std::move(causes)},
                                 {"why", one.why}});
  }
  return object;
}

std::string print_mutants(const MutantsRun& run) {
  std::size_t killed = 0, alive = 0, never_run = 0;
  for (const MutantResult& one : run.results) {
    killed += one.fate == Fate::killed;
    never_run += one.fate == Fate::survived && one.reached_by == 0;
    alive += one.fate == Fate::survived || one.fate == Fate::undecided;
  }
  std::string text = fmt::format(
      "{} of {} mutants of {} killed by {} scenarios ({}), {:.0f} s; {} are where no "
      "scenario comes\n",
      killed, killed + alive, run.file, run.scenarios, run.source, run.seconds, never_run);
  for (const MutantResult& one : run.results) {
    text += fmt::format("  {:14} {:17} {:>4}  {}\n", name(one.fate), one.mutant.kind,
                        one.mutant.line, one.mutant.change);
    if (!one.causes.empty()) {
      text += fmt::format("                 {}: {}\n", one.causes[0].shortest, one.causes[0].title);
    }
    if (one.fate == Fate::survived && one.reached_by == 0)
      text += "                 no scenario runs it\n";
    if (!one.why.empty()) text += fmt::format("                 {}\n", one.why);
  }
  for (const std::string& kind : run.without_place) {
    text += fmt::format("  no place       {}\n", kind);
  }
  return text;
}

}  // namespace iommucheck::cli
