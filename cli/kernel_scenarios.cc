// SPDX-License-Identifier: MIT
// Exploring scenarios of kernel code, and judging their histories by the specification.
#include "cli/kernel_scenarios.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "checker/schedule/schedule_text.h"
#include "cli/kernel_judge.h"
#include "impl/linux/error.h"

namespace iommucheck::cli {
namespace {

using linux_harness::Exploration;
using linux_harness::Frame;
using linux_harness::Scenario;
using linux_harness::ScheduledCall;
using linux_harness::ScheduledReport;
using linux_harness::Target;
using nlohmann::ordered_json;

/// Of the histories of a scenario that are not explained: they are much alike.
constexpr std::size_t kMinimised = 10;

/// What says something about us and nothing about the kernel.
bool is_gap(std::string_view kind) {
  return kind == "unmodelled kernel symbol" || kind.starts_with("too many ") ||
         kind == "out of memory";
}

ordered_json frames_json(const std::vector<Frame>& frames) {
  ordered_json all = ordered_json::array();
  for (const Frame& frame : frames) {
    all.push_back({{"function", frame.function}, {"file", frame.file}, {"line", frame.line}});
  }
  return all;
}

ordered_json history_json(const UnexplainedHistory& one) {
  ordered_json calls = ordered_json::array();
  for (const ScheduledCall& call : one.history.calls) {
    calls.push_back({{"cpu", call.thread}, {"call", call.call.text}, {"result", call.result}});
  }
  return {{"calls", calls},
          {"schedule", one.history.schedule},
          {"fewest_switches", one.history.smallest.fewest_switches},
          {"shortest", one.history.smallest.shortest},
          {"executions", one.history.executions},
          {"reasons", one.why.reasons}};
}

std::string print_frames(std::string_view title, const std::vector<Frame>& frames) {
  std::string text;
  for (const Frame& frame : frames) {
    text += fmt::format("       {:12} {} ({})\n", text.empty() ? title : "", frame.function,
                        print(frame));
  }
  return text;
}

std::string print_report(const ScheduledReport& report) {
  return fmt::format("     {} on {}: {}\n", report.kind, report.thread, report.message) +
         print_frames("here", report.here) + print_frames("the other", report.other) +
         print_frames("allocated", report.allocated) + print_frames("freed", report.freed) +
         (report.schedule.empty() ? "" : fmt::format("       schedule     {}\n", report.schedule));
}

std::string print_history(const UnexplainedHistory& one) {
  std::string text = "     not linearizable: no sequential order of the calls has these results\n";
  for (const auto& step : one.why.order) {
    const ScheduledCall& call = one.history.calls[step.call];
    text += fmt::format("       CPU{}  {}{}\n", call.thread,
                        step.begins ? call.call.text : "    = ", step.begins ? "" : call.result);
  }
  for (const std::string& reason : one.why.reasons) text += fmt::format("       ({})\n", reason);
  return text + fmt::format("       schedule     {}\n", one.history.schedule);
}

/// Scheduling points of a schedule's line.
std::uint32_t steps_of(const std::string& line) {
  if (line.empty()) return 0;
  std::uint32_t steps = 0;
  for (const auto& step : schedule::parse_schedule(line).steps) steps += !step.thread.empty();
  return steps;
}

void add_cause(std::vector<ScenarioCause>& causes, std::string title, const Scenario& scenario,
               const std::string& schedule, std::string text) {
  auto cause = std::find_if(causes.begin(), causes.end(),
                            [&](const ScenarioCause& one) { return one.title == title; });
  if (cause == causes.end()) {
    causes.push_back({std::move(title), {}, {}, ~std::uint32_t{0}, {}});
    cause = causes.end() - 1;
  }
  if (cause->scenarios.empty() || cause->scenarios.back() != scenario.name) {
    cause->scenarios.push_back(scenario.name);
  }
  const std::uint32_t steps = steps_of(schedule);
  if (steps >= cause->steps) return;
  cause->steps = steps;
  cause->shortest = scenario.name;
  cause->text = fmt::format("     in {}: {}\n{}", scenario.name, scenario.sentence, text);
}

KernelCoverage coverage_of_all(const std::vector<ScenarioRun>& runs,
                               linux_harness::ScheduledKernel& kernel) {
  std::vector<const Exploration*> explorations;
  for (const ScenarioRun& one : runs) explorations.push_back(&one.exploration);
  return coverage_of(explorations, kernel);
}

std::string_view verdict_of(const ScenarioRun& run) {
  return run.violated() ? "violated" : run.complete() ? "holds" : "unknown";
}

}  // namespace

std::vector<ScenarioCause> causes_of(const std::vector<ScenarioRun>& runs) {
  std::vector<ScenarioCause> causes;
  for (const ScenarioRun& run : runs) {
    for (const ScheduledReport& report : run.exploration.reports) {
      const auto place = [](const std::vector<Frame>& frames) {
        return frames.empty() ? std::string{"?"}
                              : fmt::format("{} ({})", frames[0].function, print(frames[0]));
      };
      std::string title = fmt::format("{} in {}", report.kind, place(report.here));
      if (!report.other.empty()) title += fmt::format(" and {}", place(report.other));
      add_cause(causes, std::move(title), run.scenario, report.schedule, print_report(report));
    }
    for (const UnexplainedHistory& one : run.unexplained) {
      // The sentences alone: which results broke them differs from scenario to scenario.
      std::string title = "not linearizable";
      for (const std::string& reason : one.why.reasons) {
        const std::size_t colon = reason.find(": ");
        const std::string sentence = reason.substr(colon == std::string::npos ? 0 : colon + 2);
        if (title.find(sentence) == std::string::npos) title += "; " + sentence;
      }
      add_cause(causes, std::move(title), run.scenario, one.history.schedule, print_history(one));
    }
  }
  return causes;
}

std::string ScenariosRun::verdict() const {
  bool exhausted = true;
  for (const ScenarioRun& run : runs) {
    if (run.violated()) return "violated";
    exhausted = exhausted && run.complete();
  }
  return exhausted ? "holds" : "unknown";
}

const Target& target_named(Arguments& arguments) {
  std::string names;
  for (const Target* target : linux_harness::targets()) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", target->name());
  }
  const std::string name = arguments.word(fmt::format("the TARGET ({})", names));
  const Target* found = linux_harness::find_target(name);
  if (found == nullptr)
    throw UsageError(fmt::format("there is no target '{}'; there are {}", name, names));
  return *found;
}

