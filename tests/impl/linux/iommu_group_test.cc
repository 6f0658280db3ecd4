// SPDX-License-Identifier: MIT
// Debian's own iommu.c of 6.12 under every schedule: attachment, DMA ownership, default domains.
#include <gtest/gtest.h>

#include "cli/kernel_scenarios.h"
#include "tests/impl/linux/on_target.h"

namespace iommucheck::linux_harness {
namespace {

using Kinds = std::set<std::string>;

class GroupTest : public OnTarget<iommu_group_target> {
 protected:
  /// Of them, tests ask more.
  inline static const Kinds known{"grown-group", "pasid-use", "pasid-unuse", "pasid-unplug"};

  static cli::ScenarioRun judged(const Scenario& one, const SearchOptions& options = {}) {
    return cli::explore_scenarios(*kernel_, {one}, options, [](std::string_view) {}).runs.front();
  }
};

TEST_F(GroupTest, DporAndSleepSetsAgreeOnEveryWrittenScenario) {
  for (const Scenario& one : iommu_group_target().written()) expect_searches_agree(one, false);
}

TEST_F(GroupTest, BranchesAreThoseOfTheCode) {
  for (const char* name : {"grown-group", "pasid-unuse", "pasid-unplug"}) {
    SCOPED_TRACE(name);
    expect_branches_explain(kernel_->explore(scenario(name), {}), kernel_->runner().flow);
  }
}

TEST_F(GroupTest, SetUpsAreMade) {
  expect_set_ups_made();
  for (const Scenario& one : iommu_group_target().generated(2))
    expect_set_up_made(one.name, kernel_->explore(one, {.executions = 1}));
}

// iommu_detach_device() counts the devices of the group again, and leaves the domain attached where
// there are more than when it was attached.
TEST_F(GroupTest, ADomainIsFreedInAGroupThatHasGrown) {
  const Kinds leaves{"WARN_ON", "domain freed while attached"};
  EXPECT_EQ(kinds_in(kernel_->explore(scenario("grown-group"), {})), leaves);
}

// iommu_device_unuse_default_domain() of one device minds the PASIDs of the others: it leaves its
// count, and the group cannot be claimed any more.
TEST_F(GroupTest, ADriverThatLeavesBesideAPasidIsCountedForEver) {
  const auto run = judged(scenario("pasid-unuse"));
  EXPECT_EQ(kinds_in(run.exploration), Kinds{"WARN_ON"});
  ASSERT_FALSE(run.unexplained.empty());
  for (const auto& one : run.unexplained) {
    for (const std::string& reason : one.why.reasons)
      EXPECT_EQ(reason.find("claim2() = -EPERM"), 0U) << reason;
    // The schedule has been made small, and still gives these answers.
    const Exploration again = kernel_->explore(
        scenario("pasid-unuse"), {.search = Search::replay, .schedule = one.history.schedule});
    ASSERT_EQ(again.histories.size(), 1U);
    for (std::size_t i = 0; i < one.history.calls.size(); ++i)
      EXPECT_EQ(again.histories[0].calls[i].result, one.history.calls[i].result);
  }
  EXPECT_EQ(kinds_in(judged(scenario("pasid-use")).exploration), Kinds{"WARN_ON"});
}

TEST_F(GroupTest, ADeviceThatJoinsHasNotThePasidsOfItsGroup) {
  const auto run = judged(scenario("pasid-unplug"));
  EXPECT_EQ(kinds_in(run.exploration), Kinds{"wrong domain"});
  EXPECT_TRUE(run.unexplained.empty());
}

TEST_F(GroupTest, MistakesAreFound) {
  expect_found({
      {"iommu_group_store_type", "drop-lock", "use-change", "data race"},
      {"__iommu_take_dma_ownership", "drop-increment", "release-use", "WARN_ON"},
  });
}

TEST_F(GroupTest, NothingElseIsReported) {
  std::vector<Scenario> all = iommu_group_target().written();
  for (Scenario& pair : iommu_group_target().generated(2)) all.push_back(std::move(pair));
  for (const Scenario& one : all) {
    if (known.contains(one.name)) continue;
    const auto run = judged(one);
    EXPECT_TRUE(run.complete()) << one.name;
    EXPECT_TRUE(run.by_specification) << one.name;
    EXPECT_TRUE(run.unexplained.empty()) << one.name << ": " << one.sentence;
    EXPECT_TRUE(run.exploration.reports.empty())
        << one.name << ": " << run.exploration.reports.front().message;
  }
}

// Wrong answers that do not come from concurrency: the code explains itself by them.
TEST_F(GroupTest, WrongAnswersAreFoundByTheSpecification) {
  struct Wrong {
    const char *function, *statement, *by, *scenario, *words;
  };
  for (const Wrong& wrong : {
           Wrong{"iommu_device_claim_dma_owner", "ret = -EPERM;", "ret = -EBUSY;", "claim-claim",
                 "claim_dma_owner: -EBUSY only where something is attached"},
           Wrong{"iommu_device_use_default_domain", "ret = -EBUSY;", "ret = 0;", "use-claim",
                 "claim_dma_owner succeeds only where nobody else uses the group"},
           Wrong{"__iommu_take_dma_ownership", "group->owner_cnt++;", ";", "claim-change",
                 "change_default_domain"},
       }) {
    const auto changed = with(replaced(wrong.function, wrong.statement, wrong.by));
    const auto run = cli::explore_scenario(*changed, scenario(wrong.scenario), {.minimise = false});
    EXPECT_TRUE(run.by_specification);
    const bool found = std::ranges::any_of(run.unexplained, [&](const auto& one) {
      return std::ranges::any_of(one.why.reasons, [&](const std::string& reason) {
        return reason.find(wrong.words) != std::string::npos;
      });
    });
    EXPECT_TRUE(found) << wrong.function << ", " << wrong.statement;
  }
}

TEST_F(GroupTest, WithoutMemoryNothingElseIsReported) {
  for (const Scenario& one : iommu_group_target().written()) {
    if (known.contains(one.name)) continue;
    const Exploration all = kernel_->explore(one, {.failing_allocations = true});
    EXPECT_TRUE(all.exhausted) << one.name;
    EXPECT_TRUE(all.reports.empty()) << one.name << ": " << all.reports.front().message;
  }
}

}  // namespace
}  // namespace iommucheck::linux_harness
