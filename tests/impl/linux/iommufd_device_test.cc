// SPDX-License-Identifier: MIT
// Devices on page tables of Debian's own iommufd, under every schedule.
#include <gtest/gtest.h>

#include "cli/kernel_scenarios.h"
#include "tests/impl/linux/on_target.h"

namespace iommucheck::linux_harness {
namespace {

class DevicesTest : public OnTarget<iommufd_device_target> {
 protected:
  /// What the written scenarios show on the tree's own code, one name for each.
  static cli::ScenariosRun verdicts(ScheduledKernel& kernel, const std::string& name) {
    return cli::explore_scenarios(kernel, {scenario(name)}, {}, [](std::string_view) {});
  }
};

// Behind a use after free they need not agree: what ends a thread there, the access or the free, is
// no choice of the scheduler's.
TEST_F(DevicesTest, DporAndSleepSetsAgreeOnEverySmallScenario) {
  std::size_t small = 0;
  for (const Scenario& one : iommufd_device_target().written()) {
    const Exploration dpor = kernel_->explore(one, {});
    if (dpor.executions > 1500) continue;  // sleep sets take ten times as many and more
    ++small;
    const std::set<std::string> kinds = kinds_in(dpor);
    if (!kinds.contains("use-after-free")) {
      expect_searches_agree(one, false);
    } else {
      EXPECT_EQ(kinds, kinds_in(kernel_->explore(one, {.search = Search::sleep_sets}))) << one.name;
    }
  }
  EXPECT_GT(small, 10U);
}

TEST_F(DevicesTest, EverySetUpIsMade) { expect_set_ups_made(); }

// iommufd_hw_pagetable_detach() reads the group's page table before it has the group's lock.
TEST_F(DevicesTest, ADeviceThatGoesWhileItsGroupMovesDetachesTheOldTable) {
  for (const char* name : {"replace-detach", "replace-unbind"}) {
    const std::set<std::string> kinds = kinds_in(kernel_->explore(scenario(name), {}));
    EXPECT_TRUE(kinds.contains("data race")) << name;
    EXPECT_TRUE(kinds.contains("use-after-free")) << name;
  }
}

// With that mended, what the other device finds there is not finished: its id has no object yet.
TEST_F(DevicesTest, ADeviceThatGoesWhileItsGroupMovesMeetsAnUnfinishedTable) {
  Mutant locked;
  locked.text = read_file(build_->tree.root / iommufd_device_target().file());
  const std::size_t detach = locked.text.find("\niommufd_hw_pagetable_detach(");
  ASSERT_NE(detach, std::string::npos);
  const std::string lock = "mutex_lock(&idev->igroup->lock);";
  const std::size_t taken = locked.text.find(lock, detach);
  ASSERT_NE(taken, std::string::npos);
  locked.text.replace(taken, lock.size(), ";");
  locked.text.insert(locked.text.find("{\n", detach) + 1, lock);
  const auto kernel = with(locked);
  for (const char* name : {"replace-detach", "replace-unbind"}) {
    const Exploration dpor = kernel->explore(scenario(name), {});
    const Exploration sleep = kernel->explore(scenario(name), {.search = Search::sleep_sets});
    EXPECT_EQ(kinds_in(dpor), (std::set<std::string>{"NULL dereference", "data race"})) << name;
    EXPECT_EQ(dpor.complete, sleep.complete) << name;
    EXPECT_EQ(results_of(dpor), results_of(sleep)) << name;
  }
}

// iommufd_object_put_and_try_destroy() gives up where somebody has the page table for a moment.
TEST_F(DevicesTest, APageTableThatIsTriedWhileItGoesIsLeftBehind) {
  const cli::ScenariosRun run = verdicts(*kernel_, "left-behind");
  EXPECT_TRUE(run.runs.front().complete());
  ASSERT_FALSE(run.runs.front().unexplained.empty());
  for (const cli::UnexplainedHistory& one : run.runs.front().unexplained) {
    const ScheduledCall& last = one.history.calls.back();
    EXPECT_EQ(last.call.text + " = " + last.result, "destroy0() = -EBUSY");
  }
}

// Wrong answers that do not come from concurrency: the code explains itself by them.
TEST_F(DevicesTest, WrongAnswersAreFoundByTheSpecification) {
  struct Wrong {
    const char *function, *statement, *by, *scenario, *words;
  };
  for (const Wrong& wrong : {
           Wrong{"iommufd_hw_pagetable_attach", "rc = -EINVAL;", "rc = -ENOENT;", "attach-other",
                 "attach: -ENOENT only where it is not there"},
           Wrong{"iommufd_device_change_pt", "return PTR_ERR(pt_obj);", "return -EBUSY;",
                 "attach-destroy", "the answer is one that this call can give"},
       }) {
    const auto changed = with(replaced(wrong.function, wrong.statement, wrong.by));
    const auto run = cli::explore_scenario(*changed, scenario(wrong.scenario), {.minimise = false});
    EXPECT_TRUE(run.by_specification);
    const bool found = std::ranges::any_of(run.unexplained, [&](const auto& one) {
      return std::ranges::any_of(one.why.reasons, [&](const std::string& reason) {
        return reason.find(wrong.words) != std::string::npos;
      });
    });
    EXPECT_TRUE(found) << wrong.function << ", " << wrong.statement;
  }
}

// An attach that fails later has been the group's for a moment.
TEST_F(DevicesTest, AnAttachIsRefusedBesideOneThatFails) {
  const auto run =
      cli::explore_scenario(*kernel_, scenario("attach-other"), {.failing_allocations = true});
  EXPECT_TRUE(run.by_specification);
  ASSERT_FALSE(run.unexplained.empty());
  for (const cli::UnexplainedHistory& one : run.unexplained) {
    std::set<std::string> answers;
    for (const ScheduledCall& call : one.history.calls) answers.insert(call.result);
    EXPECT_TRUE(answers.contains("-EINVAL") && answers.size() == 2) << one.history.schedule;
    EXPECT_TRUE(answers.contains("-ENOMEM") || answers.contains("-EIO")) << one.history.schedule;
  }
}

TEST_F(DevicesTest, NothingElseIsReported) {
  for (const Scenario& one : iommufd_device_target().written()) {
    if (one.name.starts_with("replace-") && one.name != "replace-replace") continue;
    if (one.name == "left-behind") continue;
    const cli::ScenariosRun run = verdicts(*kernel_, one.name);
    for (const cli::ScenarioCause& cause : run.causes) {
      EXPECT_TRUE(cause.title.starts_with("missed wake-up in iommufd_object_dec_wait_shortterm"))
          << cause.text;
    }
    EXPECT_TRUE(run.runs.front().complete()) << one.name;
  }
}

TEST_F(DevicesTest, AnAttachThatFailsLeavesNothingBehind) {
  for (const char* name : {"attach-attach", "attach-other", "attach-groups"}) {
    const Exploration all = kernel_->explore(scenario(name), {.failing_allocations = true});
    EXPECT_TRUE(all.exhausted) << name;
    EXPECT_EQ(kinds_in(all), std::set<std::string>{}) << name;
  }
}

TEST_F(DevicesTest, MistakesAreFound) {
  expect_found({
      {"iommufd_hw_pagetable_attach", "drop-lock", "attach-attach", "WARN_ON"},
      {"iommufd_hw_pagetable_attach", "drop-increment", "detach-detach", "WARN_ON"},
      {"iommufd_hwpt_detach_device", "drop-cleanup", "detach-detach", "leak"},
      {"iommufd_device_bind", "drop-increment", "table", "WARN_ON"},
      {"iommufd_device_detach", "drop-cleanup", "detach-detach", "WARN_ON"},
  });
}

}  // namespace
}  // namespace iommucheck::linux_harness
