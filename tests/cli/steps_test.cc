// SPDX-License-Identifier: MIT
// iommucheck steps: every step of a design, with and without a kernel tree.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "tests/cli/command.h"

namespace iommucheck::cli {
namespace {

TEST(Steps, ListsTheStepsThatTheBoundsGive) {
  const Json few = ask(kGood, split("steps attach/group"));
  const Json more = ask(kGood, split("steps attach/group --owners 1"));
  EXPECT_GT(more.at("steps").size(), few.at("steps").size());
  for (const auto& step : few.at("steps")) {
    EXPECT_NE(step.at("program").get<std::string>(), "");
    EXPECT_NE(step.at("label").get<std::string>(), "");
    EXPECT_FALSE(step.contains("file"));
  }
  EXPECT_EQ(few.at("version"), "");
  const Outcome text = run(split("steps attach/group"));
  EXPECT_EQ(text.code, kGood);
  EXPECT_NE(text.out.find("## iommu_attach_device"), std::string::npos) << text.out;
}

TEST(Steps, WrongUseIsRefused) {
  expect_error(run(split("steps")), kUsage, {"DESIGN"});
  expect_error(run(split("steps nothing")), kUsage, {"nothing"});
  expect_error(run(split("steps attach/group --owners 2")), kUsage, {"--owners"});
  expect_error(run(split("steps attach/group --tree a --package b")), kUsage, {"not both"});
  expect_error(run(split("steps attach/group --tree /nowhere")), kInput, {"/nowhere"});
}

// Debian's own 6.12: the functions are there, and most statements.
TEST(Steps, OfTheDesignAreInTheKernelThatItModels) {
  if (!std::filesystem::exists("/usr/src/linux-source-6.12.tar.xz"))
    GTEST_SKIP() << "skipped: linux-source-6.12 is not installed";
  const Json answer = ask(kGood, split("steps sva/attach-handle --package linux-source-6.12"));
  EXPECT_EQ(answer.at("version").get<std::string>().substr(0, 5), "6.12.");
  std::map<std::string, unsigned> found;
  std::map<std::string, std::string> file;
  for (const auto& step : answer.at("steps")) {
    if (!step.contains("file")) continue;
    ++found[step.at("match").get<std::string>()];
    file[step.at("label").get<std::string>()] = step.at("file").get<std::string>();
  }
  EXPECT_EQ(file["mutex_lock(&iommu_sva_lock)"], "drivers/iommu/iommu-sva.c");
  EXPECT_EQ(file["xa_erase(&group->pasid_array, pasid)"], "drivers/iommu/iommu.c");
  EXPECT_GT(2 * found["statement"], answer.at("steps").size()) << answer.dump(1);
}

}  // namespace
}  // namespace iommucheck::cli
