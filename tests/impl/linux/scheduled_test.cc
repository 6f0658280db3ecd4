// SPDX-License-Identifier: MIT
// Debian's own ioasid.c under every schedule: searches agree, schedules repeat, mistakes are found.
#include "impl/linux/scheduled.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "impl/linux/answer.h"
#include "impl/linux/error.h"
#include "tests/impl/linux/on_target.h"

namespace iommucheck::linux_harness {
namespace {

using ScheduledTest = OnTarget<ioasid_target>;

TEST_F(ScheduledTest, DporAndSleepSetsAgreeOnEveryWrittenScenario) {
  for (const Scenario& one : ioasid_target().written()) {
    if (one.name == "both-go") continue;  // one trace: it is about the order in one thread
    expect_searches_agree(one, one.name != "find-free-node");
    EXPECT_GT(kernel_->explore(one, {}).complete, 1U) << one.name << ": nothing to schedule";
  }
}

// lib/xarray.c hands a node to call_rcu() before it takes it out of the tree: who looks in between
// is not waited for (docs/real-code.md).
TEST_F(ScheduledTest, TheLastEntryOfANodeIsErasedInTheWrongOrder) {
  const Exploration all = kernel_->explore(scenario("find-free-node"), {});
  std::set<std::string> kinds;
  bool during_the_look_up = false;
  for (const auto& report : all.reports) {
    kinds.insert(report.kind);
    during_the_look_up |= report.kind == "use-after-free" && report.thread == "CPU0" &&
                          frame_in(report.freed, "lib/radix-tree.c").line != 0;
  }
  EXPECT_EQ(kinds, (std::set<std::string>{"data race", "use-after-free"}));
  EXPECT_TRUE(during_the_look_up);
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
      failed |= call.nomem;
      succeeded |= !call.nomem;
    }
  }
  EXPECT_TRUE(failed);
  EXPECT_TRUE(succeeded);
}

TEST_F(ScheduledTest, SaysWhichBlocksHaveRun) {
  const std::vector<std::uint64_t>& blocks = kernel_->runner().flow.blocks;
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

TEST_F(ScheduledTest, SaysWhichBranchesWereTaken) {
  const ControlFlow& flow = kernel_->runner().flow;
  ASSERT_GT(flow.branches.size(), 50U);
  const Exploration run = kernel_->explore(scenario("find-free"), {});
  expect_branches_explain(run, flow);
  // What has run has been come to, and of each fork that has run a way has been taken.
  const std::set<std::uint64_t> blocks(run.covered.begin(), run.covered.end());
  const std::set<std::pair<std::uint64_t, std::uint64_t>> followed(run.followed.begin(),
                                                                   run.followed.end());
  std::map<std::uint64_t, unsigned> ways_taken;
  for (const Branch& branch : flow.branches) {
    if (!blocks.contains(branch.from)) continue;
    ways_taken[branch.from] += followed.contains({branch.from, branch.to});
  }
  for (const auto& [from, ways] : ways_taken) EXPECT_GT(ways, 0U) << std::hex << from;
}

TEST_F(ScheduledTest, FindsMistakesPlantedIntoTheUsersFile) {
  expect_found({{"default_free", "no-grace-period", "find-free", "use-after-free"},
                {"ioasid_alloc", "drop-lock", "switch-alloc", "data race"},
                {"ioasid_find", "drop-reader", "find-free", "suspicious RCU usage"},
                {"ioasid_set_data", "drop-synchronize", "replace-data", "data race"},
                {"ioasid_set_data", "plain-publication", "replace-data", "data race"},
                {"ioasid_register_allocator", "early-unlock", "switch-back", "data race"}});
}

TEST_F(ScheduledTest, AFileThatDoesNotCompileIsSaidSo) {
  Cache cache;
  EXPECT_THROW(ioasid_target().build(cache, *build_, {"mutant-test", "int broken("}), CompileError);
}

TEST(GeneratedScenarios, KeepTheContractAndHaveNamesOfTheirOwn) {
  for (const unsigned threads : {2U, 3U}) {
    std::set<std::string> names;
    for (const Scenario& one : ioasid_target().generated(threads)) {
      EXPECT_EQ(one.threads.size(), threads);
      EXPECT_TRUE(names.insert(one.name).second) << one.name;
    }
    EXPECT_GT(names.size(), 100U);
  }
}

}  // namespace
}  // namespace iommucheck::linux_harness
