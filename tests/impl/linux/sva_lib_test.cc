// SPDX-License-Identifier: MIT
// Debian's own iommu-sva-lib.c of 6.1, on its ioasid.c, under every schedule.
#include <gtest/gtest.h>

#include "tests/impl/linux/on_target.h"

namespace iommucheck::linux_harness {
namespace {

using SvaLibTest = OnTarget<sva_lib_target>;

TEST_F(SvaLibTest, DporAndSleepSetsAgreeOnEveryWrittenScenario) {
  for (const Scenario& one : sva_lib_target().written()) {
    expect_searches_agree(one, one.name != "find-unbound");
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
  expect_found({{"iommu_sva_alloc_pasid", "drop-lock", "alloc-alloc", "data race"}});
}

}  // namespace
}  // namespace iommucheck::linux_harness