std::vector<Scenario> choose_scenarios(const Target& target, const std::string& names) {
  std::vector<Scenario> known = target.written();
  std::string listed = "all, pairs, triples";
  for (const Scenario& scenario : known) listed += ", " + scenario.name;
  for (const unsigned threads : {2U, 3U}) {
    if (names.find(threads == 2 ? "pair-" : "triple-") == std::string::npos) continue;
    for (Scenario& scenario : target.generated(threads)) {
      known.push_back(std::move(scenario));
    }
  }
  std::vector<Scenario> chosen;
  for (std::size_t at = 0; at <= names.size();) {
    const std::size_t end = std::min(names.find(',', at), names.size());
    const std::string name = names.substr(at, end - at);
    at = end + 1;
    if (name == "all" || name == "pairs" || name == "triples") {
      const auto group =
          name == "all" ? target.written() : target.generated(name == "pairs" ? 2 : 3);
      chosen.insert(chosen.end(), group.begin(), group.end());
      continue;
    }
    const auto place = std::find_if(known.begin(), known.end(), [&](const Scenario& scenario) {
      return scenario.name == name;
    });
    if (place == known.end()) {
      throw UsageError(fmt::format("there is no scenario '{}'; there are {}", name, listed));
    }
    chosen.push_back(*place);
  }
  return chosen;
}

