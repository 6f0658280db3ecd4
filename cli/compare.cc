// SPDX-License-Identifier: MIT
// iommucheck compare: designs side by side, property by property, with the bugs that break each.
#include <fmt/format.h>
#include <fnmatch.h>

#include <map>
#include <nlohmann/json.hpp>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/exploration.h"

namespace iommucheck::cli {
namespace {

using nlohmann::ordered_json;

/// One bug: what a search for its property found.
struct Found {
  const model::BugInfo* bug;
  checker::Verdict verdict;
  std::size_t steps;
};

/// One design within the bounds, and its bugs within theirs.
struct Row {
  const model::DesignEntry* design;
  Subject subject;
  checker::Exploration result;
  std::vector<std::pair<std::string, std::string>> properties;  ///< name, sentence
  std::vector<Found> found;
};

std::vector<const model::DesignEntry*> matching(const std::vector<std::string>& patterns) {
  std::vector<const model::DesignEntry*> chosen;
  for (const auto& pattern : patterns) {
    const auto before = chosen.size();
    for (const auto* d : model::designs()) {
      const bool again = std::find(chosen.begin(), chosen.end(), d) != chosen.end();
      if (!again && fnmatch(pattern.c_str(), d->name().c_str(), 0) == 0) chosen.push_back(d);
    }
    if (chosen.size() == before)
      throw UsageError(
          fmt::format("no (other) design matches '{}'; iommucheck list names them all", pattern));
  }
  return chosen;
}

/// The bounds that all of them have: one that some design lacks would be ignored there.
std::vector<model::BoundInfo> shared_bounds(const std::vector<const model::DesignEntry*>& designs) {
  std::vector<model::BoundInfo> shared;
  for (const auto& bound : designs.front()->bounds()) {
    const bool everywhere = std::all_of(designs.begin(), designs.end(), [&](const auto* d) {
      return std::any_of(d->bounds().begin(), d->bounds().end(),
                         [&](const auto& other) { return other.name == bound.name; });
    });
    if (everywhere) shared.push_back(bound);
  }
  return shared;
}

Row explore_row(const model::DesignEntry& design, const model::BoundValues& bounds, bool mutants,
                const std::string& symmetry) {
  Row row{&design, {design.name(), "", "", design.complete(bounds)}, {}, {}, {}};
  const auto machine = design.concrete(row.subject.bounds, "");
  for (const auto& p : machine->properties()) row.properties.emplace_back(p.name, p.sentence);
  checker::Options options;
  if (!symmetry.empty()) options.symmetry = parse_symmetry(symmetry, machine->schema);
  row.result = explore_subject(row.subject, options);
  for (const auto& bug : design.bugs()) {
    if (bug.source == "mutant" && !mutants) continue;
    const bool safety = std::any_of(row.properties.begin(), row.properties.end(),
                                    [&](const auto& p) { return p.first == bug.property; });
    // A bug may need a bound whose property the design does not have without it.
    const auto own = design.concrete(bug.bounds, bug.name);
    const bool of_its_own = std::any_of(own->properties().begin(), own->properties().end(),
                                        [&](const auto& p) { return p.name == bug.property; });
    if (!safety && !of_its_own) continue;  // of the long run: check --liveness
    const Subject subject{design.name(), bug.name, bug.property, design.complete(bug.bounds)};
    const auto result = explore_subject(subject, {});
    row.found.push_back({&bug, result.verdict, result.path ? result.path->steps.size() : 0});
  }
  return row;
}

/// What stands in the cell of a design and a property.
std::string cell(const Row& row, const std::string& property) {
  const bool has = std::any_of(row.properties.begin(), row.properties.end(),
                               [&](const auto& p) { return p.first == property; });
  std::string text = has ? std::string{checker::name(row.result.verdict)} : "-";
  if (row.result.path) {
    const auto broken = static_cast<std::size_t>(row.result.path->failure.property);
    // The search ends at the first violation: nothing is known of the other properties.
    if (has && row.properties[broken].first != property) text = "unknown";
  }
  for (const auto& f : row.found) {
    if (f.bug->property != property) continue;
    text += fmt::format("; {}: {} ({} steps)", f.bug->name, checker::name(f.verdict), f.steps);
  }
  return text;
}

void print(const std::vector<Row>& rows) {
  fmt::print("| property |");
  for (const auto& row : rows) fmt::print(" {} |", row.design->name());
  fmt::print("\n|---|");
  for (std::size_t i = 0; i < rows.size(); ++i) fmt::print("---|");
  fmt::print("\n");
  std::vector<std::pair<std::string, std::string>> all;
  for (const auto& row : rows) {
    auto names = row.properties;
    for (const auto& f : row.found) names.emplace_back(f.bug->property, "");
    for (const auto& p : names) {
      const bool there = std::any_of(all.begin(), all.end(),
                                     [&](const auto& other) { return other.first == p.first; });
      if (!there) all.push_back(p);
    }
  }
  for (const auto& [name, sentence] : all) {
    fmt::print("| {} |", name);
    for (const auto& row : rows) fmt::print(" {} |", cell(row, name));
    fmt::print("\n");
  }
  fmt::print("\n");
  for (const auto& [name, sentence] : all) {
    if (!sentence.empty()) fmt::print("- {}: {}\n", name, sentence);
  }
  fmt::print("\n");
  for (const auto& row : rows) {
    std::size_t taken = 0;
    for (const auto& step : row.result.coverage) taken += step.taken != 0 ? 1 : 0;
    fmt::print("{}: {}\n  {}; {} states, depth {}; {} of {} steps taken\n", row.design->name(),
               row.design->source(), print_scope(row.subject), row.result.states, row.result.depth,
               taken, row.result.coverage.size());
    if (!row.result.reason.empty()) fmt::print("  {}\n", row.result.reason);
    for (const auto& f : row.found) {
      fmt::print("  {} ({}; {}): {}\n", f.bug->name, f.bug->source, print_bounds(f.bug->bounds),
                 f.bug->sentence);
    }
  }
}

ordered_json to_json(const Row& row) {
  ordered_json object = exploration_to_json(row.subject, row.result);
  for (const auto& p : row.properties)
    object["properties"].push_back({{"name", p.first}, {"sentence", p.second}});
  object["bugs"] = ordered_json::array();
  for (const auto& f : row.found) {
    object["bugs"].push_back({{"name", f.bug->name},
                              {"source", f.bug->source},
                              {"property", f.bug->property},
                              {"bounds", row.design->complete(f.bug->bounds)},
                              {"verdict", checker::name(f.verdict)},
                              {"steps", f.steps}});
  }
  return object;
}

}  // namespace

int compare_command(const Words& words) {
  std::vector<std::string> patterns;
  Words options;
  for (const auto& word : words) {
    const bool name = word.find('/') != std::string::npos && word.front() != '-';
    (name ? patterns : options).push_back(word);
  }
  Arguments arguments{options, {"json", "mutants"}};
  const bool as_json = arguments.flag("json");
  const bool mutants = arguments.flag("mutants");
  const std::string symmetry = arguments.name("symmetry", "sorts, or all");
  if (patterns.empty())
    throw UsageError("compare needs designs: iommucheck compare 'sva/*', or names with a '/'");
  const auto designs = matching(patterns);
  const auto bounds = arguments.rest_as_bounds(shared_bounds(designs), "every design compared");
  arguments.finish("--mutants, --symmetry, --json and the bounds that all the designs have");

  std::vector<Row> rows;
  for (const auto* d : designs) rows.push_back(explore_row(*d, bounds, mutants, symmetry));
  int code = 0;
  for (const auto& row : rows) code = std::max(code, checker::exit_code(row.result.verdict));
  if (as_json) {
    ordered_json object = ordered_json::array();
    for (const auto& row : rows) object.push_back(to_json(row));
    fmt::print("{}\n", ordered_json{{"designs", object}}.dump(2));
  } else {
    print(rows);
  }
  return code;
}

}  // namespace iommucheck::cli
