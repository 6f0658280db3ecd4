// SPDX-License-Identifier: MIT
// Debian's own io-pgfault.c, with iommu-sva.c and the whole of iommu.c, under every schedule.
#include <gtest/gtest.h>

#include "cli/kernel_scenarios.h"
#include "tests/impl/linux/on_target.h"

namespace iommucheck::linux_harness {
namespace {

class PageFaultTest : public OnTarget<iopf_target> {
 protected:
  /// The kinds of reports of calls by threads, behind a set-up; the tree's own code.
  static std::set<std::string> kinds_of(const std::vector<std::string>& setup,
                                        const std::vector<std::string>& threads) {
    Scenario scenario{"test", "", {}, {}};
    for (const std::string& call : setup) scenario.setup.emplace_back(call);
    for (const std::string& call : threads) scenario.threads.push_back({TargetCall{call}});
    const Exploration exploration = kernel_->explore(scenario, {});
    EXPECT_TRUE(exploration.exhausted);
    std::set<std::string> kinds;
    for (const auto& report : exploration.reports) kinds.insert(report.kind);
    return kinds;
  }
};

TEST_F(PageFaultTest, DporAndSleepSetsAgreeOnEveryWrittenScenario) {
  for (const Scenario& one : iopf_target().written()) expect_searches_agree(one, true);
}

// CVE-2025-38594: a driver that takes the device from its queue before it has drained it.
TEST_F(PageFaultTest, AnUndrainedQueueIsAUseAfterFree) {
  EXPECT_EQ(kinds_of({"bind0"}, {"fault0", "disable0"}), std::set<std::string>{});
  EXPECT_TRUE(kinds_of({"bind0"}, {"fault0", "disable0_undrained"}).contains("use-after-free"));
}

TEST_F(PageFaultTest, ADriverThatDoesNotDrainAtUnbindIsFound) {
  EXPECT_EQ(kinds_of({"bind0"}, {"fault0", "unbind0"}), std::set<std::string>{});
  EXPECT_TRUE(kinds_of({"bind0", "no_drain"}, {"fault0", "unbind0"}).contains("use-after-free"));
}

// The core calls it a mistake of the driver, and may leave the request without a response; but the
// reference and the grace period keep what it looks at in memory.
TEST_F(PageFaultTest, ADeviceThatDoesNotKeepStillMeetsNothingFreed) {
  const Scenario late = linux_harness::scenario("test", "", "bind0", {"late0", "disable0"});
  const auto kinds = kinds_in(kernel_->explore(late, {}));
  EXPECT_TRUE(kinds.contains("WARN_ON"));
  EXPECT_FALSE(kinds.contains("use-after-free"));
  const auto mutants = mutants_of("iopf_put_dev_fault_param", "no-grace-period");
  ASSERT_EQ(mutants.size(), 1U);
  EXPECT_TRUE(
      kinds_in(with(mutants[0])->explore(late, {.minimise = false})).contains("use-after-free"));
}

TEST_F(PageFaultTest, WithoutMemoryEachRequestIsAnsweredAllTheSame) {
  for (const char* name : {"fault-unbind", "group", "fault-disable"}) {
    const cli::ScenarioRun run =
        cli::explore_scenario(*kernel_, scenario(name), {.failing_allocations = true});
    EXPECT_TRUE(run.complete()) << name;
    EXPECT_TRUE(run.by_specification) << name;
    EXPECT_FALSE(run.violated()) << name;
  }
}

TEST_F(PageFaultTest, MistakesAreFound) {
  expect_found({
      {"iopf_group_response", "drop-lock", "fault-fault", "data race"},
      {"iopf_queue_add_device", "drop-lock", "fault-disable", "suspicious RCU usage"},
      {"__iopf_free_group", "drop-cleanup", "group", "leak"},
  });
}

}  // namespace
}  // namespace iommucheck::linux_harness
