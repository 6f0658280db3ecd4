// SPDX-License-Identifier: MIT
// Debian's own intel/svm.c of 6.1, on its iommu.c, io-pgfault.c and mmu notifiers, under every
// schedule.
#include <gtest/gtest.h>

#include <algorithm>

#include "cli/kernel_scenarios.h"
#include "tests/impl/linux/on_target.h"

namespace iommucheck::linux_harness {
namespace {

using Kinds = std::set<std::string>;

class IntelSvmTest : public OnTarget<intel_svm_target> {
 protected:
  /// Of calls by threads behind a set-up; the tree's own code.
  static Kinds kinds_of(const std::string& setup, const std::vector<std::string>& threads) {
    const Exploration all =
        kernel_->explore(linux_harness::scenario("test", "", setup, threads), {});
    EXPECT_TRUE(all.exhausted);
    return kinds_in(all);
  }

  static bool is_in(const std::vector<Frame>& frames, const std::string& function) {
    return std::ranges::find(frames, function, &Frame::function) != frames.end();
  }
  /// A use after free of what `by` has freed, by an unbind that has drained.
  static const ScheduledReport* freed_meanwhile(const Exploration& all, const std::string& by) {
    const auto report = std::ranges::find_if(all.reports, [&](const ScheduledReport& one) {
      return one.kind == "use-after-free" && is_in(one.here, "list_empty") &&
             is_in(one.here, "intel_svm_unbind_mm") && is_in(one.freed, by);
    });
    return report == all.reports.end() ? nullptr : &*report;
  }
};

// Of what is left out, sleep sets take a hundred thousand executions, or minutes.
TEST_F(IntelSvmTest, DporAndSleepSetsAgreeOnEverySmallScenario) {
  const Kinds large{"fault-fault", "fault-drain-reuse"};
  for (const Scenario& one : intel_svm_target().written()) {
    if (!large.contains(one.name)) expect_searches_agree(one, false);
  }
}

// intel_svm_drain_prq() drops pasid_mutex: by then the device is on no list, and whoever finds the
// list empty frees the intel_svm that the unbind goes on with.
TEST_F(IntelSvmTest, AnIntelSvmIsFreedWhileAnUnbindDrains) {
  const Exploration two = kernel_->explore(scenario("last-two"), {});
  const Exploration failed = kernel_->explore(scenario("failed-bind"), {});
  ASSERT_NE(freed_meanwhile(two, "intel_svm_unbind_mm"), nullptr);
  ASSERT_NE(freed_meanwhile(failed, "intel_svm_bind_mm"), nullptr);

  const std::string schedule = freed_meanwhile(two, "intel_svm_unbind_mm")->schedule;
  const Exploration again =
      kernel_->explore(scenario("last-two"), {.search = Search::replay, .schedule = schedule});
  EXPECT_EQ(again.executions, 1U);
  EXPECT_NE(freed_meanwhile(again, "intel_svm_unbind_mm"), nullptr);
}

TEST_F(IntelSvmTest, AnyBindThatFailsForLackOfMemoryMayFreeIt) {
  const Exploration all = kernel_->explore(scenario("move"), {.failing_allocations = true});
  EXPECT_NE(freed_meanwhile(all, "intel_svm_bind_mm"), nullptr);
}

// With the intel_svm goes its hold on the process, and with that the PASID.
TEST_F(IntelSvmTest, ADrainedPageRequestMeetsAnotherProcess) {
  const Kinds kinds = kinds_in(kernel_->explore(scenario("fault-drain-reuse"), {}));
  EXPECT_TRUE(kinds.contains("page request of another process"));
}

// What looks like one more mistake is the repair: no work takes pasid_mutex any more.
TEST_F(IntelSvmTest, WithTheMutexHeldNothingIsFreedMeanwhile) {
  const auto held = mutants_of("intel_svm_drain_prq", "drop-lock");
  ASSERT_EQ(held.size(), 1U);
  const auto kernel = with(held.front());
  for (const char* name : {"last-two", "failed-bind", "fault-last-two", "fault-drain-reuse"}) {
    const Exploration all = kernel->explore(scenario(name), {});
    EXPECT_TRUE(all.exhausted) << name;
    for (const std::string& kind : kinds_in(all)) EXPECT_EQ(kind, "data race") << name;
  }
  EXPECT_EQ(kinds_in(kernel->explore(scenario("move"), {.failing_allocations = true})), Kinds{});
}

// Two that are looked at again under a lock, and by a loop.
TEST_F(IntelSvmTest, NothingElseIsReported) {
  const Kinds known{"last-two", "failed-bind", "two-devices-exit", "fault-last-two",
                    "fault-drain-reuse"};
  for (const Scenario& one : intel_svm_target().written()) {
    if (known.contains(one.name)) continue;
    const cli::ScenariosRun run =
        cli::explore_scenarios(*kernel_, {one}, {}, [](std::string_view) {});
    expect_set_up_made(one.name, run.runs.front().exploration);
    EXPECT_TRUE(run.runs.front().complete()) << one.name;
    EXPECT_TRUE(run.runs.front().by_specification) << one.name;
    EXPECT_TRUE(run.runs.front().unexplained.empty()) << one.name;
    for (const ScheduledReport& report : run.runs.front().exploration.reports) {
      EXPECT_TRUE(report.kind == "data race" &&
                  (is_in(report.here, "hlist_unhashed") || is_in(report.other, "hlist_unhashed") ||
                   is_in(report.here, "reinit_completion") ||
                   is_in(report.other, "reinit_completion")))
          << one.name << ": " << report.kind << ": " << report.message;
    }
  }
}

TEST_F(IntelSvmTest, WithoutMemoryNothingElseIsReported) {
  for (const char* name : {"bind-unbind", "two-devices", "unmap-bind", "group", "fault-exit"}) {
    const cli::ScenarioRun run =
        cli::explore_scenario(*kernel_, scenario(name), {.failing_allocations = true});
    EXPECT_TRUE(run.complete()) << name;
    EXPECT_TRUE(run.unexplained.empty()) << name;
    for (const std::string& kind : kinds_in(run.exploration)) EXPECT_EQ(kind, "data race") << name;
  }
}

// The code gives it every time: only the specification knows better.
TEST_F(IntelSvmTest, APasidThatIsNoneIsFound) {
  const auto changed = with(replaced("intel_svm_get_pasid(struct iommu_sva", "pasid = sdev->pasid;",
                                     "pasid = sdev->pasid + 7;"));
  const Scenario asks = linux_harness::scenario("test", "", "bind0", {"pasid0", "unbind0"});
  EXPECT_TRUE(cli::explore_scenario(*kernel_, asks, {}).unexplained.empty());
  EXPECT_FALSE(cli::explore_scenario(*changed, asks, {}).unexplained.empty());
}

// A bond is on the list too late and off it too early for a device that does not keep still.
TEST_F(IntelSvmTest, AnUntrustedDeviceIsForgottenBeforeItsEntryIs) {
  const std::vector<std::string> ends{"exit", "unbind0"}, changes{"unmap", "bind1", "dma1"};
  EXPECT_FALSE(kinds_of("bind0 one_task", ends).contains("page tables freed under a device"));
  EXPECT_TRUE(
      kinds_of("bind0 one_task untrusted", ends).contains("page tables freed under a device"));
  EXPECT_EQ(kinds_of("bind0 dma0", changes), Kinds{});
  EXPECT_EQ(kinds_of("bind0 dma0 untrusted", changes), Kinds{"stale translation"});
}

TEST_F(IntelSvmTest, AnUnbindThatDoesNotDrainIsFound) {
  Mutant careless;
  careless.text = read_file(build_->tree.root / intel_svm_target().file());
  const std::string drain = "intel_svm_drain_prq(dev, svm->pasid);";
  const std::size_t at = careless.text.find(drain);
  ASSERT_NE(at, std::string::npos);
  careless.text.erase(at, drain.size() - 1);
  EXPECT_TRUE(kinds_on(careless, "fault-reuse").contains("page request of another process"));
}

TEST_F(IntelSvmTest, MistakesAreFound) {
  expect_found({
      {"intel_svm_bind", "drop-lock", "two-devices", "data race"},
      {"intel_svm_bind_mm", "drop-increment", "bind-unbind", "use-after-free"},
      {"intel_mm_release", "drop-reader", "two-devices-exit", "use-after-free"},
  });
}

}  // namespace
}  // namespace iommucheck::linux_harness
