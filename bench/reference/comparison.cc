// SPDX-License-Identifier: MIT
// Taking turns, medians, and comparing counts.
#include "bench/reference/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace iommucheck::bench {
namespace {

template <class T>
T median_of(const std::vector<Run>& runs, T Run::*what) {
  std::vector<T> values;
  values.reserve(runs.size());
  for (const auto& run : runs) values.push_back(run.*what);
  std::sort(values.begin(), values.end());
  return values.at((values.size() - 1) / 2);
}

/// How `found` differs from `expected`; empty if it does not.
std::string difference(const Counts& found, const Counts& expected) {
  std::string text;
  const auto look = [&](const char* what, std::uint64_t is, std::uint64_t should_be) {
    if (is != should_be)
      text += fmt::format("{}{} {} instead of {}", text.empty() ? "" : ", ", what, is, should_be);
  };
  look("states", found.states, expected.states);
  look("transitions", found.transitions, expected.transitions);
  if (found.depth && expected.depth) look("depth", *found.depth, *expected.depth);
  return text;
}

void prepare(Checker& checker, const Row& row, Column& column) {
  const auto begin = std::chrono::steady_clock::now();
  checker.prepare(row);
  column.prepare_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

double Column::seconds() const { return median_of(runs, &Run::seconds); }
double Column::cpu_seconds() const { return median_of(runs, &Run::cpu_seconds); }
std::uint64_t Column::peak_bytes() const { return median_of(runs, &Run::peak_bytes); }

double Column::states_per_second() const {
  return static_cast<double>(runs.at(0).counts.states) / seconds();
}

double Column::bytes_per_state() const {
  return static_cast<double>(peak_bytes()) / static_cast<double>(runs.at(0).counts.states);
}

Comparison compare(const Row& row, const std::vector<std::unique_ptr<Checker>>& checkers,
                   unsigned repeat) {
  Comparison result{row, {}, {}};
  for (const auto& checker : checkers) {
    Column& column = result.columns.emplace_back();
    column.checker = checker->name();
    if (const auto missing = checker->missing()) column.skipped = *missing;
  }
  for (unsigned turn = 0; turn < repeat; ++turn) {
    for (std::size_t i = 0; i < checkers.size(); ++i) {
      Column& column = result.columns[i];
      if (!column.skipped.empty() || !column.failed.empty()) continue;
      try {
        if (turn == 0) prepare(*checkers[i], row, column);
        column.runs.push_back(checkers[i]->run());
      } catch (const CheckerError& e) {
        column.failed = e.what();
        column.runs.clear();
      }
    }
  }
  for (const Column& column : result.columns) {
    if (!column.failed.empty())
      result.disagreements.push_back(column.checker + " failed: " + column.failed);
    for (const Run& run : column.runs) {
      const std::string text = difference(run.counts, row.expected);
      if (text.empty()) continue;
      result.disagreements.push_back(column.checker + " finds " + text);
      break;
    }
  }
  return result;
}

}  // namespace iommucheck::bench
