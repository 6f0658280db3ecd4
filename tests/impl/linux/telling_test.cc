// SPDX-License-Identifier: MIT
// Which scenarios the specification of domains is told of.
#include <gtest/gtest.h>

#include <algorithm>

#include "cli/specification_judge.h"

namespace iommucheck::linux_harness {
namespace {

// A call that it is not told of would take its scenarios from the specification without a word.
TEST(Telling, EveryScenarioIsJudgedByTheSpecificationButThoseThatItDoesNotKnow) {
  const auto disables = [](const Scenario& scenario) {
    const auto names_it = [](const TargetCall& call) {
      return call.words.starts_with("disable") || call.words.starts_with("enable");
    };
    return std::ranges::any_of(scenario.setup, names_it) ||
           std::ranges::any_of(scenario.threads, [&](const auto& calls) {
             return std::ranges::any_of(calls, names_it);
           });
  };
  for (const Target* target : {&sva_target(), &iopf_target(), &intel_svm_target(),
                               &arm_smmu_v3_sva_target(), &iommu_group_target()}) {
    std::vector<Scenario> all = target->written();
    for (Scenario& pair : target->generated(2)) all.push_back(std::move(pair));
    for (const Scenario& one : all) {
      const bool knows = target != &arm_smmu_v3_sva_target() || !disables(one);
      EXPECT_EQ(cli::telling(*target, one).has_value(), knows)
          << target->name() << ", " << one.name;
    }
  }
  EXPECT_FALSE(cli::telling(dma_resv_target(), dma_resv_target().written().front()));
}

}  // namespace
}  // namespace iommucheck::linux_harness
