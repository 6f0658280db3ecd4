// SPDX-License-Identifier: MIT
// Debian's own io-pgfault.c, with iommu-sva.c and the whole of iommu.c, under every schedule.
#include <gtest/gtest.h>

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
  for (const Scenario& one : iopf_target().written()) {
    const Exploration dpor = kernel_->explore(one, {});
    const Exploration sleep = kernel_->explore(one, {.search = Search::sleep_sets});
    EXPECT_TRUE(dpor.exhausted) << one.name;
    EXPECT_TRUE(sleep.exhausted) << one.name;
    EXPECT_EQ(dpor.complete, sleep.complete) << one.name;
    EXPECT_EQ(results_of(dpor), results_of(sleep)) << one.name;
    EXPECT_GT(dpor.complete, 1U) << one.name << ": nothing to schedule";
    EXPECT_TRUE(dpor.reports.empty()) << one.name << ": " << dpor.reports.front().message;
  }
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

TEST_F(PageFaultTest, WithoutMemoryEachRequestIsAnsweredAllTheSame) {
  for (const char* name : {"fault-unbind", "group", "fault-disable"}) {
    const Exploration all = kernel_->explore(scenario(name), {.failing_allocations = true});
    EXPECT_TRUE(all.exhausted) << name;
    EXPECT_TRUE(all.reports.empty()) << name << ": " << all.reports.front().message;
  }
}

struct Planted {
  const char *function, *kind, *scenario, *report;
};

TEST_F(PageFaultTest, MistakesAreFound) {
  const Planted all[] = {
      {"iopf_group_response", "drop-lock", "fault-fault", "data race"},
      {"iopf_queue_add_device", "drop-lock", "fault-disable", "suspicious RCU usage"},
      {"__iopf_free_group", "drop-cleanup", "group", "leak"},
  };
  for (const Planted& planted : all) {
    const auto mutants = mutants_of(planted.function, planted.kind);
    ASSERT_FALSE(mutants.empty()) << planted.function << " has no place for " << planted.kind;
    std::set<std::string> kinds;
    for (const Mutant& mutant : mutants) kinds.merge(kinds_on(mutant, planted.scenario));
    EXPECT_TRUE(kinds.contains(planted.report))
        << planted.kind << " in " << planted.function << ": " << testing::PrintToString(kinds);
  }
}

}  // namespace
}  // namespace iommucheck::linux_harness
