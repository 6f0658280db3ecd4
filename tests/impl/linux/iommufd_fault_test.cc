// SPDX-License-Identifier: MIT
// Page requests that Debian's own iommufd hands to a process, under every schedule.
#include <gtest/gtest.h>

#include "cli/kernel_scenarios.h"
#include "tests/impl/linux/on_target.h"

namespace iommucheck::linux_harness {
namespace {

class FaultsTest : public OnTarget<iommufd_fault_target> {
 protected:
  /// Of calls by threads behind a set-up; the tree's own code.
  static std::set<std::string> kinds_of(const std::string& setup,
                                        const std::vector<std::string>& threads) {
    const Exploration all =
        kernel_->explore(linux_harness::scenario("test", "", setup, threads), {});
    EXPECT_TRUE(all.exhausted);
    return kinds_in(all);
  }
};

TEST_F(FaultsTest, DporAndSleepSetsAgreeOnEveryWrittenScenario) {
  for (const Scenario& one : iommufd_fault_target().written()) {
    if (one.name != "return") expect_searches_agree(one, true);
  }
}

TEST_F(FaultsTest, EverySetUpIsMade) { expect_set_ups_made(); }

TEST_F(FaultsTest, ResultsAreThoseWithoutConcurrency) {
  for (const Scenario& one : iommufd_fault_target().written()) {
    if (one.name == "return") continue;
    const cli::ScenariosRun run =
        cli::explore_scenarios(*kernel_, {one}, {}, [](std::string_view) {});
    EXPECT_EQ(run.verdict(), "holds") << one.name;
  }
}

// iommu_replace_group_handle() attaches before it stores the new handle: a page request of the new
// page table's meets the old handle, which nobody waits for before it is freed.
TEST_F(FaultsTest, APageRequestOfTheNewTableMeetsTheOldHandle) {
  const cli::ScenariosRun run =
      cli::explore_scenarios(*kernel_, {scenario("return")}, {}, [](std::string_view) {});
  EXPECT_EQ(kinds_in(run.runs.front().exploration), std::set<std::string>{"use-after-free"});
  bool refused = false;
  for (const cli::UnexplainedHistory& one : run.runs.front().unexplained) {
    for (const ScheduledCall& call : one.history.calls) {
      refused = refused || (call.call.words == "fault0" && call.result == "-EINVAL");
    }
  }
  EXPECT_TRUE(refused);
}

TEST_F(FaultsTest, ADriverThatDoesNotDrainIsFound) {
  const std::string ready = "alloc0 bind0 parent0 fault nested0 attach0";
  EXPECT_EQ(kinds_of(ready, {"fault0 read", "detach0"}), std::set<std::string>{});
  EXPECT_TRUE(kinds_of(ready + " no_drain", {"fault0 read", "detach0"}).contains("use-after-free"));
}

TEST_F(FaultsTest, WithoutMemoryEachRequestIsAnsweredAllTheSame) {
  for (const char* name : {"fault-read", "read-detach", "partial", "nested-destroy"}) {
    const Exploration all = kernel_->explore(scenario(name), {.failing_allocations = true});
    EXPECT_TRUE(all.exhausted) << name;
    EXPECT_EQ(kinds_in(all), std::set<std::string>{}) << name;
  }
}

TEST_F(FaultsTest, MistakesAreFound) {
  expect_found({
      {"iommufd_fault_fops_write", "drop-lock", "respond-detach", "use-after-free"},
      {"iommufd_fault_iopf_handler", "drop-lock", "fault-read", "data race"},
      {"iommufd_auto_response_faults", "drop-lock", "respond-detach", "use-after-free"},
      {"iommufd_fault_fops_release", "drop-cleanup", "close-fault", "WARN_ON"},
  });
}

}  // namespace
}  // namespace iommucheck::linux_harness