ScenarioRun explore_scenario(linux_harness::ScheduledKernel& kernel, const Scenario& scenario,
                             const linux_harness::SearchOptions& options) {
  ScenarioRun run{.scenario = scenario};
  try {
    run.exploration = kernel.explore(scenario, options);
    run.coverage = count_coverage(run.exploration, kernel.runner());
    for (const ScheduledReport& report : run.exploration.reports) {
      if (!is_gap(report.kind)) continue;
      throw std::runtime_error(fmt::format("a gap of the harness, not of the kernel, in {}: {}, {}",
                                           scenario.name, report.kind, report.message));
    }
    judge(run, kernel, options.failing_allocations);
    const bool minimises = options.minimise && options.search != linux_harness::Search::replay;
    const std::size_t few = minimises ? std::min(run.unexplained.size(), kMinimised) : 0;
    for (std::size_t i = 0; i < few; ++i)
      kernel.minimise(scenario, options, run.unexplained[i].history);
  } catch (const linux_harness::SetUpError& error) {
    const std::string& wrong = error.wrong();
    const std::size_t comma = wrong.find(", ");
    if (is_gap(wrong.substr(0, comma))) throw;
    run.exploration.exhausted = true;
    run.exploration.reports.push_back(
        {.kind = wrong.substr(0, comma) + " without concurrency",
         .message = comma == std::string::npos ? "" : wrong.substr(comma + 2),
         .thread = "CPU0"});
  }
  return run;
}

