// SPDX-License-Identifier: MIT
// Debian's own ioasid.c under every schedule: searches agree, schedules repeat, mistakes are found.
#include "impl/linux/scheduled.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <set>

#include "impl/linux/error.h"
#include "impl/linux/ioasid.h"
#include "impl/linux/ioasid_scenarios.h"
#include "impl/linux/mutants.h"

namespace iommucheck::linux_harness {
namespace {

constexpr const char* kPackage = "linux-source-6.1";

class ScheduledTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (scheduled_archive().empty()) return;
    if (!std::filesystem::exists(std::string{"/usr/src/"} + kPackage + ".tar.xz")) return;
    Cache cache{Cache::default_directory(),
                [](std::string_view what) { std::cout << what << std::endl; }};
    build_ = std::make_unique<KernelBuild>(prepare_ioasid(cache, open_package(cache, kPackage)));
    kernel_ = std::make_unique<ScheduledIoasid>(build_scheduled_ioasid(cache, *build_));
  }
  static void TearDownTestSuite() {
    kernel_.reset();
    build_.reset();
  }
  void SetUp() override {
    if (scheduled_archive().empty()) GTEST_SKIP() << "skipped: this build has a sanitizer";
    if (!kernel_) GTEST_SKIP() << "skipped: " << kPackage << " is not installed";
  }

  static const Scenario& scenario(const std::string& name) {
    for (const Scenario& one : written_ioasid_scenarios()) {
      if (one.name == name) return one;
    }
    throw std::out_of_range{name};
  }
  /// The kinds of reports of a scenario on a mutant.
  static std::set<std::string> kinds_on(const Mutant& mutant, const std::string& name) {
    Cache cache;
    ScheduledIoasid changed{build_scheduled_ioasid(cache, *build_, {"mutant-test", mutant.text})};
    std::set<std::string> kinds;
    for (const auto& report : changed.explore(scenario(name), {}).reports)
      kinds.insert(report.kind);
    return kinds;
  }
  static std::vector<Mutant> mutants_of(const std::string& function, const std::string& kind) {
    std::vector<Mutant> chosen;
    for (Mutant& mutant : derive_mutants(read_file(build_->tree.root / kIoasidFile))) {
      if (mutant.function == function && mutant.kind == kind) chosen.push_back(std::move(mutant));
    }
    return chosen;
  }

  static std::unique_ptr<KernelBuild> build_;
  static std::unique_ptr<ScheduledIoasid> kernel_;
};
std::unique_ptr<KernelBuild> ScheduledTest::build_;
std::unique_ptr<ScheduledIoasid> ScheduledTest::kernel_;

std::set<std::string> results_of(const Exploration& exploration) {
  std::set<std::string> all;
  for (const ScheduledHistory& history : exploration.histories) {
    std::string text;
    for (const ScheduledCall& call : history.calls) {
      text += ioasid::print(call.call, call.outcome) + ';' +
              std::to_string(call.begins_before_my_end) + ';';
    }
    all.insert(text);
  }
  return all;
}

TEST_F(ScheduledTest, DporAndSleepSetsAgreeOnEveryWrittenScenario) {
  for (const Scenario& one : written_ioasid_scenarios()) {
    if (one.name == "both-go") continue;  // one trace: it is about the order in one thread
    const Exploration dpor = kernel_->explore(one, {});
    const Exploration sleep = kernel_->explore(one, {.search = Search::sleep_sets});
    EXPECT_TRUE(dpor.exhausted) << one.name;
    EXPECT_TRUE(sleep.exhausted) << one.name;
    EXPECT_EQ(dpor.complete, sleep.complete) << one.name;
    EXPECT_EQ(results_of(dpor), results_of(sleep)) << one.name;
    EXPECT_GT(dpor.complete, 1U) << one.name << ": nothing to schedule";
    EXPECT_LT(dpor.executions, sleep.executions) << one.name;
    EXPECT_TRUE(dpor.reports.empty()) << one.name << ": " << dpor.reports.front().message;
  }
}

TEST_F(ScheduledTest, FindsNothingThatDporDoesNotByEveryInterleaving) {
  for (const char* name : {"find-free", "alloc-alloc", "switch-alloc", "last-id"}) {
    const Exploration dpor = kernel_->explore(scenario(name), {});
    const Exploration all = kernel_->explore(scenario(name), {.search = Search::all});
    ASSERT_TRUE(all.exhausted) << name;
    EXPECT_EQ(results_of(dpor), results_of(all)) << name;
    EXPECT_TRUE(all.reports.empty()) << name;
  }
}

