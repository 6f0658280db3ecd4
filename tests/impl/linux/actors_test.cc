// SPDX-License-Identifier: MIT
// Timers, interrupts and kernel threads as actors, on a small file of ours that is compiled
// with 6.12's headers (glue/actors.c): each mistake is found, and what looks like it and is none is
// not reported.
#include <gtest/gtest.h>

#include <filesystem>
#include <iostream>

#include "tests/impl/linux/on_target.h"

namespace iommucheck::linux_harness {
namespace {

using Kinds = std::set<std::string>;

/// The file stands in for one of the kernel's.
class ActorsTarget final : public Target {
 public:
  std::string_view name() const override { return "actors"; }
  std::string_view sentence() const override { return "of the test"; }
  std::string_view versions() const override { return dma_iommu_target().versions(); }
  std::string_view package() const override { return dma_iommu_target().package(); }
  const RunnerParts& parts() const override {
    static const RunnerParts parts{
        dma_iommu_target().file(),
        {"lib/xarray.c", "lib/radix-tree.c", "lib/find_bit.c", "lib/bitmap.c"},
        {"kernel_facts.c", "kernel_wait.c", "kernel_kthread.c", "kernel_delayed_work.c",
         "kernel_base.c"}};
    return parts;
  }
  KernelBuild prepare(Cache& cache, const SourceTree& tree) const override {
    return dma_iommu_target().prepare(cache, tree);
  }
  const std::vector<Scenario>& written() const override {
    static const std::vector<Scenario> none;
    return none;
  }
  std::vector<Scenario> generated(unsigned) const override { return {}; }
};

const Target& actors_target() {
  static const ActorsTarget target;
  return target;
}

class ActorsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (scheduled_archive().empty()) return;
    const std::string package{actors_target().package()};
    if (!std::filesystem::exists("/usr/src/" + package + ".tar.xz")) return;
    Cache cache{Cache::default_directory(),
                [](std::string_view what) { std::cout << what << std::endl; }};
    const KernelBuild build = actors_target().prepare(cache, open_package(cache, package));
    kernel_ = std::make_unique<ScheduledKernel>(
        actors_target(), actors_target().build(cache, build, {"mutant-test", read_file(ACTORS_C)}));
  }
  static void TearDownTestSuite() { kernel_.reset(); }
  void SetUp() override {
    if (scheduled_archive().empty()) GTEST_SKIP() << "skipped: this build has a sanitizer";
    if (!kernel_) GTEST_SKIP() << "skipped: linux-source-6.12 is not installed";
  }

  /// By DPOR, after sleep sets have shown the same.
  static Exploration explore(const std::string& setup, const std::vector<std::string>& threads) {
    const Scenario one = scenario("test", "", setup, threads);
    Exploration dpor = kernel_->explore(one, {.minimise = false});
    const Exploration sleep =
        kernel_->explore(one, {.search = Search::sleep_sets, .minimise = false});
    EXPECT_TRUE(dpor.exhausted && sleep.exhausted) << setup;
    // Behind a use after free not every execution is tried.
    if (!kinds_in(dpor).contains("use-after-free")) {
      EXPECT_EQ(dpor.complete, sleep.complete) << setup;
    }
    EXPECT_EQ(results_of(dpor), results_of(sleep)) << setup;
    EXPECT_EQ(kinds_in(dpor), kinds_in(sleep)) << setup;
    return dpor;
  }
  static Kinds kinds_of(const std::string& setup, const std::vector<std::string>& threads) {
    return kinds_in(explore(setup, threads));
  }
  /// What the last call of the first thread answers.
  static Kinds answers_of(const std::string& setup, const std::vector<std::string>& threads) {
    const Exploration all = explore(setup, threads);
    EXPECT_EQ(kinds_in(all), Kinds{}) << setup;
    Kinds answers;
    for (const ScheduledHistory& history : all.histories) {
      std::string last;
      for (const ScheduledCall& call : history.calls) {
        if (call.thread == 0) last = call.result;
      }
      answers.insert(last);
    }
    return answers;
  }

  static inline std::unique_ptr<ScheduledKernel> kernel_;
};

// ---- timers ----

TEST_F(ActorsTest, ATimerFiresAtAnyInstantOrNotYet) {
  EXPECT_EQ(answers_of("new_tick", {"arm ticks"}), (Kinds{"0", "1"}));
  EXPECT_EQ(answers_of("new_tick arm", {"ticks"}), (Kinds{"0", "1"}));
  EXPECT_EQ(answers_of("new_tick arm", {"arm"}), (Kinds{"0", "1"}));
  EXPECT_EQ(answers_of("new_tick arm", {"pending"}), (Kinds{"0", "1"}));
  EXPECT_EQ(answers_of("new_tick arm", {"arm ticks"}), (Kinds{"0", "1", "2"}));
  EXPECT_EQ(answers_of("new_tick", {"ticks"}), Kinds{"0"});
}