ScenariosRun explore_scenarios(linux_harness::ScheduledKernel& kernel,
                               const std::vector<Scenario>& scenarios,
                               const linux_harness::SearchOptions& options,
                               const std::function<void(std::string_view)>& say) {
  ScenariosRun result;
  result.target = &kernel.target();
  result.options = options;
  const auto begin = std::chrono::steady_clock::now();
  for (const Scenario& scenario : scenarios) {
    say(fmt::format("{} ({} of {})", scenario.name, result.runs.size() + 1, scenarios.size()));
    ScenarioRun run = explore_scenario(kernel, scenario, options);
    result.runs.push_back(std::move(run));
  }
  result.causes = causes_of(result.runs);
  result.coverage = coverage_of_all(result.runs, kernel);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

ScenariosRun run_scenarios(const Target& target, const std::optional<std::string>& tree,
                           const std::optional<std::string>& package,
                           const std::vector<Scenario>& scenarios,
                           const linux_harness::SearchOptions& options,
                           const std::function<void(std::string_view)>& say) {
  linux_harness::ScheduledKernel kernel{
      target, [&] {
        linux_harness::Cache cache{linux_harness::Cache::default_directory(), say};
        const auto source = tree ? linux_harness::open_tree(cache, *tree)
                                 : linux_harness::open_package(cache, *package);
        return target.build(cache, target.prepare(cache, source));
      }()};
  ScenariosRun result = explore_scenarios(kernel, scenarios, options, say);
  result.source = tree ? *tree : *package;
  return result;
}

ordered_json scenarios_to_json(const ScenariosRun& run) {
  ordered_json object;
  object["verdict"] = run.verdict();
  object["scope"] = {{"target", run.target->name()},
                     {"source", run.source},
                     {"kind", "schedules of scenarios"},
                     {"search", linux_harness::name(run.options.search)},
                     {"memory", "sequentially consistent, data races by happens-before"},
                     {"failing_allocations", run.options.failing_allocations}};
  if (run.options.preemptions) object["scope"]["preemptions"] = *run.options.preemptions;
  object["seconds"] = run.seconds;
  object["coverage"] = coverage_json(run.coverage, true);
  object["causes"] = ordered_json::array();
  for (const ScenarioCause& cause : run.causes) {
    object["causes"].push_back(
        {{"cause", cause.title}, {"scenarios", cause.scenarios}, {"shortest", cause.shortest}});
  }
  object["scenarios"] = ordered_json::array();
  for (const ScenarioRun& one : run.runs) {
    const Exploration& exploration = one.exploration;
    ordered_json reports = ordered_json::array();
    for (const ScheduledReport& report : exploration.reports) {
      reports.push_back({{"kind", report.kind},
                         {"message", report.message},
                         {"thread", report.thread},
                         {"here", frames_json(report.here)},
                         {"other", frames_json(report.other)},
                         {"allocated", frames_json(report.allocated)},
                         {"freed", frames_json(report.freed)},
                         {"schedule", report.schedule},
                         {"fewest_switches", report.smallest.fewest_switches},
                         {"shortest", report.smallest.shortest},
                         {"execution", report.execution}});
    }
    ordered_json unexplained = ordered_json::array();
    for (const auto& history : one.unexplained) unexplained.push_back(history_json(history));
    object["scenarios"].push_back({{"name", one.scenario.name},
                                   {"sentence", one.scenario.sentence},
                                   {"verdict", verdict_of(one)},
                                   {"executions", exploration.executions},
                                   {"complete", exploration.complete},
                                   {"abandoned", exploration.abandoned},
                                   {"steps", exploration.steps},
                                   {"longest", exploration.longest},
                                   {"histories", exploration.histories.size()},
                                   {"excused", one.excused},
                                   {"judged", one.judged},
                                   {"by_specification", one.by_specification},
                                   {"too_many_orders", one.too_many_orders},
                                   {"exhausted", exploration.exhausted},
                                   {"seconds", exploration.seconds},
                                   {"coverage", coverage_json(one.coverage, false)},
                                   {"reports", std::move(reports)},
                                   {"unexplained", std::move(unexplained)}});
  }
  return object;
}

std::string print_scenarios(const ScenariosRun& run) {
  std::string text = fmt::format(
      "{}: {} of {}; {} scenario{}, search {}{}\n", run.verdict(), run.target->name(), run.source,
      run.runs.size(), run.runs.size() == 1 ? "" : "s", linux_harness::name(run.options.search),
      run.options.preemptions ? fmt::format(", at most {} preemptions", *run.options.preemptions)
                              : "");
  constexpr std::size_t kListed = 40;
  text += fmt::format("  {:18} {:>10} {:>10} {:>7} {:>9} {:>6} {:>8} {:>8}  verdict\n", "scenario",
                      "executions", "complete", "longest", "histories", "blocks", "branches", "s");
  std::size_t quiet = 0;
  for (const ScenarioRun& one : run.runs) {
    const Exploration& exploration = one.exploration;
    if (run.runs.size() > kListed && verdict_of(one) == "holds") {
      ++quiet;
      continue;
    }
    text += fmt::format("  {:18} {:>10} {:>10} {:>7} {:>9} {:>6} {:>8} {:>8.2f}  {}\n",
                        one.scenario.name, exploration.executions, exploration.complete,
                        exploration.longest, exploration.histories.size(), one.coverage.blocks_run,
                        one.coverage.branches_taken, exploration.seconds, verdict_of(one));
  }
  if (quiet != 0) text += fmt::format("  and {} scenarios that hold\n", quiet);
  std::size_t excused = 0;
  for (const ScenarioRun& one : run.runs) excused += one.excused;
  if (excused != 0) {
    text += fmt::format(
        "  {} histories have an order in which a call breaks its contract: what "
        "follows from it is not judged\n",
        excused);
  }
  if (run.target != &linux_harness::ioasid_target()) {
    const auto count = std::ranges::count_if(run.runs, &ScenarioRun::by_specification);
    if (count != 0) {
      text +=
          fmt::format("  results of {} scenarios are judged by the specification ({})\n", count,
                      run.target->name().starts_with("iommufd") ? "spec/iommufd" : "spec/iommu");
    }
    text +=
        run.options.failing_allocations
            ? "  with failing allocations, results are not compared with those without concurrency\n"
            : "  results are compared with those of the same calls without concurrency\n";
  }
  for (const ScenarioRun& one : run.runs) {
    if (one.too_many_orders != 0) {
      text +=
          fmt::format("  {}: {} histories were not compared, their calls have too many orders\n",
                      one.scenario.name, one.too_many_orders);
    }
  }
  std::size_t number = 0;
  for (const ScenarioCause& cause : run.causes) {
    text += fmt::format("\n  {}. {}\n     shown by {} scenario{}; the shortest execution\n{}",
                        ++number, cause.title, cause.scenarios.size(),
                        cause.scenarios.size() == 1 ? "" : "s", cause.text);
  }
  text += '\n' + print_coverage(run.coverage, run.target->file());
  text +=
      "\n  Not checked: other memory models than sequential consistency (data races are "
      "found by\n  happens-before), interrupts, other calls than these.\n";
  return text;
}

}  // namespace iommucheck::cli
