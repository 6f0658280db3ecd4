// SPDX-License-Identifier: MIT
// Writing and reading counterexamples.
#include "cli/trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/spec_model.h"

namespace iommucheck::cli {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr int kColumn = 44;

/// Variables of the checker itself, which no kernel engineer asked for.
bool is_bookkeeping(const std::string& field) {
  const auto ends = [&](std::string_view suffix) {
    return field.size() >= suffix.size() &&
           field.compare(field.size() - suffix.size(), suffix.size(), suffix) == 0;
  };
  return ends(".pc") || ends(".took_effect") || ends(".looking") || ends(".answers_seen") ||
         ends(".calls");
}

const StepCode& code_of(const Machine<Concrete>& machine, ActionId action) {
  return machine.processes().at(action.process).code->at(action.step);
}

ordered_json state_to_json(const Schema& schema, StateView state, ordered_json meta) {
  ordered_json object;
  object["#meta"] = std::move(meta);
  for (std::uint32_t f = 0; f < schema.fields().size(); ++f)
    object[schema.fields()[f].name] = schema.get(state, f);
  return object;
}

checker::PackedState state_from_json(const Schema& schema, const json& object) {
  checker::PackedState state(schema.words());
  for (std::uint32_t f = 0; f < schema.fields().size(); ++f) {
    const auto& field = schema.fields()[f];
    const auto found = object.find(field.name);
    if (found == object.end() || !found->is_number_unsigned()) {
      throw TraceError(
          fmt::format("a state has no number '{}': is the trace of this version and these bounds?",
                      field.name));
    }
    const auto value = found->get<std::uint64_t>();
    if (value > field.max)
      throw TraceError(fmt::format("{} = {} is out of range", field.name, value));
    schema.set(state, f, static_cast<std::uint32_t>(value));
  }
  return state;
}

/// A whole number of 0 .. max, and nothing that would have to be cut to be one.
std::uint32_t whole_number(const json& value, std::uint32_t max, const char* what) {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > max) {
    throw TraceError(fmt::format("{} is no whole number of 0 to {}: {}", what, max, value.dump()));
  }
  return static_cast<std::uint32_t>(value.get<std::uint64_t>());
}

/// Strings that outlive a trace read from a file.
const char* keep(const std::string& text) {
  static std::set<std::string> texts;
  return texts.insert(text).first->c_str();
}

}  // namespace

std::unique_ptr<Machine<Concrete>> build_concrete(const Subject& subject) {
  auto machine = find_model(subject.model).concrete(subject.bounds, subject.bug);
  if (!subject.property.empty() && !machine->check_only(subject.property)) {
    std::string names;
    for (const auto& p : machine->properties())
      names += fmt::format("{}{}", names.empty() ? "" : ", ", p.name);
    for (const auto& p : machine->liveness()) names += fmt::format(", {}", p.name);
    throw UsageError(
        fmt::format("{} has no property '{}'; it has {}", subject.model, subject.property, names));
  }
  return machine;
}

std::unique_ptr<Machine<Symbolic>> build_symbolic(const Subject& subject) {
  auto machine = find_model(subject.model).symbolic(subject.bounds, subject.bug);
  if (!subject.property.empty() && !machine->check_only(subject.property)) {
    throw UsageError(fmt::format("{} has no property '{}'", subject.model, subject.property));
  }
  return machine;
}

std::string print_columns(const Machine<Concrete>& machine) {
  std::string header = "      ";
  std::string rule = "      ";
  for (const auto& p : machine.processes()) {
    header += fmt::format("{:<{}}", p.name, kColumn);
    rule += fmt::format("{:<{}}", std::string(p.name.size(), '-'), kColumn);
  }
  const auto trimmed = [](std::string s) {
    s.erase(s.find_last_not_of(' ') + 1);
    return s + "\n";
  };
  return trimmed(header) + trimmed(rule);
}

std::string print_steps(const Machine<Concrete>& machine, std::size_t first, StateView before,
                        const std::vector<checker::PathStep>& steps) {
  std::string text;
  std::size_t number = first;
  for (const auto& step : steps) {
    const StepCode& code = code_of(machine, step.action);
    const std::string indent(static_cast<std::size_t>(kColumn) * step.action.process, ' ');
    if (code.entry) text += fmt::format("      {}{}()\n", indent, code.program);
    text += fmt::format("{:>4}  {}  {}\n", number++, indent, code.label);
    for (const auto& change : machine.schema.diff(before, step.after)) {
      if (is_bookkeeping(change.name)) continue;
      text += fmt::format("      {}      {}: {} -> {}\n", indent, change.name, change.before,
                          change.after);
    }
    before = step.after;
  }
  return text;
}