TEST_F(ScheduledTest, ASchedulesLineRepeatsTheExecution) {
  const Scenario& four = scenario("four");
  const Exploration all = kernel_->explore(four, {});
  ASSERT_GT(all.histories.size(), 10U);
  for (std::size_t i = 0; i < all.histories.size(); i += 5) {
    SearchOptions options;
    options.search = Search::replay;
    options.schedule = all.histories[i].schedule;
    const Exploration again = kernel_->explore(four, options);
    ASSERT_EQ(again.histories.size(), 1U);
    EXPECT_EQ(again.histories[0].schedule, all.histories[i].schedule);
    EXPECT_TRUE(results_of(all).contains(*results_of(again).begin()));
  }
  SearchOptions wrong;
  wrong.search = Search::replay;
  wrong.schedule = "7x3";
  EXPECT_THROW(kernel_->explore(four, wrong), std::invalid_argument);
}

TEST_F(ScheduledTest, AFailingAllocationIsAChoice) {
  const Exploration all = kernel_->explore(scenario("alloc-alloc"), {.failing_allocations = true});
  EXPECT_TRUE(all.exhausted);
  bool failed = false, succeeded = false;
  for (const auto& history : all.histories) {
    for (const auto& call : history.calls) {
      failed |= call.call.args.nomem == 1;
      succeeded |= call.call.args.nomem == 0;
    }
  }
  EXPECT_TRUE(failed);
  EXPECT_TRUE(succeeded);
}

TEST_F(ScheduledTest, SaysWhichBlocksHaveRun) {
  const std::vector<std::uint64_t>& blocks = kernel_->runner().blocks;
  ASSERT_GT(blocks.size(), 50U);
  const auto covered = [&](const char* name) {
    const Exploration run = kernel_->explore(scenario(name), {});
    std::set<std::uint64_t> all(run.covered.begin(), run.covered.end());
    for (const std::uint64_t block : all) {
      EXPECT_TRUE(std::find(blocks.begin(), blocks.end(), block) != blocks.end()) << block;
    }
    return all;
  };
  const auto few = covered("find-free");
  const auto other = covered("switch-back");
  EXPECT_GT(few.size(), 10U);
  EXPECT_LT(few.size(), blocks.size() / 2);
  EXPECT_NE(few, other);
  std::set<std::string> functions;
  for (const Frame& line : kernel_->lines_of({few.begin(), few.end()})) {
    functions.insert(line.function);
  }
  EXPECT_TRUE(functions.contains("ioasid_find"));
  EXPECT_TRUE(functions.contains("ioasid_free"));
  EXPECT_FALSE(functions.contains("ioasid_unregister_allocator"));
}

TEST_F(ScheduledTest, FindsMistakesPlantedIntoTheUsersFile) {
  struct Planted {
    const char *function, *kind, *scenario, *report;
  };
  for (const Planted& planted : std::initializer_list<Planted>{
           {"default_free", "no-grace-period", "find-free", "use-after-free"},
           {"ioasid_alloc", "drop-lock", "switch-alloc", "data race"},
           {"ioasid_find", "drop-reader", "find-free", "suspicious RCU usage"},
           {"ioasid_set_data", "drop-synchronize", "replace-data", "data race"},
           {"ioasid_set_data", "plain-publication", "replace-data", "data race"},
           {"ioasid_register_allocator", "early-unlock", "switch-back", "data race"}}) {
    bool found = false;
    const std::vector<Mutant> mutants = mutants_of(planted.function, planted.kind);
    ASSERT_FALSE(mutants.empty()) << planted.kind;
    for (const Mutant& mutant : mutants) {
      found = found || kinds_on(mutant, planted.scenario).contains(planted.report);
    }
    EXPECT_TRUE(found) << planted.kind << " in " << planted.function;
  }
}

TEST_F(ScheduledTest, AFileThatDoesNotCompileIsSaidSo) {
  Cache cache;
  EXPECT_THROW(build_scheduled_ioasid(cache, *build_, {"mutant-test", "int broken("}),
               CompileError);
}

TEST(GeneratedScenarios, KeepTheContractAndHaveNamesOfTheirOwn) {
  for (const unsigned threads : {2U, 3U}) {
    std::set<std::string> names;
    for (const Scenario& one : generated_ioasid_scenarios(threads)) {
      EXPECT_EQ(one.threads.size(), threads);
      EXPECT_TRUE(names.insert(one.name).second) << one.name;
    }
    EXPECT_GT(names.size(), 100U);
  }
}

}  // namespace
}  // namespace iommucheck::linux_harness
