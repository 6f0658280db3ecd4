// SPDX-License-Identifier: MIT
// Comparison: designs side by side within the same bounds, with the bugs of each; as a table for
// the terminal, and as a page that needs nothing but a browser.
#ifndef IOMMUCHECK_CLI_COMPARISON_H
#define IOMMUCHECK_CLI_COMPARISON_H

#include <string>
#include <utility>
#include <vector>

#include "cli/exploration.h"

namespace iommucheck::cli {

/// One bug: what a search for its property found.
struct FoundBug {
  const model::BugInfo* bug;
  checker::Verdict verdict;
  std::size_t steps;
  std::string path;  ///< the shortest one, as `check` prints it
};

/// One design within the bounds, and its bugs within theirs.
struct ComparedDesign {
  const model::DesignEntry* design;
  Subject subject;
  checker::Exploration result;
  std::vector<std::pair<std::string, std::string>> properties;  ///< name, sentence
  std::vector<FoundBug> found;
  std::string path;  ///< where the design itself is violated

  std::size_t steps_taken() const;
};

/// What a design has to say about a property.
struct ComparisonCell {
  enum class Kind { absent, holds, unbroken, violated, unknown } kind;
  std::vector<const FoundBug*> bugs;  ///< that violate it

  /// "holds", "-", ...; `unbroken` holds, too, but no bug or mutant of the design that was tried
  /// breaks it: perhaps nothing could.
  std::string verdict() const;
};
ComparisonCell cell_of(const ComparedDesign& row, const std::string& property, bool mutants);

/// The properties of all, with their sentences (empty: only a bug's bounds have it).
std::vector<std::pair<std::string, std::string>> all_properties(
    const std::vector<ComparedDesign>& rows);

/// The table, in Markdown, and what it is about.
std::string comparison_as_text(const std::vector<ComparedDesign>& rows, bool mutants);
/// One HTML file: no script, no network.
std::string comparison_as_page(const std::vector<ComparedDesign>& rows, bool mutants);

}  // namespace iommucheck::cli

#endif  // IOMMUCHECK_CLI_COMPARISON_H
