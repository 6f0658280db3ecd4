// SPDX-License-Identifier: MIT
// Debian's own iommu-sva-lib.c of 6.1, on its ioasid.c, under every schedule.
#include <gtest/gtest.h>

#include "tests/impl/linux/on_target.h"

namespace iommucheck::linux_harness {
namespace {

using SvaLibTest = OnTarget<sva_lib_target>;

TEST_F(SvaLibTest, DporAndSleepSetsAgreeOnEveryWrittenScenario) {
  for (const Scenario& one : sva_lib_target().written()) {
    const Exploration dpor = kernel_->explore(one, {});
    const Exploration sleep = kernel_->explore(one, {.search = Search::sleep_sets});
    EXPECT_TRUE(dpor.exhausted && sleep.exhausted) << one.name;
    EXPECT_EQ(dpor.complete, sleep.complete) << one.name;
    EXPECT_EQ(results_of(dpor), results_of(sleep)) << one.name;
    EXPECT_EQ(dpor.reports.empty(), one.name != "find-unbound") << one.name;
  }
}

// iommu_sva_find() may meet an mm that is freed, unless somebody keeps it (docs/real-code.md).
TEST_F(SvaLibTest, ALookUpWithoutABondIsAUseAfterFree) {
  bool found = false;
  for (const auto& report : kernel_->explore(scenario("find-unbound"), {}).reports) {
    for (const Frame& frame : report.freed) {
      found |=
          report.kind == "use-after-free" && frame.function.find("mmdrop") != std::string::npos;
    }
  }
  EXPECT_TRUE(found);
}

TEST_F(SvaLibTest, MistakesAreFound) {
  const auto mutants = mutants_of("iommu_sva_alloc_pasid", "drop-lock");
  ASSERT_EQ(mutants.size(), 1U);
  EXPECT_TRUE(kinds_on(mutants[0], "alloc-alloc").contains("data race"));
}

}  // namespace
}  // namespace iommucheck::linux_harness
