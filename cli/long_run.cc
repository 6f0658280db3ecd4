// SPDX-License-Identifier: MIT
// Checking a subject in the long run, and reporting it.
#include "cli/long_run.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/commands.h"
#include "cli/exploration.h"

namespace iommucheck::cli {

using checker::Assume;
using checker::Lasso;
using nlohmann::ordered_json;

bool is_liveness(const Subject& subject, const std::string& property) {
  Subject any = subject;
  any.property.clear();
  const auto machine = build_concrete(any);
  const auto& list = machine->liveness();
  return std::any_of(list.begin(), list.end(), [&](const auto& p) { return p.name == property; });
}

checker::LivenessResult check_in_the_long_run(const Subject& subject,
                                              const checker::LivenessOptions& options) {
  return checker::check_liveness([&] { return build_concrete(subject); }, options);
}

const Lasso* first_lasso(const checker::LivenessResult& result) {
  for (const auto& answer : result.answers) {
    if (answer.lasso) return &*answer.lasso;
  }
  return nullptr;
}

ordered_json liveness_scope_to_json(const Subject& subject, Assume assume) {
  const auto machine = build_concrete(subject);
  ordered_json scope;
  scope["fairness"] = checker::name(assume);
  scope["assumed"] = checker::assumed(*machine, assume);
  scope["properties"] = ordered_json::array();
  for (std::size_t i = 0; i < machine->liveness().size(); ++i) {
    if (machine->checks_liveness(i)) scope["properties"].push_back(machine->liveness()[i].name);
  }
  return scope;
}

ordered_json answers_to_json(const Subject& subject, const checker::LivenessResult& result) {
  const auto machine = build_concrete(subject);
  ordered_json rows = ordered_json::array();
  for (const auto& answer : result.answers) {
    const auto& property = machine->liveness()[answer.property];
    rows.push_back({{"name", property.name},
                    {"sentence", property.sentence},
                    {"verdict", checker::name(answer.verdict)},
                    {"pending_states", answer.pending}});
    rows.back()["case"] = nullptr;
    if (answer.lasso) rows.back()["case"] = property.cases.at(answer.lasso->which);
  }
  return rows;
}

std::string print_liveness(const Subject& subject, const checker::LivenessResult& result,
                           Assume assume) {
  const auto machine = build_concrete(subject);
  std::string text;
  const auto assumptions = checker::assumed(*machine, assume);
  if (assumptions.empty()) {
    text +=
        "  in the long run, no fairness assumed: as long as somebody can go on, somebody does\n";
  } else {
    text += fmt::format("  in the long run, assuming ({}):\n", checker::name(assume));
    for (const auto& a : assumptions) text += fmt::format("    {}\n", a);
  }
  for (const auto& answer : result.answers) {
    const auto& property = machine->liveness()[answer.property];
    text += fmt::format("    {:<8}  {:<26} {}\n", checker::name(answer.verdict), property.name,
                        property.sentence);
    if (answer.verdict == checker::Verdict::holds && answer.pending == 0)
      text += "              NEVER REQUIRED within these bounds: it says nothing\n";
  }
  if (!result.reason.empty()) text += fmt::format("  reason: {}\n", result.reason);
  text += fmt::format("  {} states, {} transitions, {:.2f} s, {:.0f} bytes/state\n", result.states,
                      result.transitions, result.seconds, result.bytes_per_state);
  if (const Lasso* lasso = first_lasso(result)) {
    text += fmt::format("\n  a counterexample, {} (replayed):\n\n{}", print_lengths(*lasso),
                        print_lasso(*machine, *lasso));
  }
  return text;
}

LongRunReport report_in_the_long_run(const Subject& subject, const checker::Options& options,
                                     Assume assume) {
  LongRunReport report;
  std::optional<checker::Exploration> safety;
  if (subject.property.empty()) {
    safety = explore_subject(subject, options);
    report.object = exploration_to_json(subject, *safety);
    report.text = print_exploration(subject, *safety);
  } else {
    report.text = "  safety is not looked at\n";
    report.object["scope"] = scope_to_json(subject);
  }
  report.object["scope"]["engine"] = "explicit";
  report.object["scope"]["liveness"] = liveness_scope_to_json(subject, assume);
  report.object["liveness"] = nullptr;
  if (safety && safety->verdict != checker::Verdict::holds) {
    report.code = checker::exit_code(safety->verdict);
    report.text += "\n  liveness is not judged: safety comes first\n";
    return report;
  }

  checker::LivenessOptions limits;
  limits.fairness = assume;
  limits.states = options.limits.states;
  limits.memory_bytes = options.limits.memory_bytes;
  limits.seconds = options.limits.seconds;
  const auto result = check_in_the_long_run(subject, limits);
  report.code = checker::exit_code(result.verdict);
  auto& object = report.object;
  object["verdict"] = checker::name(result.verdict);
  if (!result.reason.empty()) object["reason"] = result.reason;
  if (!safety) {
    object["states"] = result.states;
    object["transitions"] = result.transitions;
    object["seconds"] = result.seconds;
    object["bytes_per_state"] = result.bytes_per_state;
  }
  object["liveness"] = answers_to_json(subject, result);
  object["trace"] = nullptr;
  if (const Lasso* lasso = first_lasso(result)) {
    const auto machine = build_concrete(subject);
    const auto& property = machine->liveness().at(lasso->property);
    object["property"] = property.name;
    object["detail"] = property.sentence;
    object["trace"] = lasso_to_json(subject, *machine, *lasso);
  }
  // The first line of the report on safety gives way to one for all.
  const std::size_t rest = safety ? report.text.find('\n') + 1 : 0;
  report.text.replace(0, rest,
                      fmt::format("{}: {}{}\n", checker::name(result.verdict), print_scope(subject),
                                  safety ? "; safety and liveness" : ""));
  report.text += print_liveness(subject, result, assume);
  if (safety && result.reason.empty() &&
      (safety->states != result.states || safety->transitions != result.transitions)) {
    report.code = kDisagree;
    report.text +=
        fmt::format("  THE ENGINES DISAGREE: the explicit engine met {} states, {} transitions\n",
                    safety->states, safety->transitions);
    object["agrees"] = false;
  }
  return report;
}

}  // namespace iommucheck::cli
