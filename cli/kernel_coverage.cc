// SPDX-License-Identifier: MIT
#include "cli/kernel_coverage.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace iommucheck::cli {
namespace {

using linux_harness::Branch;
using linux_harness::ControlFlow;
using linux_harness::Exploration;
using linux_harness::Frame;
using linux_harness::ScheduledKernel;
using nlohmann::ordered_json;

struct Ran {
  std::set<std::uint64_t> blocks;
  std::set<std::pair<std::uint64_t, std::uint64_t>> followed;

  void add(const Exploration& one) {
    blocks.insert(one.covered.begin(), one.covered.end());
    followed.insert(one.followed.begin(), one.followed.end());
  }
  bool took(const Branch& branch) const { return followed.contains({branch.from, branch.to}); }
};

KernelCoverage count(const Ran& ran, const ControlFlow& flow) {
  KernelCoverage coverage;
  coverage.blocks = flow.blocks.size();
  coverage.branches = flow.branches.size();
  coverage.blocks_run = static_cast<std::size_t>(std::ranges::count_if(
      flow.blocks, [&](std::uint64_t block) { return ran.blocks.contains(block); }));
  coverage.branches_taken = static_cast<std::size_t>(
      std::ranges::count_if(flow.branches, [&](const Branch& branch) { return ran.took(branch); }));
  return coverage;
}

/// The file's line of each block and of each conditional jump.
std::map<std::uint64_t, Frame> lines_of(const ControlFlow& flow, ScheduledKernel& kernel) {
  std::vector<std::uint64_t> addresses = flow.blocks;
  for (const Branch& branch : flow.branches) addresses.push_back(branch.jump);
  const std::vector<Frame> lines = kernel.lines_of(addresses);
  std::map<std::uint64_t, Frame> all;
  for (std::size_t i = 0; i < addresses.size(); ++i) all[addresses[i]] = lines[i];
  return all;
}

/// A line is one place, whatever is inlined there and however often it is compiled.
template <typename T, typename Key>
void in_order_once(std::vector<T>& all, Key key) {
  std::ranges::stable_sort(all, {}, key);
  const auto same = [&](const T& a, const T& b) {
    return std::invoke(key, a) == std::invoke(key, b);
  };
  all.erase(std::unique(all.begin(), all.end(), same), all.end());
}

std::string print_by_function(const std::vector<std::pair<std::string, std::string>>& places) {
  std::string text, function;
  for (const auto& [in, place] : places) {
    if (in == function) {
      text += ", " + place;
    } else {
      text += fmt::format("{}    {}: {}", text.empty() ? "" : "\n", in, place);
    }
    function = in;
  }
  return text.empty() ? text : text + '\n';
}

}  // namespace

KernelCoverage count_coverage(const Exploration& exploration, const linux_harness::Runner& runner) {
  Ran ran;
  ran.add(exploration);
  return count(ran, runner.flow);
}

KernelCoverage coverage_of(const std::vector<const Exploration*>& explorations,
                           ScheduledKernel& kernel) {
  const ControlFlow& flow = kernel.runner().flow;
  Ran ran;
  for (const Exploration* one : explorations) ran.add(*one);
  KernelCoverage coverage = count(ran, flow);
  std::map<std::uint64_t, Frame> lines = lines_of(flow, kernel);

  std::map<unsigned, bool> line_ran;  // a line has run if any of its blocks has
  for (const std::uint64_t block : flow.blocks)
    line_ran[lines[block].line] |= ran.blocks.contains(block);
  for (const std::uint64_t block : flow.blocks) {
    const Frame& frame = lines[block];
    if (frame.line != 0 && !line_ran[frame.line]) coverage.never_run.push_back(frame);
  }
  in_order_once(coverage.never_run, &Frame::line);

  // Likewise for what leads from one line to another.
  const auto way = [&](const Branch& branch) {
    return std::pair{lines[branch.jump].line, lines[branch.to].line};
  };
  std::set<std::pair<unsigned, unsigned>> taken;
  for (const Branch& branch : flow.branches)
    if (ran.took(branch)) taken.insert(way(branch));
  for (const Branch& branch : flow.branches) {
    const auto [at, to] = way(branch);
    if (at == 0 || to == 0 || !line_ran[to] || !ran.blocks.contains(branch.from)) continue;
    if (!taken.contains({at, to})) coverage.never_taken.push_back({lines[branch.jump], to});
  }
  in_order_once(coverage.never_taken, [](const NeverTaken& one) {
    return std::pair{one.at.line, one.to};
  });
  return coverage;
}

ordered_json coverage_json(const KernelCoverage& coverage, bool with_lines) {
  ordered_json object{{"blocks", coverage.blocks},
                      {"covered", coverage.blocks_run},
                      {"branches", coverage.branches},
                      {"taken", coverage.branches_taken}};
  if (!with_lines) return object;
  object["never_run"] = ordered_json::array();
  for (const Frame& frame : coverage.never_run) {
    object["never_run"].push_back(
        {{"function", frame.function}, {"file", frame.file}, {"line", frame.line}});
  }
  object["never_taken"] = ordered_json::array();
  for (const NeverTaken& one : coverage.never_taken) {
    object["never_taken"].push_back({{"function", one.at.function},
                                     {"file", one.at.file},
                                     {"line", one.at.line},
                                     {"to", one.to}});
  }
  return object;
}

std::string print_coverage(const KernelCoverage& coverage, const std::string& file) {
  std::vector<std::pair<std::string, std::string>> lines, ways;
  for (const Frame& frame : coverage.never_run)
    lines.emplace_back(frame.function, std::to_string(frame.line));
  for (const NeverTaken& one : coverage.never_taken)
    ways.emplace_back(one.at.function, fmt::format("{} to {}", one.at.line, one.to));
  return fmt::format(
      "  {} of {} basic blocks of {} have run{}\n{}"
      "  {} of {} branches were taken{}\n{}",
      coverage.blocks_run, coverage.blocks, file,
      lines.empty() ? "" : "; lines where one begins that never ran:", print_by_function(lines),
      coverage.branches_taken, coverage.branches,
      ways.empty() ? "" : "; from lines that have run to lines that have, but never so:",
      print_by_function(ways));
}

}  // namespace iommucheck::cli
