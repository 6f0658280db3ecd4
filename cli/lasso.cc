// SPDX-License-Identifier: MIT
// Writing and reading lassos.
#include "cli/lasso.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace iommucheck::cli {

using checker::Assume;
using checker::Lasso;
using nlohmann::json;
using nlohmann::ordered_json;

namespace {

constexpr std::array kAssumptions{Assume::none, Assume::weak, Assume::strong};

std::string case_of(const LeadsTo<Concrete>& property, unsigned which) {
  const std::string& name = property.cases.at(which);
  return name.empty() ? "" : fmt::format(" ({})", name);
}

}  // namespace

Assume to_assume(const std::string& word) {
  for (const Assume assume : kAssumptions) {
    if (checker::name(assume) == word) return assume;
  }
  throw UsageError(fmt::format("there is no fairness '{}'; there are none, weak, strong", word));
}

std::string print_lengths(const Lasso& lasso) {
  const auto steps = [](std::size_t n) { return fmt::format("{} step{}", n, n == 1 ? "" : "s"); };
  if (lasso.cycle.empty()) return steps(lasso.stem.size()) + ", and then none for ever";
  return fmt::format("{}, and then {} again and again", steps(lasso.stem.size()),
                     steps(lasso.cycle.size()));
}

std::string print_lasso(Machine<Concrete>& machine, const Lasso& lasso) {
  std::string text = print_columns(machine) + print_steps(machine, 1, lasso.initial, lasso.stem);
  const checker::PackedState& knot = lasso.stem.empty() ? lasso.initial : lasso.stem.back().after;
  if (lasso.cycle.empty()) {
    text +=
        "\n      here the run rests for ever: no call that has begun can go on, and nobody has "
        "to make another one\n";
  } else {
    text += "\n      ==== the cycle repeats from here ====\n";
    text += print_steps(machine, lasso.stem.size() + 1, knot, lasso.cycle);
    text +=
        fmt::format("      ==== and is back where it was after step {} ====\n", lasso.stem.size());
  }
  const auto& property = machine.liveness().at(lasso.property);
  text += fmt::format("\n      {}{} is broken: {}\n", property.name, case_of(property, lasso.which),
                      property.sentence);
  const auto lines = checker::honoured(machine, lasso);
  if (!lines.empty()) text += "      the run is fair:\n";
  for (const auto& line : lines) text += fmt::format("        {}\n", line);
  return text;
}

ordered_json lasso_to_json(const Subject& subject, const Machine<Concrete>& machine,
                           const Lasso& lasso) {
  std::vector<checker::PathStep> steps = lasso.stem;
  steps.insert(steps.end(), lasso.cycle.begin(), lasso.cycle.end());
  ordered_json trace = trace_to_json(subject, machine, lasso.initial, steps);
  const auto& property = machine.liveness().at(lasso.property);
  trace["#meta"]["property"] = property.name;
  trace["#meta"]["case"] = property.cases.at(lasso.which);
  trace["#meta"]["detail"] = property.sentence;
  trace["#meta"]["fairness"] = checker::name(lasso.fairness);
  trace["loop"] = lasso.stem.size();
  return trace;
}

bool has_loop(const json& trace) { return trace.contains("loop"); }

Lasso lasso_from_json(const Machine<Concrete>& machine, const json& trace) {
  try {
    const json& meta = trace.at("#meta");
    Lasso lasso;
    const auto& list = machine.liveness();
    const auto property = std::find_if(list.begin(), list.end(), [&](const auto& p) {
      return p.name == meta.at("property").get<std::string>();
    });
    if (property == list.end())
      throw TraceError("the trace violates a liveness property that the model does not have");
    lasso.property = static_cast<std::size_t>(property - list.begin());
    const auto which = std::find(property->cases.begin(), property->cases.end(),
                                 meta.at("case").get<std::string>());
    if (which == property->cases.end())
      throw TraceError(fmt::format("{} has no case {}", property->name, meta.at("case").dump()));
    lasso.which = static_cast<unsigned>(which - property->cases.begin());
    try {
      lasso.fairness = to_assume(meta.at("fairness").get<std::string>());
    } catch (const UsageError& e) {
      throw TraceError(e.what());
    }
    checker::Path path = steps_from_json(machine, trace);
    const json& loop = trace.at("loop");
    if (!loop.is_number_unsigned() || loop.get<std::uint64_t>() > path.steps.size())
      throw TraceError(fmt::format("loop is no state of the trace: {}", loop.dump()));
    const auto knot = path.steps.begin() + loop.get<std::ptrdiff_t>();
    lasso.initial = std::move(path.initial);
    lasso.stem.assign(path.steps.begin(), knot);
    lasso.cycle.assign(knot, path.steps.end());
    return lasso;
  } catch (const json::exception& e) {
    throw TraceError(fmt::format("this is no trace of iommucheck: {}", e.what()));
  }
}

}  // namespace iommucheck::cli
