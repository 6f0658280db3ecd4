// SPDX-License-Identifier: MIT
// Functions by the kernel's style, statements by their text.
#include "impl/linux/source_functions.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <sstream>

#include "impl/linux/process.h"

namespace iommucheck::linux_harness {
namespace {

bool is_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

/// Without blanks, so that line breaks and indentation do not matter.
std::string squeezed(const std::string& text) {
  std::string result;
  std::ranges::copy_if(text, std::back_inserter(result),
                       [](char c) { return std::isspace(static_cast<unsigned char>(c)) == 0; });
  return result;
}

/// The names in a text; with `called`, those that a parenthesis follows.
std::set<std::string> names_in(const std::string& text, bool called) {
  static const std::set<std::string> kWords{"if",    "for", "while", "return", "goto", "sizeof",
                                            "break", "of",  "the",   "a",      "is",   "and",
                                            "to",    "in",  "or",    "no",     "not",  "it"};
  std::set<std::string> names;
  for (std::size_t i = 0; i < text.size();) {
    if (!is_name(text[i])) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < text.size() && is_name(text[end])) ++end;
    const std::string word = text.substr(i, end - i);
    const bool call = end < text.size() && text[end] == '(';
    const bool number = std::isdigit(static_cast<unsigned char>(word[0])) != 0;
    if (!number && !kWords.contains(word) && (call || !called)) names.insert(word);
    i = end;
  }
  return names;
}

/// The statements that a label lists, squeezed; the short ones say nothing.
std::vector<std::string> statements_of(const std::string& label) {
  std::vector<std::string> all{squeezed(label)};
  for (const std::string separator : {"; ", ": "}) {
    std::size_t from = 0;
    while (from <= label.size()) {
      const std::size_t end = std::min(label.find(separator, from), label.size());
      all.push_back(squeezed(label.substr(from, end - from)));
      from = end + separator.size();
    }
  }
  std::erase_if(all, [](const std::string& one) { return one.size() < 8; });
  return all;
}

/// The line in which the squeezed body has the text, from this line on if it is there.
std::optional<std::size_t> line_with(const std::vector<std::string>& body, const std::string& text,
                                     std::size_t from) {
  std::string all;
  std::vector<std::size_t> begins;
  for (const std::string& line : body) {
    begins.push_back(all.size());
    all += squeezed(line);
  }
  if (begins.size() < 2) return std::nullopt;
  std::size_t at = from < begins.size() ? all.find(text, begins[from]) : std::string::npos;
  if (at == std::string::npos) at = all.find(text, begins[1]);
  if (at == std::string::npos) return std::nullopt;
  const auto next = std::upper_bound(begins.begin(), begins.end(), at);
  return static_cast<std::size_t>(next - begins.begin()) - 1;
}

}  // namespace

SourceFunctions::SourceFunctions(const SourceTree& tree, const std::vector<std::string>& files) {
  for (const std::string& file : files) {
    if (std::filesystem::exists(tree.root / file)) read(file, read_file(tree.root / file));
  }
}

void SourceFunctions::read(const std::string& file, const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream{text};
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string& line = lines[i];
    if (line.empty() || std::isalpha(static_cast<unsigned char>(line[0])) == 0) continue;
    const std::size_t open = line.find('(');
    if (open == std::string::npos || open == 0 || !is_name(line[open - 1])) continue;
    std::size_t begin = open;
    while (begin > 0 && is_name(line[begin - 1])) --begin;
    // A prototype ends with a semicolon before any brace in the first column.
    std::size_t brace = i;
    while (brace < lines.size() && lines[brace] != "{" &&
           lines[brace].find(';') == std::string::npos) {
      ++brace;
    }
    if (brace == lines.size() || lines[brace] != "{") continue;
    std::size_t end = brace;
    while (end < lines.size() && lines[end] != "}") ++end;
    SourceFunction function{file, static_cast<unsigned>(i + 1), {}};
    function.body.assign(
        lines.begin() + static_cast<std::ptrdiff_t>(i),
        lines.begin() + static_cast<std::ptrdiff_t>(std::min(end + 1, lines.size())));
    all_.try_emplace(line.substr(begin, open - begin), std::move(function));
    i = end;
  }
}

const SourceFunction* SourceFunctions::find(const std::string& name) const {
  const auto found = all_.find(name);
  return found == all_.end() ? nullptr : &found->second;
}

std::string_view name(Match match) {
  constexpr std::array<std::string_view, 4> kNames{"statement", "called", "named", "function"};
  return kNames.at(static_cast<std::size_t>(match));
}

Place find_statement(const SourceFunction& function, const std::string& label, unsigned after) {
  const std::size_t from = after > function.line ? after - function.line + 1 : 1;
  const auto at = [&](std::size_t line, Match match) {
    return Place{function.line + static_cast<unsigned>(line), match};
  };
  for (const std::string& statement : statements_of(label)) {
    if (const auto line = line_with(function.body, statement, from))
      return at(*line, Match::statement);
  }
  for (const std::string& called : names_in(label, true)) {
    for (const std::size_t first : {from, std::size_t{1}}) {
      for (std::size_t i = first; i < function.body.size(); ++i) {
        if (names_in(function.body[i], true).contains(called)) return at(i, Match::called);
      }
    }
  }
  const std::set<std::string> wanted = names_in(label, false);
  std::size_t best = 0, most = 1;
  for (std::size_t i = 1; i < function.body.size(); ++i) {
    const std::set<std::string> there = names_in(function.body[i], false);
    const auto common = static_cast<std::size_t>(
        std::ranges::count_if(wanted, [&](const std::string& one) { return there.contains(one); }));
    if (common > most) {
      best = i;
      most = common;
    }
  }
  if (best != 0) return at(best, Match::named);
  return {function.line, Match::function};
}

}  // namespace iommucheck::linux_harness
