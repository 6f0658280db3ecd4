// SPDX-License-Identifier: MIT
// Debian's own iommu-sva.c, on the whole of its iommu.c, under every schedule.
#include <gtest/gtest.h>

#include "cli/kernel_scenarios.h"
#include "tests/impl/linux/on_target.h"

namespace iommucheck::linux_harness {
namespace {

using SvaTest = OnTarget<sva_target>;

TEST_F(SvaTest, DporAndSleepSetsAgreeOnEveryWrittenScenario) {
  for (const Scenario& one : sva_target().written())
    expect_searches_agree(one, one.name != "unplugged");
}

// handle->dev is the device that was bound first, and it is gone: docs/real-code.md.
TEST_F(SvaTest, TheHandleOfAGroupFollowsADeviceThatIsUnplugged) {
  const Exploration found = kernel_->explore(scenario("unplugged"), {});
  for (const ScheduledCall& call : found.setup) EXPECT_EQ(call.result, "0") << call.call.text;
  ASSERT_EQ(found.reports.size(), 1U);
  EXPECT_EQ(found.reports.front().kind, "NULL dereference");
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

// The verdict, as the command line gives it, on this text of the file under test.
class SvaVerdictTest : public SvaTest {
 protected:
  static cli::ScenariosRun verdict_on(linux_harness::ScheduledKernel& kernel, const Scenario& one,
                                      const SearchOptions& options = {}) {
    return cli::explore_scenarios(kernel, {one}, options, [](std::string_view) {});
  }
  /// The file under test with another text in this place.
  static std::unique_ptr<ScheduledKernel> changed(const std::string& from, const std::string& to) {
    Mutant other;
    other.text = read_file(build_->tree.root / sva_target().file());
    const std::size_t at = other.text.find(from);
    if (at == std::string::npos) throw std::out_of_range{from};
    other.text.replace(at, from.size(), to);
    return with(other);
  }
};

TEST_F(SvaVerdictTest, ResultsThatNoOrderOfTheCallsGivesAreAViolation) {
  const cli::ScenariosRun original = verdict_on(*kernel_, scenario("bind-bind"));
  EXPECT_EQ(original.verdict(), "holds");
  EXPECT_TRUE(original.runs.front().judged);

  Mutant impatient;
  impatient.text = read_file(build_->tree.root / sva_target().file());
  const std::string waits = "\n\tmutex_lock(&iommu_sva_lock);";
  const std::size_t bind = impatient.text.find("iommu_sva_bind_device(");
  const std::size_t at = impatient.text.find(waits, bind);
  ASSERT_NE(at, std::string::npos);
  impatient.text.replace(at, waits.size(),
                         "\n\tif (!mutex_trylock(&iommu_sva_lock)) return ERR_PTR(-EBUSY);");
  const auto changed = with(impatient);
  const cli::ScenariosRun busy = verdict_on(*changed, scenario("bind-bind"));
  EXPECT_EQ(busy.verdict(), "violated");
  ASSERT_EQ(busy.causes.size(), 1U);
  EXPECT_NE(busy.causes.front().text.find("-EBUSY"), std::string::npos) << busy.causes.front().text;
  EXPECT_TRUE(busy.runs.front().exploration.reports.empty());
}

// Wrong without concurrency, too: only the specification can tell.
TEST_F(SvaVerdictTest, ASecondBindThatIsRefusedIsAViolation) {
  const auto refuses = changed("if (attach_handle->domain->mm != mm) {", "if (1) {");
  const cli::ScenariosRun run = verdict_on(*refuses, scenario("bind-unbind"));
  EXPECT_EQ(run.verdict(), "violated");
  ASSERT_EQ(run.causes.size(), 1U);
  EXPECT_NE(run.causes.front().text.find("bind: -EBUSY only where"), std::string::npos)
      << run.causes.front().text;
}

TEST_F(SvaVerdictTest, ResultsOfFailedAllocationsAreJudged) {
  const SearchOptions failing{.failing_allocations = true};
  const cli::ScenariosRun original = verdict_on(*kernel_, scenario("bind-bind"), failing);
  EXPECT_TRUE(original.runs.front().judged);
  EXPECT_EQ(original.verdict(), "holds");
  const auto wrong = changed("ret = -ENOMEM;", "ret = -ENOSPC;");
  const cli::ScenariosRun run = verdict_on(*wrong, scenario("bind-bind"), failing);
  EXPECT_EQ(run.verdict(), "violated");
  EXPECT_FALSE(run.runs.front().unexplained.empty());
}

TEST_F(SvaVerdictTest, CallsThatWereNotMadeAreNoCalls) {
  // unbind0 is made only where bind0 has succeeded before it.
  const Scenario early{"early", "", {}, {{TargetCall{"bind0"}}, {TargetCall{"unbind0"}}}};
  const cli::ScenariosRun run = verdict_on(*kernel_, early);
  EXPECT_EQ(run.verdict(), "holds");
  std::set<std::string> results;
  for (const ScheduledHistory& history : run.runs.front().exploration.histories)
    results.insert(history.calls.back().result);
  EXPECT_TRUE(results.contains(std::string{kNotMade})) << testing::PrintToString(results);
  EXPECT_EQ(results.size(), 2U);
}

TEST_F(SvaVerdictTest, MoreOrdersThanCanBeRunIsUnknown) {
  const std::vector<TargetCall> asks(4, TargetCall{"pasid0"});  // 12! / 4!^3 = 34,650 orders
  const Scenario many{"many", "", {TargetCall{"bind0"}}, {asks, asks, asks}};
  const cli::ScenariosRun run = verdict_on(*kernel_, many, {.executions = 20});
  EXPECT_EQ(run.verdict(), "unknown");
  EXPECT_NE(run.runs.front().too_many_orders, 0U);
  EXPECT_TRUE(run.runs.front().unexplained.empty());
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
