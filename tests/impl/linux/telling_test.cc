// SPDX-License-Identifier: MIT
// Which scenarios the specification of domains is told of.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <stdexcept>

#include "cli/iommufd_calls.h"
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

// Of iommufd, all of the pairs that the specification of /dev/iommu has the words for.
TEST(Telling, ScenariosOfIommufdAreJudgedButThoseWithWordsThatItDoesNotKnow) {
  const auto known = [](const Scenario& scenario) {
    static const std::set<std::string> kUnknown{"guess_ranges", "guess_destroy", "rlimit",
                                                "compat_get",   "compat_set0",   "close"};
    const auto unknown = [](const TargetCall& call) { return kUnknown.contains(call.words); };
    return std::ranges::none_of(
        scenario.threads, [&](const auto& calls) { return std::ranges::any_of(calls, unknown); });
  };
  for (const Target* target : {&iommufd_target(), &iommufd_device_target()}) {
    for (const Scenario& one : target->generated(2)) {
      // A name would stand for two objects.
      std::multiset<std::string> made;
      for (const auto& call : one.setup) made.insert(call.words);
      for (const auto& calls : one.threads) made.insert(calls.front().words);
      const bool twice =
          std::ranges::any_of(std::initializer_list<const char*>{"alloc0", "bind2", "fault"},
                              [&](const char* name) { return made.count(name) > 1; });
      EXPECT_EQ(cli::knows_iommufd(*target, one), known(one) && !twice) << one.sentence;
    }
  }
  for (const Scenario& one : iommufd_device_target().written())
    EXPECT_TRUE(cli::knows_iommufd(iommufd_device_target(), one)) << one.name;
  for (const Scenario& one : iommufd_fault_target().generated(2))
    EXPECT_TRUE(cli::knows_iommufd(iommufd_fault_target(), one)) << one.sentence;
  for (const Scenario& one : iommufd_ioas_target().written())
    EXPECT_TRUE(cli::knows_iommufd(iommufd_ioas_target(), one)) << one.name;
  EXPECT_FALSE(cli::knows_iommufd(iommu_group_target(), iommu_group_target().written()[0]));
  const auto written = [](const char* name) {
    for (const Scenario& one : iommufd_target().written()) {
      if (one.name == name) return one;
    }
    throw std::out_of_range{name};
  };
  EXPECT_TRUE(cli::knows_iommufd(iommufd_target(), written("use-destroy")));
  EXPECT_FALSE(cli::knows_iommufd(iommufd_target(), written("reuse")))
      << "an id gets another owner";
}

}  // namespace
}  // namespace iommucheck::linux_harness