std::string print_path(const Machine<Concrete>& machine, const checker::Path& path) {
  std::string text = print_columns(machine) + print_steps(machine, 1, path.initial, path.steps);
  const auto& property = machine.properties().at(static_cast<std::size_t>(path.failure.property));
  text += fmt::format("\n      {}: {}\n", property.name, path.failure.detail);
  if (path.failure.detail != property.sentence)
    text += fmt::format("      {}\n", property.sentence);
  return text;
}

ordered_json trace_to_json(const Subject& subject, const Machine<Concrete>& machine,
                           const checker::PackedState& initial,
                           const std::vector<checker::PathStep>& steps) {
  ordered_json trace;
  ordered_json& meta = trace["#meta"];
  meta["format"] = "ITF";
  meta["format-description"] = "https://apalache.informal.systems/docs/adr/015adr-trace.html";
  meta["model"] = subject.model;
  meta["bug"] = subject.bug;
  meta["checked"] = subject.property;
  meta["bounds"] = subject.bounds;
  for (const auto& f : machine.schema.fields()) trace["vars"].push_back(f.name);
  trace["states"].push_back(state_to_json(machine.schema, initial, {{"index", 0}}));
  std::size_t index = 0;
  for (const auto& step : steps) {
    const StepCode& code = code_of(machine, step.action);
    trace["states"].push_back(
        state_to_json(machine.schema, step.after,
                      {{"index", ++index},
                       {"process", machine.processes()[step.action.process].name},
                       {"program", code.program},
                       {"label", code.label},
                       {"action", {step.action.process, step.action.step}}}));
  }
  return trace;
}

ordered_json path_to_json(const Subject& subject, const Machine<Concrete>& machine,
                          const checker::Path& path) {
  ordered_json trace = trace_to_json(subject, machine, path.initial, path.steps);
  trace["#meta"]["property"] =
      machine.properties().at(static_cast<std::size_t>(path.failure.property)).name;
  trace["#meta"]["detail"] = path.failure.detail;
  return trace;
}

Subject subject_of(const json& trace) {
  try {
    const json& meta = trace.at("#meta");
    Subject subject{meta.at("model"), meta.value("bug", ""), meta.value("checked", ""), {}};
    for (const auto& [bound, value] : meta.at("bounds").items()) {
      subject.bounds[bound] = whole_number(value, 1'000'000, "a bound");
    }
    return subject;
  } catch (const json::exception& e) {
    throw TraceError(fmt::format("this is no trace of iommucheck: {}", e.what()));
  }
}

checker::Path steps_from_json(const Machine<Concrete>& machine, const json& trace) {
  try {
    checker::Path path;
    bool first = true;
    for (const json& state : trace.at("states")) {
      auto packed = state_from_json(machine.schema, state);
      if (first) {
        path.initial = std::move(packed);
        first = false;
        continue;
      }
      const json& action = state.at("#meta").at("action");
      constexpr std::uint32_t kMax = 0xffff;
      if (!action.is_array() || action.size() != 2)
        throw TraceError("an action is a process and a step");
      const ActionId id{static_cast<std::uint16_t>(whole_number(action.at(0), kMax, "a process")),
                        static_cast<std::uint16_t>(whole_number(action.at(1), kMax, "a step"))};
      path.steps.push_back({id, std::move(packed)});
    }
    if (first) throw TraceError("the trace has no state");
    return path;
  } catch (const json::exception& e) {
    throw TraceError(fmt::format("this is no trace of iommucheck: {}", e.what()));
  }
}

checker::Path path_from_json(const Machine<Concrete>& machine, const json& trace) {
  try {
    const json& meta = trace.at("#meta");
    const auto& properties = machine.properties();
    const auto known = std::find_if(properties.begin(), properties.end(), [&](const auto& p) {
      return p.name == meta.at("property").get<std::string>();
    });
    if (known == properties.end())
      throw TraceError("the trace violates a property that the model does not have");
    checker::Path path = steps_from_json(machine, trace);
    path.failure = {static_cast<PropertyId>(known - properties.begin()),
                    keep(meta.at("detail").get<std::string>())};
    return path;
  } catch (const json::exception& e) {
    throw TraceError(fmt::format("this is no trace of iommucheck: {}", e.what()));
  }
}

}  // namespace iommucheck::cli