TEST_F(ActorsTest, ATimerThatIsDeletedDoesNotFire) {
  EXPECT_EQ(answers_of("new_tick arm del", {"ticks"}), Kinds{"0"});
  EXPECT_EQ(answers_of("new_tick", {"arm del ticks"}), (Kinds{"0", "1"}));
  EXPECT_EQ(answers_of("new_tick", {"arm del arm del_sync ticks"}), (Kinds{"0", "1", "2"}));
  EXPECT_EQ(answers_of("new_tick arm shutdown", {"arm pending"}), Kinds{"0"});
}

TEST_F(ActorsTest, ATimerThatArmsItselfEnds) {
  const Kinds answers = answers_of("new_again", {"arm ticks"});
  EXPECT_TRUE(answers.contains("2"));
  EXPECT_LE(answers.size(), 5U);
  // It may run while it is deleted, and is pending again then.
  EXPECT_EQ(answers_of("new_again arm", {"del pending"}), (Kinds{"0", "1"}));
  EXPECT_EQ(answers_of("new_again arm", {"del_sync pending"}), Kinds{"0"});
}

TEST_F(ActorsTest, AFunctionMustNotSleep) {
  EXPECT_EQ(kinds_of("new_asleep arm", {"ticks"}), Kinds{"sleep in atomic context"});
  EXPECT_EQ(kinds_of("new_asleep arm del", {"ticks"}), Kinds{});
}

TEST_F(ActorsTest, WaitingForAFunctionThatWaitsForTheLockIsADeadlock) {
  EXPECT_TRUE(kinds_of("new_tick arm", {"del_sync_locked"}).contains("deadlock"));
  EXPECT_EQ(kinds_of("new_tick arm", {"del_sync", "ticks"}), Kinds{});
}

TEST_F(ActorsTest, WhatIsFreedHasNoTimer) {
  EXPECT_EQ(kinds_of("new_tick arm", {"free"}), Kinds{"use-after-free"});
  EXPECT_EQ(kinds_of("new_tick arm", {"free_del"}), Kinds{"use-after-free"});
  EXPECT_EQ(kinds_of("new_tick arm", {"free_sync"}), Kinds{});
  EXPECT_EQ(kinds_of("new_again arm", {"free_sync"}), Kinds{});
  EXPECT_EQ(kinds_of("new_tick arm", {"lose"}), Kinds{"leak"});
}

TEST_F(ActorsTest, ATimerThatStaysPendingFiresBehindTheEnd) {
  EXPECT_TRUE(kinds_of("new_tick forget", {"arm del_sync arm"}).contains("use-after-free"));
  EXPECT_EQ(kinds_of("new_tick forget", {"arm del_sync"}), Kinds{});
}

TEST_F(ActorsTest, ALockOfATimerIsTakenWithSoftInterruptsDisabled) {
  const Kinds found{"lock taken in an interrupt"};
  EXPECT_EQ(kinds_of("new_tick arm", {"ticks"}), Kinds{});
  EXPECT_EQ(kinds_of("new_tick arm", {"ticks_open"}), found);
  EXPECT_EQ(kinds_of("new_tick arm", {"ticks_reopened"}), found);
  EXPECT_EQ(kinds_of("new_tick", {"ticks_open"}), Kinds{});
}

// ---- delayed work ----

TEST_F(ActorsTest, DelayedWorkIsDoneAtAnyInstantOrNotYet) {
  EXPECT_EQ(answers_of("new_job", {"schedule_job jobs_done"}), (Kinds{"0", "1"}));
  EXPECT_EQ(answers_of("new_job schedule_job", {"jobs_done"}), (Kinds{"0", "1"}));
  EXPECT_EQ(answers_of("new_job schedule_job", {"schedule_job jobs_done"}), (Kinds{"0", "1", "2"}));
  EXPECT_EQ(answers_of("new_job schedule_job cancel_job", {"jobs_done"}), Kinds{"0"});
}

TEST_F(ActorsTest, WhatIsFreedHasNoWork) {
  EXPECT_EQ(kinds_of("new_job schedule_job", {"end_job"}), Kinds{});
  EXPECT_EQ(kinds_of("new_job schedule_job", {"free_job"}), Kinds{"use-after-free"});
}

// ---- interrupts ----

