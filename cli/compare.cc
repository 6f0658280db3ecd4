// SPDX-License-Identifier: MIT
// iommucheck compare: designs side by side, property by property, with the bugs that break each.
#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/comparison.h"

namespace iommucheck::cli {
namespace {

using nlohmann::ordered_json;

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

ComparedDesign explore_row(const model::DesignEntry& design, const model::BoundValues& bounds,
                           bool mutants, const std::string& symmetry) {
  ComparedDesign row{&design, {design.name(), "", "", design.complete(bounds)}, {}, {}, {}, {}};
  const auto machine = design.concrete(row.subject.bounds, "");
  for (const auto& p : machine->properties()) row.properties.emplace_back(p.name, p.sentence);
  checker::Options options;
  if (!symmetry.empty()) options.symmetry = parse_symmetry(symmetry, machine->schema);
  row.result = explore_subject(row.subject, options);
  if (row.result.path) row.path = print_path(*machine, *row.result.path);
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
    row.found.push_back({&bug, result.verdict, result.path ? result.path->steps.size() : 0,
                         result.path ? print_path(*own, *result.path) : ""});
  }
  return row;
}

ordered_json to_json(const ComparedDesign& row) {
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
  const std::set<std::string> switches{"json", "mutants"};
  std::vector<std::string> patterns;
  Words options;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i].compare(0, 2, "--") != 0) {
      patterns.push_back(words[i]);
      continue;
    }
    options.push_back(words[i]);
    const bool has_value = words[i].find('=') != std::string::npos;
    if (!has_value && !switches.contains(words[i].substr(2)) && i + 1 < words.size())
      options.push_back(words[++i]);
  }
  Arguments arguments{options, switches};
  const bool as_json = arguments.flag("json");
  const bool mutants = arguments.flag("mutants");
  const std::string symmetry = arguments.name("symmetry", "sorts, or all");
  const std::string page = arguments.name("page", "a file to write");
  if (patterns.empty())
    throw UsageError("compare needs designs: iommucheck compare 'sva/*', or names");
  const auto designs = matching(patterns);
  const auto bounds = arguments.rest_as_bounds(shared_bounds(designs), "every design compared");
  arguments.finish(
      "--mutants, --symmetry, --page, --json and the bounds that all the designs have");

  if (!page.empty()) write_text(page, "");  // before the work, if it cannot be written

  std::vector<ComparedDesign> rows;
  rows.reserve(designs.size());
  for (const auto* d : designs) rows.push_back(explore_row(*d, bounds, mutants, symmetry));
  int code = 0;
  for (const auto& row : rows) code = std::max(code, checker::exit_code(row.result.verdict));
  if (!page.empty()) write_text(page, comparison_as_page(rows, mutants));
  if (as_json) {
    ordered_json object = ordered_json::array();
    for (const auto& row : rows) object.push_back(to_json(row));
    fmt::print("{}\n", ordered_json{{"designs", object}}.dump(2));
  } else {
    fmt::print("{}", comparison_as_text(rows, mutants));
  }
  return code;
}

}  // namespace iommucheck::cli
