// SPDX-License-Identifier: MIT
// Debian's own iommu-sva.c, on the whole of its iommu.c, under every schedule.
#include <gtest/gtest.h>

#include "tests/impl/linux/on_target.h"

namespace iommucheck::linux_harness {
namespace {

using SvaTest = OnTarget<sva_target>;

TEST_F(SvaTest, DporAndSleepSetsAgreeOnEveryWrittenScenario) {
  for (const Scenario& one : sva_target().written()) expect_searches_agree(one, true);
}

TEST_F(SvaTest, FindsNothingThatDporDoesNotByEveryInterleaving) {
  for (const char* name : {"exit-unbind", "exit-exit"}) {
    const Exploration dpor = kernel_->explore(scenario(name), {});
    const Exploration all = kernel_->explore(scenario(name), {.search = Search::all});
    ASSERT_TRUE(all.exhausted) << name;
    EXPECT_GT(all.complete, dpor.complete) << name;
    EXPECT_EQ(results_of(dpor), results_of(all)) << name;
    EXPECT_TRUE(all.reports.empty()) << name;
  }
}

TEST_F(SvaTest, CallsOneAfterTheOtherAreRunInEveryOrder) {
  const auto runs = kernel_->in_all_orders(scenario("exit-close"));
  EXPECT_EQ(runs.size(), 10U) << "two calls and three";
  for (const SequentialRun& run : runs) EXPECT_EQ(run.results.size(), run.turns.size());
  EXPECT_TRUE(kernel_->in_all_orders(scenario("exit-close"), 9).empty());
}

TEST_F(SvaTest, ABindThatFailsLeavesNothingBehind) {
  const Exploration all = kernel_->explore(scenario("bind-bind"), {.failing_allocations = true});
  EXPECT_TRUE(all.exhausted);
  EXPECT_TRUE(all.reports.empty()) << all.reports.front().message;
  std::set<std::string> results;
  for (const ScheduledHistory& history : all.histories) {
    for (const ScheduledCall& call : history.calls) results.insert(call.result);
  }
  EXPECT_EQ(results, (std::set<std::string>{"0", "-EIO", "-ENOMEM"}));
}

TEST_F(SvaTest, MistakesAreFound) {
  expect_found({
      {"iommu_sva_bind_device", "drop-lock", "bind-bind", "data race"},
      {"iommu_sva_bind_device", "drop-increment", "bind-unbind", "use-after-free"},
      {"iommu_sva_unbind_device", "drop-cleanup", "exit-exit", "leak"},
      {"mm_pasid_drop", "drop-cleanup", "exit-exit", "leak"},
  });
}

}  // namespace
}  // namespace iommucheck::linux_harness
