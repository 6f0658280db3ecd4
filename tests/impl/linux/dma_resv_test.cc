// SPDX-License-Identifier: MIT
// Debian's own dma-resv.c and dma-fence.c of 6.12 under every schedule.
#include <gtest/gtest.h>

#include <filesystem>

#include "cli/kernel_scenarios.h"
#include "impl/linux/error.h"
#include "impl/linux/tree.h"
#include "tests/impl/linux/on_target.h"

namespace iommucheck::linux_harness {
namespace {

class DmaResvTest : public OnTarget<dma_resv_target> {
 protected:
  /// The count of the fences is read without a lock and without a barrier.
  static bool is_the_known_race(const ScheduledReport& report) {
    const auto names = [](const std::vector<Frame>& frames, const char* function) {
      return std::ranges::find(frames, function, &Frame::function) != frames.end();
    };
    const auto either = [&](const char* function) {
      return names(report.here, function) || names(report.other, function);
    };
    return report.kind == "data race" && either("dma_resv_iter_restart_unlocked") &&
           either("dma_resv_add_fence");
  }
};

TEST_F(DmaResvTest, DporAndSleepSetsAgreeOnEverySmallScenario) {
  for (const Scenario& one : dma_resv_target().written()) {
    if (one.name != "shrink-walk") expect_searches_agree(one, false);
  }
}

// 6.1 has a file of that name, with other interfaces.
TEST_F(DmaResvTest, AnotherVersionIsRefused) {
  if (!std::filesystem::exists("/usr/src/linux-source-6.1.tar.xz")) GTEST_SKIP();
  Cache cache;
  const SourceTree tree = open_package(cache, "linux-source-6.1");
  try {
    static_cast<void>(dma_resv_target().prepare(cache, tree));
    ADD_FAILURE() << "6.1's file was compiled";
  } catch (const HarnessError& error) {
    EXPECT_NE(std::string{error.what()}.find("this target is made for Linux 6.12"),
              std::string::npos)
        << error.what();
  }
}

TEST_F(DmaResvTest, SetUpsAreMade) { expect_set_ups_made(); }

TEST_F(DmaResvTest, OnlyTheRaceOfTheCountIsReported) {
  std::vector<Scenario> all = dma_resv_target().written();
  for (Scenario& pair : dma_resv_target().generated(2)) all.push_back(std::move(pair));
  std::size_t races = 0;
  for (const Scenario& one : all) {
    const auto run =
        cli::explore_scenarios(*kernel_, {one}, {}, [](std::string_view) {}).runs.front();
    EXPECT_TRUE(run.complete()) << one.name;
    EXPECT_TRUE(run.unexplained.empty()) << one.name << ": " << one.sentence;
    for (const ScheduledReport& report : run.exploration.reports) {
      EXPECT_TRUE(is_the_known_race(report)) << one.name << ": " << report.message;
      ++races;
    }
  }
  EXPECT_GT(races, 10U);
}

TEST_F(DmaResvTest, MistakesAreFound) {
  expect_found({
      {"dma_resv_reserve_fences", "no-grace-period", "grow-walk", "use-after-free"},
      {"dma_resv_list_free", "no-grace-period", "copy-walk", "use-after-free"},
      {"dma_resv_iter_next_unlocked", "drop-reader", "add-walk", "suspicious RCU usage"},
      {"dma_resv_add_fence", "drop-increment", "add-add", "leak"},
  });
}

// A mutant that a scenario does not reach behaves as the original, and marks change nothing.
TEST_F(DmaResvTest, WhatMarksDoNotShowMakesNoDifference) {
  const std::vector<Mutant> mutants =
      derive_mutants(read_file(build_->tree.root / dma_resv_target().file()));
  Mutant marks;
  marks.text = with_marks(read_file(build_->tree.root / dma_resv_target().file()), mutants);
  const Scenario& copy = scenario("copy");
  const Exploration original = kernel_->explore(copy, {.minimise = false});
  const Exploration marked = with(marks)->explore(copy, {.minimise = false});
  EXPECT_EQ(marked.executions, original.executions);
  EXPECT_EQ(results_of(marked), results_of(original));
  const auto is_marked = [&](unsigned line) {
    return std::ranges::find(marked.covered, line) != marked.covered.end();
  };
  std::size_t others = 0;
  for (const Mutant& mutant : mutants) {
    if (std::ranges::any_of(mutant.lines, is_marked)) continue;
    ++others;
    const Exploration same = with(mutant)->explore(copy, {.minimise = false});
    EXPECT_EQ(same.executions, original.executions) << "line " << mutant.line;
    EXPECT_EQ(results_of(same), results_of(original)) << "line " << mutant.line;
    EXPECT_EQ(kinds_in(same), kinds_in(original)) << "line " << mutant.line;
  }
  EXPECT_GT(others, 0U);
  EXPECT_LT(others, mutants.size());
}

// Whoever waits is woken by the engine.
TEST_F(DmaResvTest, WaitsEnd) {
  for (const auto& [setup, threads] : std::vector<std::pair<std::string, std::vector<std::string>>>{
           {"write", {"wait", "signal"}},
           {"write read", {"wait", "signal signal"}},
           {"write", {"wait", "wait", "signal"}}}) {
    SCOPED_TRACE(threads.back());
    const Exploration all =
        kernel_->explore(linux_harness::scenario("test", "", setup, threads), {});
    EXPECT_TRUE(all.exhausted);
    EXPECT_TRUE(all.reports.empty()) << all.reports.front().message;
    for (const ScheduledHistory& history : all.histories)
      EXPECT_EQ(history.calls.front().result, "1");
  }
}

TEST_F(DmaResvTest, WithoutMemoryNothingElseIsReported) {
  for (const char* name : {"add-walk", "copy", "copy-add", "grow-walk"}) {
    const Exploration all = kernel_->explore(scenario(name), {.failing_allocations = true});
    EXPECT_TRUE(all.exhausted) << name;
    for (const ScheduledReport& report : all.reports)
      EXPECT_TRUE(is_the_known_race(report)) << name << ": " << report.message;
  }
}

}  // namespace
}  // namespace iommucheck::linux_harness