TEST_F(ActorsTest, AnInterruptIsHandledAtAnyInstantThatIsLater) {
  EXPECT_EQ(answers_of("irq_plain", {"raise seen"}), (Kinds{"0", "1"}));
  EXPECT_EQ(answers_of("irq_plain raise", {"seen"}), (Kinds{"0", "1"}));
  EXPECT_EQ(answers_of("irq_plain", {"seen", "raise"}), (Kinds{"0", "1"}));
  // One that is raised twice may be handled once.
  EXPECT_EQ(answers_of("irq_plain", {"raise raise seen"}), (Kinds{"0", "1", "2"}));
  EXPECT_EQ(answers_of("irq_plain disable", {"raise seen"}), Kinds{"0"});
  EXPECT_EQ(answers_of("irq_plain", {"disable seen seen", "raise"}), (Kinds{"0", "1"}));
  EXPECT_EQ(answers_of("irq_plain disable raise", {"enable disable seen"}), (Kinds{"0", "1"}));
}

TEST_F(ActorsTest, AHandlerMustNotSleepAndItsThreadMay) {
  EXPECT_EQ(kinds_of("irq_asleep", {"raise"}), Kinds{"sleep in atomic context"});
  EXPECT_EQ(kinds_of("irq_wake", {"raise", "done"}), Kinds{});
  EXPECT_EQ(answers_of("irq_wake", {"raise done"}), (Kinds{"0", "1"}));
  EXPECT_EQ(answers_of("irq_oneshot", {"raise raise done"}), (Kinds{"0", "1", "2"}));
  EXPECT_EQ(answers_of("irq_wake", {"raise synchronize done"}), (Kinds{"0", "1"}));
  EXPECT_EQ(kinds_of("irq_plain", {"asleep_local"}), Kinds{"sleep in atomic context"});
}

TEST_F(ActorsTest, ALockOfAHandlerIsTakenWithInterruptsDisabled) {
  const Kinds found{"lock taken in an interrupt"};
  EXPECT_EQ(kinds_of("irq_plain", {"raise", "seen"}), Kinds{});
  EXPECT_EQ(kinds_of("irq_plain", {"raise", "seen_local"}), Kinds{});
  EXPECT_EQ(kinds_of("irq_plain", {"raise", "seen_bh"}), found);
  EXPECT_EQ(kinds_of("irq_plain", {"seen_bh"}), Kinds{});
}

TEST_F(ActorsTest, WhatIsFreedHasNoHandler) {
  EXPECT_EQ(kinds_of("irq_plain", {"remove_unit", "raise"}), Kinds{});
  EXPECT_EQ(kinds_of("irq_wake", {"remove_unit", "raise"}), Kinds{});
  EXPECT_EQ(kinds_of("irq_wake", {"raise lose_unit"}), Kinds{"leak"});
  EXPECT_EQ(kinds_of("irq_plain", {"free_unit_first", "raise"}), Kinds{"use-after-free"});
  EXPECT_TRUE(kinds_of("irq_plain", {"disable_locked", "raise"}).contains("deadlock"));
}

// ---- kernel threads ----

TEST_F(ActorsTest, AKernelThreadRunsAndIsStopped) {
  EXPECT_EQ(answers_of("run_wait", {"stop_worker"}), Kinds{"7"});
  EXPECT_EQ(answers_of("run_state", {"stop_worker"}), Kinds{"8"});
  EXPECT_EQ(answers_of("run_wait", {"want ran stop_and_free"}), Kinds{"7"});
  EXPECT_EQ(answers_of("run_state", {"ran", "want stop_worker"}), (Kinds{"0", "1"}));
  EXPECT_EQ(answers_of("run_wait", {"ran", "want stop_worker"}), (Kinds{"0", "1"}));
  EXPECT_EQ(answers_of("", {"run_wait stop_worker"}), Kinds{"7"});
  EXPECT_EQ(answers_of("", {"never_woken"}), Kinds{"-EINTR"});
}

TEST_F(ActorsTest, AKernelThreadThatSleepsBehindItsLookMissesTheStop) {
  EXPECT_EQ(kinds_of("run_late", {"stop_worker"}), Kinds{"lost wake-up"});
}

TEST_F(ActorsTest, AKernelThreadThatNobodyStopsWaitsForEver) {
  EXPECT_EQ(kinds_of("run_wait", {"want"}), Kinds{"lost wake-up"});
  EXPECT_EQ(kinds_of("run_wait stop_at_the_end", {"want"}), Kinds{});
}

TEST_F(ActorsTest, WhatAKernelThreadUsesOutlivesIt) {
  EXPECT_EQ(kinds_of("run_wait", {"stop_and_free"}), Kinds{});
  EXPECT_TRUE(kinds_of("run_wait", {"free_and_stop"}).contains("use-after-free"));
  // It ends by itself, and nobody has a reference on its task.
  EXPECT_TRUE(kinds_of("run_ends", {"stop_worker"}).contains("use-after-free"));
}

}  // namespace
}  // namespace iommucheck::linux_harness
