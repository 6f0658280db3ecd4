// SPDX-License-Identifier: MIT
// The cells of a comparison, and its table.
#include "cli/comparison.h"

#include <algorithm>

#include <fmt/format.h>

namespace iommucheck::cli {

std::size_t ComparedDesign::steps_taken() const {
  return static_cast<std::size_t>(std::count_if(result.coverage.begin(), result.coverage.end(),
                                                [](const auto& step) { return step.taken != 0; }));
}

std::string ComparisonCell::verdict() const {
  switch (kind) {
    case Kind::absent: return "-";
    case Kind::holds: return "holds";
    case Kind::unbroken: return "holds*";
    case Kind::violated: return "violated";
    default: return "unknown";
  }
}

ComparisonCell cell_of(const ComparedDesign& row, const std::string& property, bool mutants) {
  using Kind = ComparisonCell::Kind;
  ComparisonCell cell{Kind::absent, {}};
  for (const FoundBug& found : row.found) {
    if (found.bug->property == property) cell.bugs.push_back(&found);
  }
  const bool has = std::any_of(row.properties.begin(), row.properties.end(),
                               [&](const auto& p) { return p.first == property; });
  if (!has) return cell;
  switch (row.result.verdict) {
    case checker::Verdict::holds:
      cell.kind = mutants && cell.bugs.empty() ? Kind::unbroken : Kind::holds;
      break;
    case checker::Verdict::violated: {
      const auto broken = static_cast<std::size_t>(row.result.path->failure.property);
      // The search ends at the first violation: nothing is known of the other properties.
      cell.kind = row.properties.at(broken).first == property ? Kind::violated : Kind::unknown;
      break;
    }
    default: cell.kind = Kind::unknown;
  }
  return cell;
}

std::vector<std::pair<std::string, std::string>> all_properties(
    const std::vector<ComparedDesign>& rows) {
  std::vector<std::pair<std::string, std::string>> all;
  for (const ComparedDesign& row : rows) {
    auto names = row.properties;
    for (const FoundBug& found : row.found) names.emplace_back(found.bug->property, "");
    for (const auto& p : names) {
      const bool there = std::any_of(all.begin(), all.end(),
                                     [&](const auto& other) { return other.first == p.first; });
      if (!there) all.push_back(p);
    }
  }
  return all;
}

std::string comparison_as_text(const std::vector<ComparedDesign>& rows, bool mutants) {
  std::string text = "| property |";
  for (const ComparedDesign& row : rows) text += fmt::format(" {} |", row.design->name());
  text += "\n|---|";
  for (std::size_t i = 0; i < rows.size(); ++i) text += "---|";
  text += '\n';
  const auto all = all_properties(rows);
  bool unbroken = false;
  for (const auto& [name, sentence] : all) {
    text += fmt::format("| {} |", name);
    for (const ComparedDesign& row : rows) {
      const ComparisonCell cell = cell_of(row, name, mutants);
      unbroken = unbroken || cell.kind == ComparisonCell::Kind::unbroken;
      text += ' ' + cell.verdict();
      for (const FoundBug* found : cell.bugs) {
        text += fmt::format("; {}: {} ({} steps)", found->bug->name, checker::name(found->verdict),
                            found->steps);
      }
      text += " |";
    }
    text += '\n';
  }
  text += '\n';
  if (unbroken) text += "* no bug and no mutant of this design breaks it: perhaps nothing could\n";
  for (const auto& [name, sentence] : all) {
    if (!sentence.empty()) text += fmt::format("- {}: {}\n", name, sentence);
  }
  text += '\n';
  for (const ComparedDesign& row : rows) {
    text +=
        fmt::format("{}: {}\n  {}; {} states, depth {}; {} of {} steps taken\n", row.design->name(),
                    row.design->source(), print_scope(row.subject), row.result.states,
                    row.result.depth, row.steps_taken(), row.result.coverage.size());
    if (!row.result.reason.empty()) text += fmt::format("  {}\n", row.result.reason);
    for (const FoundBug& found : row.found) {
      text += fmt::format("  {} ({}; {}): {}\n", found.bug->name, found.bug->source,
                          print_bounds(found.bug->bounds), found.bug->sentence);
    }
  }
  return text;
}

}  // namespace iommucheck::cli
