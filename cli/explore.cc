// SPDX-License-Identifier: MIT
// iommucheck explore ioasid: our own allocator's code under every schedule, against the
// specification.
#include <algorithm>
#include <cstdio>
#include <memory>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/explore.h"
#include "cli/search_options.h"

#ifdef IOMMUCHECK_EXPLORED
#include "checker/schedule/random.h"
#include "checker/schedule/replay.h"
#include "checker/schedule/systematic.h"
#include "impl/ioasid/explored/mutants.h"
#endif

namespace iommucheck::cli {

#ifndef IOMMUCHECK_EXPLORED
std::optional<AllocatorRun> explore_allocator(nlohmann::ordered_json&) { return {}; }

int explore_command(const Words&) {
  throw UsageError(
      "this build has a sanitizer, which excludes our own thread instrumentation: use another "
      "preset for explore");
}
#else
namespace {

using linux_harness::Search;
using nlohmann::ordered_json;
namespace explored = ioasid::explored;

/// Of each scenario, unless --executions says otherwise: nearly all mutants fall within the first
/// few, and there are more than a hundred.
constexpr std::uint64_t kExecutionsPerMutant = 1000;

constexpr const char* kOptions =
    "--scenario, --whole, --search, --preemptions, --executions, --seconds, --seed, --schedule, "
    "--failing-allocations, --mutants, --json";

std::vector<explored::Scenario> choose(const std::string& names) {
  std::vector<explored::Scenario> known = explored::written_scenarios();
  std::string listed = "all, pairs, triples";
  for (const explored::Scenario& scenario : known) listed += ", " + scenario.name;
  const std::size_t written = known.size();
  for (const unsigned threads : {2U, 3U}) {
    const char* group = threads == 2 ? "pair" : "triple";
    if (names.find(group) == std::string::npos) continue;
    for (explored::Scenario& scenario : explored::generated_scenarios(threads))
      known.push_back(std::move(scenario));
  }
  std::vector<explored::Scenario> chosen;
  for (std::size_t at = 0; at <= names.size();) {
    const std::size_t end = std::min(names.find(',', at), names.size());
    const std::string name = names.substr(at, end - at);
    at = end + 1;
    const std::size_t before = chosen.size();
    for (std::size_t i = 0; i < known.size(); ++i) {
      const std::string& candidate = known[i].name;
      const bool wanted = name == candidate || (name == "all" && i < written) ||
                          (name == "pairs" && candidate.starts_with("pair-")) ||
                          (name == "triples" && candidate.starts_with("triple-"));
      if (wanted) chosen.push_back(known[i]);
    }
    if (chosen.size() == before)
      throw UsageError(fmt::format("there is no scenario '{}'; there are {}", name, listed));
  }
  return chosen;
}

explored::MakeStrategy strategy_of(const linux_harness::SearchOptions& options) {
  if (options.search == Search::random)
    return [&] { return std::make_unique<schedule::RandomWalk>(options.seed); };
  if (options.search == Search::pct)
    return [&] { return std::make_unique<schedule::Pct>(options.seed, 3U); };
  if (options.search == Search::replay) {
    return [parsed = schedule::parse_schedule(options.schedule)] {
      return std::make_unique<schedule::Replay>(parsed);
    };
  }
  schedule::SystematicOptions systematic;
  systematic.reduction = options.search == Search::all          ? schedule::Reduction::none
                         : options.search == Search::sleep_sets ? schedule::Reduction::sleep_sets
                                                                : schedule::Reduction::dpor;
  systematic.preemptions = options.preemptions;
  return [systematic] { return std::make_unique<schedule::Systematic>(systematic); };
}

struct Run {
  explored::Scenario scenario;
  explored::Result result;
  checker::Verdict verdict{};
};

/// Chance, a replay and a bound show what they show; only a whole search says that there is no
/// more.
checker::Verdict verdict_of(const explored::Result& result, Search search) {
  if (!result.clean()) return checker::Verdict::violated;
  const bool all = search == Search::dpor || search == Search::sleep_sets || search == Search::all;
  return all && result.statistics.exhausted ? checker::Verdict::holds : checker::Verdict::unknown;
}

checker::Verdict together(const std::vector<Run>& runs) {
  const auto any = [&](checker::Verdict verdict) {
    return std::any_of(runs.begin(), runs.end(),
                       [&](const Run& run) { return run.verdict == verdict; });
  };
  if (any(checker::Verdict::violated)) return checker::Verdict::violated;
  return any(checker::Verdict::unknown) ? checker::Verdict::unknown : checker::Verdict::holds;
}

std::string place_text(const explored::Place& place) {
  return place.file.empty() ? place.function
                            : fmt::format("{} ({}:{})", place.function, place.file, place.line);
}

/// Where it happened, in the allocator's own words.
std::string where(const schedule::Stack& stack) {
  std::vector<std::uintptr_t> pcs(stack.pc.begin(), stack.pc.begin() + stack.count);
  for (const explored::Place& place : explored::places_of(pcs)) {
    if (!place.file.empty()) return place_text(place);
  }
  return "";
}

ordered_json to_json(const std::vector<Run>& runs, const linux_harness::SearchOptions& options) {
  ordered_json object;
  object["verdict"] = checker::name(together(runs));
  object["scope"] = {{"target", "ioasid"},
                     {"source", "impl/ioasid"},
                     {"kind", "schedules of scenarios"},
                     {"search", linux_harness::name(options.search)},
                     {"memory", "sequentially consistent, data races by happens-before"},
                     {"failing_allocations", options.failing_allocations}};
  object["scenarios"] = ordered_json::array();
  for (const Run& run : runs) {
    ordered_json reports = ordered_json::array(), unexplained = ordered_json::array();
    for (const auto& report : run.result.reports) {
      reports.push_back({{"kind", report.kind},
                         {"message", report.message},
                         {"here", where(report.here)},
                         {"other", where(report.other)},
                         {"schedule", report.schedule}});
    }
    for (const auto& one : run.result.unexplained) {
      unexplained.push_back(
          {{"history", one.history}, {"reasons", one.reasons}, {"schedule", one.schedule}});
    }
    const schedule::Statistics& statistics = run.result.statistics;
    object["scenarios"].push_back({{"name", run.scenario.name},
                                   {"sentence", run.scenario.sentence},
                                   {"verdict", checker::name(run.verdict)},
                                   {"preemptions", nullptr},
                                   {"executions", statistics.executions},
                                   {"complete", statistics.complete},
                                   {"abandoned", statistics.abandoned},
                                   {"longest", statistics.longest},
                                   {"histories", run.result.histories},
                                   {"without_memory", run.result.without_memory},
                                   {"excused", run.result.excused},
                                   {"exhausted", statistics.exhausted},
                                   {"seconds", statistics.seconds},
                                   {"reports", std::move(reports)},
                                   {"unexplained", std::move(unexplained)}});
    if (run.scenario.preemptions)
      object["scenarios"].back()["preemptions"] = *run.scenario.preemptions;
  }
  return object;
}

std::string to_text(const Run& run) {
  const schedule::Statistics& statistics = run.result.statistics;
  std::string text =
      fmt::format("  {:<20} {:<9} {} executions{}, {} histories, at most {} steps, {:.2f} s\n",
                  run.scenario.name, checker::name(run.verdict), statistics.executions,
                  run.scenario.preemptions
                      ? fmt::format(" with at most {} preemptions", *run.scenario.preemptions)
                      : "",
                  run.result.histories, statistics.longest, statistics.seconds);
  if (run.result.clean()) return text;
  text += fmt::format("    {}\n", run.scenario.sentence);
  for (const auto& report : run.result.reports) {
    text += fmt::format("    {}: {}\n", report.kind, report.message);
    for (const auto* stack : {&report.here, &report.other}) {
      const std::string place = where(*stack);
      if (!place.empty()) text += fmt::format("      at {}\n", place);
    }
    text += fmt::format("      schedule {}\n", report.schedule);
  }
  // They are much alike; --json has all.
  constexpr std::size_t kShown = 5;
  const auto& unexplained = run.result.unexplained;
  for (std::size_t i = 0; i < std::min(unexplained.size(), kShown); ++i) {
    text += fmt::format("    not linearizable: {}\n", unexplained[i].history);
    for (const std::string& reason : unexplained[i].reasons)
      text += fmt::format("      {}\n", reason);
    text += fmt::format("      schedule {}\n", unexplained[i].schedule);
  }
  if (unexplained.size() > kShown)
    text += fmt::format("    and {} more that are not linearizable\n", unexplained.size() - kShown);
  return text;
}

int show_mutants(const std::vector<explored::Scenario>& scenarios,
                 const linux_harness::SearchOptions& options, bool as_json) {
  schedule::Limits limits;
  limits.executions = options.executions;
  limits.seconds = options.seconds;
  limits.steps = 2000;
  ordered_json object = ordered_json::object();
  std::string text;
  for (const explored::Change change : {explored::Change::dropped, explored::Change::relaxed}) {
    const char* what = change == explored::Change::dropped ? "dropped" : "relaxed";
    const std::vector<explored::Mutant> mutants = explored::try_mutants(scenarios, change, limits);
    const auto noticed =
        std::count_if(mutants.begin(), mutants.end(),
                      [](const explored::Mutant& mutant) { return !mutant.noticed_by.empty(); });
    text += fmt::format("{} of {} atomic operations are noticed when they are {}\n", noticed,
                        mutants.size(), what);
    object[what] = ordered_json::array();
    for (const explored::Mutant& mutant : mutants) {
      text += fmt::format("  {:<60} {}\n", place_text(mutant.place),
                          mutant.noticed_by.empty() ? "survives" : mutant.noticed_by);
      if (!mutant.broke_off.empty())
        text += fmt::format("    not explored with it: {}\n", mutant.broke_off);
      object[what].push_back({{"place", place_text(mutant.place)},
                              {"killed", !mutant.noticed_by.empty()},
                              {"by", mutant.noticed_by},
                              {"not_explored", mutant.broke_off}});
    }
  }
  fmt::print("{}", as_json ? object.dump(2) + "\n" : text);
  return 0;
}

Run explore_one(const explored::Scenario& scenario, const explored::Options& options,
                Search search) {
  Run run{scenario, explored::explore(scenario, options), {}};
  run.verdict = verdict_of(run.result, search);
  return run;
}

std::string summary(const std::vector<Run>& runs, const linux_harness::SearchOptions& search) {
  return fmt::format(
      "{}: our IOASID allocator, {} scenario{}, search {}{}; sequentially consistent, data races by "
      "happens-before\n",
      checker::name(together(runs)), runs.size(), runs.size() == 1 ? "" : "s",
      linux_harness::name(search.search),
      search.failing_allocations ? ", allocations fail or not" : "");
}

}  // namespace

std::optional<AllocatorRun> explore_allocator(ordered_json& object) {
  AllocatorRun all;
  std::vector<Run> runs;
  for (const explored::Scenario& scenario : explored::written_scenarios()) {
    runs.push_back(explore_one(scenario, {}, Search::dpor));
    all.text += to_text(runs.back());
  }
  all.verdict = together(runs);
  all.text += summary(runs, {});
  object = to_json(runs, {});
  return all;
}

int explore_command(const Words& words) {
  Arguments arguments{words, {"json", "mutants", "whole", "failing-allocations"}};
  const bool as_json = arguments.flag("json"), mutants = arguments.flag("mutants"),
             whole = arguments.flag("whole");
  const std::string target = arguments.word("what to explore (ioasid)");
  if (target != "ioasid")
    throw UsageError(
        fmt::format("there is no '{}' to explore; there is ioasid, our allocator of "
                    "impl/ioasid (kernel code: iommucheck kernel ... --scenario)",
                    target));
  const std::string names = arguments.text("scenario", "all");
  const bool own_executions = arguments.has("executions");
  linux_harness::SearchOptions search = take_search_options(arguments);
  search.failing_allocations = arguments.flag("failing-allocations");
  arguments.finish(kOptions);
  std::vector<explored::Scenario> scenarios = choose(names);
  if (whole && search.preemptions)
    throw UsageError("--whole is without a bound: it has no --preemptions");
  if (mutants && search.search != Search::dpor)
    throw UsageError("--mutants explores by itself: it has no --search and no --schedule");
  if (mutants && search.failing_allocations)
    throw UsageError("--mutants lets no allocation fail: it has no --failing-allocations");
  if (whole && search.search != Search::dpor)
    throw UsageError("--whole belongs to the search dpor: no other one has a bound of its own");
  if (search.search == Search::replay && scenarios.size() != 1)
    throw UsageError("--schedule belongs to one scenario: give its name to --scenario");
  // A bound that is given is for all; a search that has none is whole.
  for (explored::Scenario& scenario : scenarios) {
    if (search.preemptions || search.search != Search::dpor || whole)
      scenario.preemptions = search.preemptions;
  }
  if (mutants) {
    if (!own_executions) search.executions = kExecutionsPerMutant;
    return show_mutants(scenarios, search, as_json);
  }
  explored::Options options;
  options.failing_allocations = search.failing_allocations;
  options.limits.executions = search.executions;
  options.limits.seconds = search.seconds;
  std::vector<Run> runs;
  try {
    if (search.search != Search::dpor) options.strategy = strategy_of(search);
    for (const explored::Scenario& scenario : scenarios) {
      Run run = explore_one(scenario, options, search.search);
      const bool show = !as_json && (scenarios.size() < 100 || !run.result.clean() ||
                                     run.verdict != checker::Verdict::holds);
      if (show) fmt::print("{}", to_text(run));
      std::fflush(stdout);
      runs.push_back(std::move(run));
    }
  } catch (const std::invalid_argument& error) {
    throw UsageError(error.what());
  }
  if (as_json) {
    fmt::print("{}\n", to_json(runs, search).dump(2));
  } else {
    fmt::print("{}", summary(runs, search));
  }
  return checker::exit_code(together(runs));
}
#endif

}  // namespace iommucheck::cli
