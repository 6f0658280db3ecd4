// SPDX-License-Identifier: MIT
// A target of the scheduler on Debian's own source: built once for a test program.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <iostream>
#include <memory>
#include <set>

#include "impl/linux/control_flow.h"
#include "impl/linux/mutants.h"
#include "impl/linux/target.h"

namespace iommucheck::linux_harness {

/// Results and real-time orders of all histories.
inline std::set<std::string> results_of(const Exploration& exploration) {
  std::set<std::string> all;
  for (const ScheduledHistory& history : exploration.histories) {
    std::string text;
    for (const ScheduledCall& call : history.calls) {
      text += call.result + ';' + std::to_string(call.begins_before_my_end) + ';';
    }
    all.insert(text);
  }
  return all;
}

/// Kinds of reports.
inline std::set<std::string> kinds_in(const Exploration& exploration) {
  std::set<std::string> kinds;
  for (const ScheduledReport& report : exploration.reports) kinds.insert(report.kind);
  return kinds;
}

/// What has run one behind the other is what may: the branches of the code are read rightly, and no
/// frame is taken for another.
inline void expect_branches_explain(const Exploration& exploration, const ControlFlow& flow) {
  std::set<std::uint64_t> forks;
  std::set<std::pair<std::uint64_t, std::uint64_t>> ways;
  for (const Branch& branch : flow.branches) {
    forks.insert(branch.from);
    ways.emplace(branch.from, branch.to);
  }
  std::size_t taken = 0;
  for (const auto& [from, to] : exploration.followed) {
    if (!forks.contains(from)) continue;
    EXPECT_TRUE(ways.contains({from, to})) << std::hex << from << " to " << to;
    ++taken;
  }
  EXPECT_GT(taken, 0U);
}

/// A mistake that is derived from the user's file, and what shows it.
struct Planted {
  const char *function, *kind, *scenario, *report;
};

template <const Target& (*TheTarget)()>
class OnTarget : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (scheduled_archive().empty()) return;
    const std::string package{TheTarget().package()};
    if (!std::filesystem::exists("/usr/src/" + package + ".tar.xz")) return;
    Cache cache{Cache::default_directory(),
                [](std::string_view what) { std::cout << what << std::endl; }};
    build_ =
        std::make_unique<KernelBuild>(TheTarget().prepare(cache, open_package(cache, package)));
    kernel_ = std::make_unique<ScheduledKernel>(TheTarget(), TheTarget().build(cache, *build_));
  }
  static void TearDownTestSuite() {
    kernel_.reset();
    build_.reset();
  }
  void SetUp() override {
    if (scheduled_archive().empty()) GTEST_SKIP() << "skipped: this build has a sanitizer";
    if (!kernel_) GTEST_SKIP() << "skipped: " << TheTarget().package() << " is not installed";
  }

  static const Scenario& scenario(const std::string& name) {
    for (const Scenario& one : TheTarget().written()) {
      if (one.name == name) return one;
    }
    throw std::out_of_range{name};
  }
  static std::unique_ptr<ScheduledKernel> with(const Mutant& mutant) {
    Cache cache;
    return std::make_unique<ScheduledKernel>(
        TheTarget(), TheTarget().build(cache, *build_, {"mutant-test", mutant.text}));
  }
  /// The kinds of reports of a scenario on a mutant.
  static std::set<std::string> kinds_on(const Mutant& mutant, const std::string& name) {
    return kinds_in(with(mutant)->explore(scenario(name), {.minimise = false}));
  }
  static std::vector<Mutant> mutants_of(const std::string& function, const std::string& kind) {
    std::vector<Mutant> chosen;
    for (Mutant& mutant : derive_mutants(read_file(build_->tree.root / TheTarget().file()))) {
      if (mutant.function == function && mutant.kind == kind) chosen.push_back(std::move(mutant));
    }
    return chosen;
  }

  /// In a copy of the file, the first `statement` of a function is another one.
  static Mutant replaced(const std::string& function, const std::string& statement,
                         const std::string& by) {
    Mutant mutant;
    mutant.text = read_file(build_->tree.root / TheTarget().file());
    const std::size_t begin = mutant.text.find(function);
    const std::size_t at = mutant.text.find(statement, begin);
    if (begin == std::string::npos || at == std::string::npos)
      throw std::out_of_range{function + ": " + statement};
    mutant.text.replace(at, statement.size(), by);
    return mutant;
  }
  static Mutant without(const std::string& function, const std::string& statement) {
    return replaced(function, statement, ";");
  }
  /// A second statement goes to where the first one is.
  static Mutant moved(const std::string& function, const std::string& to,
                      const std::string& statement) {
    Mutant mutant = replaced(function, to, statement + "\n\t" + to);
    const std::size_t at =
        mutant.text.find(statement, mutant.text.find(to, mutant.text.find(function)));
    mutant.text.erase(at, statement.size());
    return mutant;
  }

  /// Each call of the set-up is made, and does not fail.
  static void expect_set_up_made(const std::string& scenario, const Exploration& exploration) {
    for (const ScheduledCall& call : exploration.setup) {
      EXPECT_TRUE(call.returned && !call.result.starts_with('-') && call.result != kNotMade)
          << scenario << ": " << call.call.text << " = " << call.result;
    }
  }
  static void expect_set_ups_made() {
    for (const Scenario& one : TheTarget().written())
      expect_set_up_made(one.name, kernel_->explore(one, {.executions = 1}));
  }

  /// Two searches show the same; `nothing`: and no report.
  static void expect_searches_agree(const Scenario& one, bool nothing) {
    const Exploration dpor = kernel_->explore(one, {.minimise = false});
    const Exploration sleep =
        kernel_->explore(one, {.search = Search::sleep_sets, .minimise = false});
    EXPECT_TRUE(dpor.exhausted) << one.name;
    EXPECT_TRUE(sleep.exhausted) << one.name;
    EXPECT_EQ(dpor.complete, sleep.complete) << one.name;
    EXPECT_EQ(results_of(dpor), results_of(sleep)) << one.name;
    EXPECT_LE(dpor.executions, sleep.executions) << one.name;
    if (nothing) {
      EXPECT_TRUE(dpor.reports.empty()) << one.name << ": " << dpor.reports.front().message;
    }
  }

  /// Each is shown by some mutant of that kind in that function.
  static void expect_found(const std::vector<Planted>& all) {
    for (const Planted& planted : all) {
      const auto mutants = mutants_of(planted.function, planted.kind);
      ASSERT_FALSE(mutants.empty()) << planted.function << " has no place for " << planted.kind;
      std::set<std::string> kinds;
      for (const Mutant& mutant : mutants) {
        kinds.merge(kinds_on(mutant, planted.scenario));
        if (kinds.contains(planted.report)) break;
      }
      EXPECT_TRUE(kinds.contains(planted.report))
          << planted.kind << " in " << planted.function << ": " << testing::PrintToString(kinds);
    }
  }

  static inline std::unique_ptr<KernelBuild> build_;
  static inline std::unique_ptr<ScheduledKernel> kernel_;
};

}  // namespace iommucheck::linux_harness
