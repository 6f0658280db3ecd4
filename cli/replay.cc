// SPDX-License-Identifier: MIT
// iommucheck replay TRACE: takes a counterexample again, step by step, on a fresh machine.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/exploration.h"
#include "cli/lasso.h"

namespace iommucheck::cli {
namespace {

nlohmann::json read_trace(const std::string& file) {
  std::ifstream stream;
  if (file != "-") {
    if (std::filesystem::is_directory(file))
      throw TraceError(fmt::format("{} is a directory", file));
    stream.open(file);
    if (!stream) throw TraceError(fmt::format("{} cannot be read", file));
  }
  auto parsed = nlohmann::json::parse(file == "-" ? std::cin : stream, nullptr, false);
  if (parsed.is_discarded() || !parsed.is_object()) {
    throw TraceError(fmt::format(
        "{} is no JSON object: give a file that check --json or check --trace wrote", file));
  }
  // The whole answer of check --json is as good as its trace.
  if (parsed.contains("trace")) {
    if (parsed["trace"].is_null()) {
      const auto verdict = parsed.find("verdict");
      const bool named = verdict != parsed.end() && verdict->is_string();
      throw TraceError(fmt::format("{} has no trace: its verdict is {}", file,
                                   named ? verdict->get<std::string>() : "not there"));
    }
    return parsed["trace"];
  }
  return parsed;
}

}  // namespace

int replay_command(const Words& words) {
  Arguments arguments{words, {"json"}};
  const bool as_json = arguments.flag("json");
  const std::string file = arguments.word("the TRACE file (- for standard input)");
  arguments.finish("--json");

  const auto trace = read_trace(file);
  const Subject subject = subject_of(trace);
  std::unique_ptr<Machine<Concrete>> machine;
  try {
    machine = build_concrete(subject);
  } catch (const UsageError& e) {
    throw TraceError(fmt::format("the trace is of a model that is not here: {}", e.what()));
  }
  std::string why, text, property;
  std::size_t steps = 0;
  bool confirmed = false;
  std::optional<std::size_t> loop;
  if (has_loop(trace)) {
    const auto lasso = lasso_from_json(*machine, trace);
    confirmed = checker::replays(*machine, lasso, &why);
    loop = lasso.stem.size();
    steps = lasso.stem.size() + lasso.cycle.size();
    property = machine->liveness().at(lasso.property).name;
    if (confirmed) {
      text = fmt::format("  the trace replays: {}\n\n{}", print_lengths(lasso),
                         print_lasso(*machine, lasso));
    }
  } else {
    const auto path = path_from_json(*machine, trace);
    confirmed = checker::replays(*machine, path, &why);
    steps = path.steps.size();
    property = machine->properties().at(static_cast<std::size_t>(path.failure.property)).name;
    if (confirmed)
      text = fmt::format("  the trace replays, {} steps\n\n{}", steps, print_path(*machine, path));
  }
  if (as_json) {
    nlohmann::ordered_json object;
    object["verdict"] = confirmed ? "violated" : "unknown";
    object["scope"] = scope_to_json(subject);
    object["replayed"] = confirmed;
    if (!confirmed) object["reason"] = why;
    object["steps"] = steps;
    if (loop) object["loop"] = *loop;
    object["property"] = property;
    fmt::print("{}\n", object.dump(2));
  } else if (confirmed) {
    fmt::print("violated: {}\n{}", print_scope(subject), text);
  } else {
    fmt::print("the trace does not replay: {}\n", why);
  }
  return confirmed ? 1 : kDisagree;
}

}  // namespace iommucheck::cli
