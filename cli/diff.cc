// SPDX-License-Identifier: MIT
// iommucheck diff: what a patch changes about the behaviour of kernel code, under every schedule.
#include <unistd.h>

#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/kernel_scenarios.h"
#include "impl/linux/patch.h"

namespace iommucheck::cli {
namespace {

using linux_harness::Changed;
using linux_harness::KernelBuild;
using linux_harness::Runner;
using linux_harness::Scenario;
using linux_harness::SourceTree;
using linux_harness::Target;
using nlohmann::ordered_json;

/// Something that a scenario can show: a combination of results, or a report.
struct Behaviour {
  std::string scenario;
  std::string text;
  std::string schedule;  ///< the shortest known that shows it
  bool is_report = false;
};
using Behaviours = std::map<std::pair<std::string, std::string>, Behaviour>;

void add(Behaviours& all, Behaviour one) {
  const auto [place, is_new] = all.try_emplace({one.scenario, one.text}, one);
  if (!is_new && one.schedule.size() < place->second.schedule.size()) {
    place->second.schedule = one.schedule;
  }
}

Behaviours behaviours_of(const ScenariosRun& run) {
  Behaviours all;
  for (const ScenarioRun& one : run.runs) {
    for (const auto& history : one.exploration.histories) {
      std::string text;
      for (const auto& call : history.calls) {
        text += fmt::format("{}CPU{} {} = {}", text.empty() ? "" : "; ", call.thread,
                            call.call.text, call.returned ? call.result : "does not return");
      }
      add(all, {one.scenario.name, std::move(text), history.schedule, false});
    }
    for (const auto& report : one.exploration.reports) {
      // Without line numbers: a patch moves lines.
      const auto place = [](const std::vector<linux_harness::Frame>& frames) {
        std::string names;
        for (const auto& frame : frames) {
          if (frame.file.ends_with(".c")) return names + frame.function;
          names += frame.function + " in ";
        }
        return names.empty() ? std::string{"?"} : names;
      };
      std::string text = fmt::format("{} in {}", report.kind, place(report.here));
      if (!report.other.empty()) text += fmt::format(" and {}", place(report.other));
      add(all, {one.scenario.name, std::move(text), report.schedule, true});
    }
  }
  return all;
}

struct Difference {
  std::vector<Behaviour> removed, added;
  std::size_t kept = 0;
  bool exhausted = true;
};

Difference compare(const ScenariosRun& before, const ScenariosRun& after) {
  const Behaviours old = behaviours_of(before), now = behaviours_of(after);
  Difference difference;
  for (const auto& [key, behaviour] : old) {
    if (now.contains(key)) {
      ++difference.kept;
    } else {
      difference.removed.push_back(behaviour);
    }
  }
  for (const auto& [key, behaviour] : now) {
    if (!old.contains(key)) difference.added.push_back(behaviour);
  }
  for (const ScenariosRun* run : {&before, &after}) {
    for (const ScenarioRun& one : run->runs) difference.exhausted &= one.exploration.exhausted;
  }
  return difference;
}

ordered_json to_json(const std::vector<Behaviour>& behaviours) {
  ordered_json all = ordered_json::array();
  for (const Behaviour& one : behaviours) {
    all.push_back({{"scenario", one.scenario},
                   {"kind", one.is_report ? "report" : "results"},
                   {"behaviour", one.text},
                   {"schedule", one.schedule}});
  }
  return all;
}

std::string print(std::string_view title, const std::vector<Behaviour>& behaviours,
                  const std::vector<Scenario>& scenarios) {
  std::string text = fmt::format("\n{}: {}\n", title, behaviours.size());
  for (const Behaviour& one : behaviours) {
    for (const Scenario& scenario : scenarios) {
      if (scenario.name != one.scenario) continue;
      text += fmt::format("  {} ({})\n    {}\n", one.scenario, scenario.sentence, one.text);
      if (!one.schedule.empty()) text += fmt::format("    schedule {}\n", one.schedule);
    }
  }
  return text;
}

struct Sides {
  Runner before, after;
  std::string what;
};

Sides build(const Target& target, const std::optional<std::string>& tree,
            const std::optional<std::string>& package, const std::optional<std::string>& patch,
            const std::optional<std::string>& against,
            const std::function<void(std::string_view)>& say) {
  linux_harness::Cache cache{linux_harness::Cache::default_directory(), say};
  const SourceTree base =
      tree ? linux_harness::open_tree(cache, *tree) : linux_harness::open_package(cache, *package);
  // First what can be wrong quickly.
  std::map<std::string, std::string> texts;
  if (patch) texts = linux_harness::apply_patch(cache, base, *patch);
  const KernelBuild build = target.prepare(cache, base);
  Runner before = target.build(cache, build);
  if (against) {
    const SourceTree other = linux_harness::open_tree(cache, *against);
    return {std::move(before), target.build(cache, target.prepare(cache, other)),
            fmt::format("from {} to {}", base.origin.string(), *against)};
  }
  const std::string& file = target.file();
  const std::string what = fmt::format("{} on {}", *patch, base.origin.string());
  if (texts.size() == 1 && texts.contains(file)) {
    const Changed changed{"patched", texts.at(file)};
    return {std::move(before), target.build(cache, build, changed), what};
  }
  const SourceTree changed = linux_harness::changed_tree(cache, base, texts);
  return {std::move(before), target.build(cache, target.prepare(cache, changed)), what};
}

}  // namespace

int diff_command(const Words& words) {
  Arguments arguments{words, {"json", "failing-allocations"}};
  const bool as_json = arguments.flag("json");
  const auto tree = arguments.text("tree");
  const auto package = arguments.text("package");
  const auto patch = arguments.text("patch");
  const auto against = arguments.text("against");
  if (tree.has_value() == package.has_value())
    throw UsageError("give either --tree DIR or --package NAME: what the patch applies to");
  if (patch.has_value() == against.has_value())
    throw UsageError("give either --patch FILE or --against DIR (another tree)");
  const Target& target = target_named(arguments);
  linux_harness::SearchOptions options;
  options.failing_allocations = arguments.flag("failing-allocations");
  options.executions = arguments.number("executions", options.executions, 1, ~0ULL);
  options.seconds =
      static_cast<double>(arguments.number("seconds", 60, 1, std::uint64_t{1} << 32U));
  const auto scenarios = choose_scenarios(target, arguments.text("scenario", "all,pairs"));
  arguments.finish(
      "--tree, --package, --patch, --against, --scenario, --executions, --seconds, "
      "--failing-allocations, --json");

  const bool terminal = isatty(STDERR_FILENO) != 0;
  const auto say = [&](std::string_view what) {
    if (terminal) fmt::print(stderr, "{}\n", what);
  };
  Sides sides = build(target, tree, package, patch, against, say);
  linux_harness::ScheduledKernel before{target, std::move(sides.before)},
      after{target, std::move(sides.after)};
  const ScenariosRun old = explore_scenarios(before, scenarios, options, say);
  const ScenariosRun now = explore_scenarios(after, scenarios, options, say);
  const Difference difference = compare(old, now);
  const bool same = difference.removed.empty() && difference.added.empty();
  const std::string verdict = !same ? "differs" : difference.exhausted ? "same" : "unknown";
  if (as_json) {
    const ordered_json object = {{"verdict", verdict},
                                 {"scope",
                                  {{"target", target.name()},
                                   {"change", sides.what},
                                   {"scenarios", scenarios.size()},
                                   {"exhausted", difference.exhausted}}},
                                 {"removed", to_json(difference.removed)},
                                 {"added", to_json(difference.added)},
                                 {"kept", difference.kept}};
    fmt::print("{}\n", object.dump(2));
  } else {
    fmt::print("{}: {}, {}; {} scenarios{}\n{}{}\nkept: {}\n", verdict, target.name(), sides.what,
               scenarios.size(),
               difference.exhausted ? ", every schedule" : ", some cut by a limit",
               print("removed", difference.removed, scenarios),
               print("added", difference.added, scenarios), difference.kept);
  }
  return same ? (difference.exhausted ? 0 : 2) : 1;
}

}  // namespace iommucheck::cli
