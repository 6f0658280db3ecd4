// SPDX-License-Identifier: MIT
// A comparison as an HTML page: the table, and behind each violated cell its counterexample.
#include <fmt/format.h>

#include "cli/comparison.h"

namespace iommucheck::cli {
namespace {

constexpr std::string_view kStyle =
    "body{font:15px/1.5 sans-serif;margin:2em;max-width:100em}"
    "table{border-collapse:collapse}"
    "th,td{border:1px solid #bbb;padding:.3em .6em;text-align:left;vertical-align:top}"
    "th{background:#f2f2f2}"
    "pre{overflow:auto;background:#f7f7f7;padding:.8em;font-size:13px}"
    "summary{cursor:pointer}"
    ".holds{color:#06630f}.violated{color:#a40000}.unknown{color:#8a5a00}.note{color:#555}"
    "@media(prefers-color-scheme:dark){body{background:#161616;color:#ddd}"
    "th,pre{background:#262626}th,td{border-color:#555}a{color:#8ab4f8}"
    ".holds{color:#7bd88f}.violated{color:#ff8a80}.unknown{color:#ffca6a}.note{color:#aaa}}";

std::string escape(std::string_view text) {
  std::string safe;
  for (const char letter : text) {
    switch (letter) {
      case '&': safe += "&amp;"; break;
      case '<': safe += "&lt;"; break;
      case '>': safe += "&gt;"; break;
      case '"': safe += "&quot;"; break;
      default: safe += letter;
    }
  }
  return safe;
}

/// Where the counterexample of a bug is on the page.
std::string anchor(const ComparedDesign& row, const FoundBug& found) {
  return escape(row.design->name() + "--" + found.bug->name);
}

std::string verdict_class(const ComparisonCell& cell) {
  using Kind = ComparisonCell::Kind;
  switch (cell.kind) {
    case Kind::holds:
    case Kind::unbroken: return "holds";
    case Kind::violated: return "violated";
    default: return "unknown";
  }
}

std::string cell_of_page(const ComparedDesign& row, const std::string& property, bool mutants) {
  const ComparisonCell cell = cell_of(row, property, mutants);
  std::string text =
      fmt::format("<td><span class=\"{}\">{}</span>", verdict_class(cell), escape(cell.verdict()));
  for (const FoundBug* found : cell.bugs) {
    text += fmt::format("<br><a href=\"#{}\">{}</a>: {}, {} steps", anchor(row, *found),
                        escape(found->bug->name), checker::name(found->verdict), found->steps);
  }
  return text + "</td>";
}

std::string table(const std::vector<ComparedDesign>& rows, bool mutants) {
  std::string text = "<table>\n<tr><th scope=\"col\">property</th>";
  for (const ComparedDesign& row : rows) {
    text +=
        fmt::format("<th scope=\"col\"><a href=\"#{0}\">{0}</a></th>", escape(row.design->name()));
  }
  text += "</tr>\n";
  for (const auto& [name, sentence] : all_properties(rows)) {
    text += fmt::format("<tr><th scope=\"row\">{}<br><span class=\"note\">{}</span></th>",
                        escape(name), escape(sentence));
    for (const ComparedDesign& row : rows) text += cell_of_page(row, name, mutants);
    text += "</tr>\n";
  }
  return text + "</table>\n";
}

std::string details(const ComparedDesign& row) {
  std::string text = fmt::format(
      "<h2 id=\"{0}\">{0}</h2>\n<p>{1}.<br>Source: {2}.</p>\n"
      "<p><b class=\"{3}\">{3}</b>: {4}.<br>{5} states, {6} transitions, depth {7}; {8} of {9} "
      "steps taken.</p>\n",
      escape(row.design->name()), escape(row.design->sentence()), escape(row.design->source()),
      checker::name(row.result.verdict), escape(print_scope(row.subject)), row.result.states,
      row.result.transitions, row.result.depth, row.steps_taken(), row.result.coverage.size());
  if (!row.result.reason.empty()) text += fmt::format("<p>{}</p>\n", escape(row.result.reason));
  for (const auto& step : row.result.coverage) {
    if (step.taken != 0) continue;
    text += fmt::format("<p class=\"unknown\">Never taken within these bounds: {}(): {}</p>\n",
                        escape(step.program), escape(step.label));
  }
  if (!row.path.empty()) text += fmt::format("<pre>{}</pre>\n", escape(row.path));
  for (const FoundBug& found : row.found) {
    text += fmt::format(
        "<details id=\"{}\"><summary><b>{}</b> ({}; {}): {}; <span class=\"{}\">{}</span>, "
        "{} steps</summary>\n<p>{}</p>\n",
        anchor(row, found), escape(found.bug->name), escape(found.bug->kind),
        escape(found.bug->source), escape(found.bug->property), checker::name(found.verdict),
        checker::name(found.verdict), found.steps, escape(found.bug->sentence));
    text += fmt::format("<p>Within {}:</p>\n<pre>{}</pre>\n</details>\n",
                        escape(print_bounds(row.design->complete(found.bug->bounds))),
                        escape(found.path));
  }
  return text;
}

}  // namespace

std::string comparison_as_page(const std::vector<ComparedDesign>& rows, bool mutants) {
  std::string text = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n"
      "<title>iommucheck: designs compared</title>\n<style>{}</style>\n</head>\n<body>\n"
      "<h1>Designs compared</h1>\n",
      kStyle);
  text +=
      "<p>A cell says what the search found in the design, within the bounds that its section "
      "names, and which changes of the design violate the property, each with the length of a "
      "shortest counterexample.";
  if (mutants) {
    text += " *: no bug and no mutant of this design breaks the property: perhaps nothing could.";
  }
  text += "</p>\n" + table(rows, mutants);
  for (const ComparedDesign& row : rows) text += details(row);
  text +=
      "<h2>Not checked</h2>\n<p>Anything beyond the bounds; memory weaker than a section says; the "
      "long run (<code>check --liveness</code>). What the designs leave out is in "
      "<code>docs/limits.md</code>.</p>\n</body>\n</html>\n";
  return text;
}

}  // namespace iommucheck::cli
