// SPDX-License-Identifier: MIT
// iommucheck prove SPEC: the invariants of a specification are inductive, by Z3; the obligations
// can be written as SMT-LIB for another solver.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "checker/symbolic/induction.h"
#include "checker/symbolic/smtlib.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/exploration.h"
#include "cli/spec_model.h"

namespace iommucheck::cli {
namespace {

using nlohmann::ordered_json;

std::string print_failure(const Schema& schema, const checker::InductionFailure& failure) {
  std::string text;
  if (failure.base) {
    text += fmt::format("    an initial state: {}\n", schema.print(failure.after));
  } else {
    text += fmt::format(
        "    a counterexample to induction: {}: {}\n      before: {}\n      after:  {}\n",
        failure.program, failure.label, schema.print(failure.before), schema.print(failure.after));
    for (const auto& c : failure.changes)
      text += fmt::format("        {}: {} -> {}\n", c.name, c.before, c.after);
    for (const auto& [name, value] : failure.choices)
      text += fmt::format("        chosen {} = {}\n", name, value);
  }
  return text + fmt::format("      {}\n", failure.failure.detail);
}

ordered_json failure_to_json(const Schema& schema, const checker::InductionFailure& failure) {
  ordered_json object{
      {"base", failure.base}, {"call", failure.label}, {"detail", failure.failure.detail}};
  object["before"] =
      failure.base ? ordered_json(nullptr) : ordered_json(schema.print(failure.before));
  object["after"] = schema.print(failure.after);
  object["difference"] = ordered_json::array();
  for (const auto& c : failure.changes)
    object["difference"].push_back({{"field", c.name}, {"before", c.before}, {"after", c.after}});
  return object;
}

}  // namespace

int prove_command(const Words& words) {
  Arguments arguments{words, {"json"}};
  const bool as_json = arguments.flag("json");
  const std::string word = arguments.word("the SPEC (ioasid, iommu or iommufd)");
  const auto* spec = find_specification(word);
  if (spec == nullptr) {
    throw UsageError(
        fmt::format("there is no specification '{}'; there are ioasid, iommu and iommufd", word));
  }
  const std::string certificate = arguments.name("certificate", "the name of a directory");
  checker::InductionOptions options;
  options.query_seconds = static_cast<double>(arguments.number("max-seconds", 0, 1, 1'000'000));
  const Subject subject{spec->name(), "", "",
                        spec->complete(arguments.rest_as_bounds(spec->bounds(), spec->name()))};
  arguments.finish(
      "--certificate, --max-seconds (for a query), --json and the bounds (iommucheck list)");

  const checker::Relation relation{[&] { return build_symbolic(subject); }};
  const auto result = checker::prove_by_induction(relation, options);
  std::vector<std::string> files;
  if (!certificate.empty()) {
    try {
      files = checker::write_certificate(
          relation,
          "iommucheck prove " + spec->name().substr(5) + ": " + print_bounds(subject.bounds),
          certificate);
    } catch (const std::exception& e) {
      throw TraceError(
          fmt::format("the certificate cannot be written to {}: {}", certificate, e.what()));
    }
  }

  if (as_json) {
    ordered_json object;
    object["verdict"] = checker::name(result.verdict);
    object["scope"] = scope_to_json(subject);
    object["scope"]["states"] =
        "any state within the bounds that satisfies the invariants, reachable or not";
    object["properties"] = ordered_json::array();
    for (const auto& p : result.properties) {
      ordered_json property{{"name", p.name}, {"verdict", checker::name(p.verdict)}};
      if (!p.reason.empty()) property["reason"] = p.reason;
      property["counterexamples"] = ordered_json::array();
      for (const auto& f : p.failures)
        property["counterexamples"].push_back(failure_to_json(relation.schema(), f));
      object["properties"].push_back(property);
    }
    object["obligations"] = result.steps;
    object["queries"] = result.queries;
    object["impossible_steps"] = result.impossible;
    object["seconds"] = result.seconds;
    object["certificate"] = files;
    fmt::print("{}\n", object.dump(2));
  } else {
    fmt::print(
        "{}: {}; {}; for calls of any length, from any state that satisfies the invariants\n",
        checker::name(result.verdict), subject.model, print_bounds(subject.bounds));
    fmt::print("  {} properties, {} obligations, {} queries to Z3, {:.2f} s\n",
               result.properties.size(), result.steps, result.queries, result.seconds);
    for (const auto& p : result.properties) {
      fmt::print("  {:<28} {}{}\n", p.name, checker::name(p.verdict),
                 p.reason.empty() ? "" : ": " + p.reason);
      for (const auto& f : p.failures) fmt::print("{}", print_failure(relation.schema(), f));
    }
    for (const auto& step : result.impossible)
      fmt::print("  NEVER POSSIBLE within these bounds: {}\n", step);
    if (!files.empty())
      fmt::print("  certificate: {} files in {}; cvc5 re-checks each (expected: unsat)\n",
                 files.size(), certificate);
  }
  return checker::exit_code(result.verdict);
}

}  // namespace iommucheck::cli
