// SPDX-License-Identifier: MIT
// iommucheck check MODEL --walk: random walks, for models that are too large to visit all of.
#include "cli/walk.h"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "checker/walk/walk.h"
#include "cli/exploration.h"
#include "cli/subject.h"

namespace iommucheck::cli {
namespace {

using nlohmann::ordered_json;

constexpr const char* kWalkOptions =
    "--walk, --seed, --walks, --depth, --max-seconds, --jobs, --bug, --property, --trace, --json, "
    "and the bounds of the model (iommucheck list)";

ordered_json to_json(const Subject& subject, const checker::WalkOptions& options,
                     const checker::Walks& result) {
  ordered_json object;
  object["verdict"] = checker::name(result.verdict);
  object["scope"] = scope_to_json(subject);
  object["scope"]["engine"] = "walk";
  object["scope"]["states_stored"] = "not at all";
  if (subject.property.empty()) object["scope"]["property"] = "all of safety";
  object["scope"]["seed"] = options.seed;
  object["scope"]["depth"] = options.depth;
  if (!result.reason.empty()) object["reason"] = result.reason;
  object["walks"] = result.walks;
  object["steps"] = result.steps;
  object["longest"] = result.longest;
  object["ended"] = result.ended;
  object["states_met"] = result.states;
  object["states_error"] = result.states_error;
  object["seconds"] = result.seconds;
  object["coverage"] = ordered_json::array();
  for (const auto& c : result.coverage)
    object["coverage"].push_back({{"program", c.program}, {"label", c.label}, {"taken", c.taken}});
  object["trace"] = nullptr;
  if (result.path) {
    const auto machine = build_concrete(subject);
    object["property"] =
        machine->properties().at(static_cast<std::size_t>(result.path->failure.property)).name;
    object["detail"] = result.path->failure.detail;
    object["steps_before_shortening"] = result.path_before;
    object["trace"] = path_to_json(subject, *machine, *result.path);
  }
  return object;
}

std::string to_text(const Subject& subject, const checker::WalkOptions& options,
                    const checker::Walks& result) {
  std::string text =
      fmt::format("{}: {}; safety only; random walks of at most {} steps, seed {}\n",
                  checker::name(result.verdict), print_scope(subject), options.depth, options.seed);
  if (!result.reason.empty()) text += fmt::format("  reason: {}\n", result.reason);
  text += fmt::format(
      "  {} walks, {} steps, the longest walk {}; about {} different states (+- {:.0f} %), {:.2f} s\n",
      result.walks, result.steps, result.longest, result.states, 200 * result.states_error,
      result.seconds);
  if (result.path) {
    const auto machine = build_concrete(subject);
    text += fmt::format(
        "\n  a counterexample, {} steps (replayed; walk {} had {}; there may be a shorter one):\n\n{}",
        result.path->steps.size(), result.walks, result.path_before,
        print_path(*machine, *result.path));
    return text;
  }
  std::size_t never = 0;
  for (const auto& c : result.coverage) never += c.taken == 0 ? 1 : 0;
  text += fmt::format("  coverage: {} of {} steps taken\n", result.coverage.size() - never,
                      result.coverage.size());
  for (const auto& c : result.coverage) {
    if (c.taken == 0)
      text += fmt::format("  NOT TAKEN by these walks: {}(): {}\n", c.program, c.label);
  }
  return text;
}

}  // namespace

int check_by_walks(Arguments& arguments, bool as_json) {
  for (const char* option : {"engine", "symmetry", "max-states", "max-memory", "steps", "keep",
                             "disk", "checkpoint", "resume", "slice"}) {
    if (arguments.has(option)) {
      throw UsageError(fmt::format(
          "--{} is of a search of all states: random walks (--walk) have no use for it", option));
    }
  }
  for (const char* option : {"liveness", "fairness"}) {
    if (arguments.has(option)) {
      throw UsageError(fmt::format(
          "--{} and --walk: what has to happen some time is not seen by random walks", option));
    }
  }
  SubjectArguments about{arguments};
  checker::WalkOptions options;
  options.seed = arguments.number("seed", options.seed, 0, ~0ULL);
  options.depth = arguments.number("depth", options.depth, 1, 100'000'000);
  options.seconds = static_cast<double>(arguments.number("max-seconds", 0, 1, 1'000'000));
  // With a limit of seconds alone, they are used up.
  const std::uint64_t walks = options.seconds > 0 ? 0 : options.walks;
  options.walks = arguments.number("walks", walks, 1, ~0ULL);
  options.jobs = static_cast<unsigned>(arguments.number("jobs", 0, 1, 256));
  const std::string trace_file = arguments.name("trace", "the name of a file");
  const Subject subject = about.finish(kWalkOptions);

  const auto machine = build_concrete(subject);
  for (const auto& promise : machine->liveness()) {
    if (promise.name != subject.property) continue;
    throw UsageError(fmt::format(
        "--property {}: what has to happen some time is not seen by random walks", promise.name));
  }

  const auto result = checker::random_walk([&] { return build_concrete(subject); }, options);
  const auto object = to_json(subject, options, result);
  if (!trace_file.empty() && result.path) write_trace(trace_file, object.at("trace"));
  if (!as_json && !trace_file.empty() && !result.path)
    fmt::print(stderr, "iommucheck: no violation was met: {} is not written\n", trace_file);
  if (as_json) {
    fmt::print("{}\n", object.dump(2));
  } else {
    fmt::print("{}", to_text(subject, options, result));
  }
  return checker::exit_code(result.verdict);
}

}  // namespace iommucheck::cli
