// SPDX-License-Identifier: MIT
// Debian's own iommu-sva-lib.c of 6.1, on its ioasid.c, under every schedule.
#include <gtest/gtest.h>

#include "cli/kernel_mutants.h"
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

// What marks would tell is not known: each mutant is run in each scenario.
TEST_F(SvaLibTest, MutantsOfAFileThatCannotBeMarkedAreExploredAllTheSame) {
  std::string text = read_file(build_->tree.root / sva_lib_target().file());
  const std::string declares = "\tint ret = 0;\n";
  const std::size_t at = text.find(declares);
  ASSERT_NE(at, std::string::npos);
  // A mark makes a block of the line, and of the variable its own.
  text.insert(at + declares.size(), "\tint more = ret++;\n\n\tret = more;\n");
  std::string said;
  Cache cache{Cache::default_directory(), [&](std::string_view what) { said += what; }};
  const cli::MutantsRun run =
      cli::run_mutants(sva_lib_target(), cache, *build_, text, {scenario("alloc-alloc")}, {},
                       {"drop-lock", "drop-increment"}, [](std::string_view) {});
  EXPECT_NE(said.find("does not compile with marks"), std::string::npos) << said;
  std::multiset<std::string> fates;
  for (const cli::MutantResult& one : run.results) {
    EXPECT_EQ(one.reached_by, 1U) << one.mutant.kind;
    fates.insert(one.mutant.kind + ' ' + std::string{name(one.fate)});
  }
  EXPECT_EQ(fates,
            (std::multiset<std::string>{"drop-increment not applicable", "drop-lock killed"}));
}

}  // namespace
}  // namespace iommucheck::linux_harness
