// SPDX-License-Identifier: MIT
// Debian's own intel/pasid.c of 6.12, with its svm.c, cache.c and mmu notifiers, under every
// schedule, beside hardware that reads an entry word by word.
#include <gtest/gtest.h>

#include <algorithm>

#include "cli/kernel_scenarios.h"
#include "tests/impl/linux/on_target.h"

namespace iommucheck::linux_harness {
namespace {

using Kinds = std::set<std::string>;

constexpr const char* kTearDown = "void intel_pasid_tear_down_entry(";
constexpr const char* kFirstLevel = "int intel_pasid_setup_first_level(";
constexpr const char* kSecondLevel = "int intel_pasid_setup_second_level(";
constexpr const char* kClear = "intel_pasid_clear_entry(";

constexpr const char* kTorn = "torn PASID entry";
constexpr const char* kStale = "stale translation";
constexpr const char* kCached = "translation left behind";
constexpr const char* kLeft = "PASID entry left behind";
constexpr const char* kFreed = "page tables freed under a device";
constexpr const char* kAnother = "translation for another owner";
constexpr const char* kRequest = "page request left behind";

class IntelPasidTest : public OnTarget<intel_pasid_target> {
 protected:
  static Kinds kinds_of(ScheduledKernel& kernel, const std::string& name) {
    const Exploration all = kernel.explore(scenario(name), {});
    EXPECT_TRUE(all.exhausted) << name;
    return kinds_in(all);
  }
};

TEST_F(IntelPasidTest, SetUpsAreMade) { expect_set_ups_made(); }

TEST_F(IntelPasidTest, DporAndSleepSetsAgree) {
  for (const Scenario& one : intel_pasid_target().written())
    expect_searches_agree(one, one.name != "requests");
  for (const Scenario& one : intel_pasid_target().generated(2)) expect_searches_agree(one, true);
}

// Each thread of each scenario does something, and its results have an order without concurrency.
TEST_F(IntelPasidTest, ResultsAreThoseOfSomeOrder) {
  for (const Scenario& one : intel_pasid_target().written()) {
    const cli::ScenariosRun run =
        cli::explore_scenarios(*kernel_, {one}, {}, [](std::string_view) {});
    EXPECT_TRUE(run.runs.front().complete()) << one.name;
    EXPECT_TRUE(run.runs.front().unexplained.empty()) << one.name;
    std::set<std::pair<unsigned, std::string>> made;
    for (const ScheduledHistory& history : run.runs.front().exploration.histories) {
      for (const ScheduledCall& call : history.calls) {
        EXPECT_FALSE(call.returned && call.result.starts_with('-') && call.result != kNotMade)
            << one.name << ": " << call.call.text << " = " << call.result;
        if (call.result != kNotMade) made.emplace(call.thread, call.call.words);
      }
    }
    for (unsigned i = 0; i < one.threads.size(); ++i) {
      for (const TargetCall& call : one.threads[i])
        EXPECT_TRUE(made.contains({i, call.words})) << one.name << ": " << call.text;
    }
  }
}

TEST_F(IntelPasidTest, WithoutMemoryNothingElseIsReported) {
  for (const Scenario& one : intel_pasid_target().written()) {
    const Exploration all = kernel_->explore(one, {.failing_allocations = true});
    EXPECT_TRUE(all.exhausted) << one.name;
    EXPECT_EQ(kinds_in(all), one.name == "requests" ? Kinds{kRequest} : Kinds{}) << one.name;
  }
}

// The end of a process clears P, and asks afterwards whether the entry is present before it sets
// FPD: unbind finds nothing that it would have to drain for.
TEST_F(IntelPasidTest, PageRequestsOfAnEndedProcessAreNotDrained) {
  EXPECT_EQ(kinds_of(*kernel_, "requests"), Kinds{kRequest});
  const auto repaired =
      with(replaced(kClear, "fault_ignore && pasid_pte_is_present(pe)", "fault_ignore"));
  for (const Scenario& one : intel_pasid_target().written())
    EXPECT_EQ(kinds_of(*repaired, one.name), Kinds{}) << one.name;
}

// The order of three, which are all that keeps the hardware from the old owner's pages.
TEST_F(IntelPasidTest, MissingInvalidationsAreFound) {
  const auto entry = with(without(kTearDown,
                                  "pasid_cache_invalidation_with_pasid(iommu, did, "
                                  "pasid);"));
  EXPECT_TRUE(kinds_of(*entry, "tear-down").contains(kCached));
  EXPECT_TRUE(kinds_of(*entry, "exit").contains(kFreed));
  EXPECT_TRUE(kinds_of(*entry, "reuse").contains(kAnother));
  EXPECT_TRUE(kinds_of(*entry, "dma-api").contains(kAnother));
  const auto iotlb = with(without(kTearDown, "qi_flush_piotlb(iommu, did, pasid, 0, -1, 0);"));
  EXPECT_TRUE(kinds_of(*iotlb, "tear-down").contains(kCached));
  EXPECT_TRUE(kinds_of(*iotlb, "exit").contains(kStale));
  const auto devtlb =
      with(without(kTearDown, "devtlb_invalidation_with_pasid(iommu, dev, pasid);"));
  EXPECT_TRUE(kinds_of(*devtlb, "tear-down").contains(kCached));
  EXPECT_TRUE(kinds_of(*devtlb, "exit-warm").contains(kStale));
}

TEST_F(IntelPasidTest, InvalidationsInAnotherOrderAreFound) {
  const auto early = with(moved(kTearDown, "pasid_clear_present(pte);",
                                "pasid_cache_invalidation_with_pasid(iommu, did, pasid);"));
  EXPECT_TRUE(kinds_of(*early, "exit").contains(kFreed));
  const auto devtlb = with(moved(kTearDown, "if (pgtt == PASID_ENTRY_PGTT_PT",
                                 "devtlb_invalidation_with_pasid(iommu, dev, pasid);"));
  EXPECT_TRUE(kinds_of(*devtlb, "tear-down").contains(kCached));
}

// Zeroed while it is present; present before it is written, in one kind of entry and another.
TEST_F(IntelPasidTest, TornEntriesAreFound) {
  const auto live = with(without(kTearDown, "pasid_clear_present(pte);"));
  EXPECT_TRUE(kinds_of(*live, "tear-down").contains(kTorn));
  EXPECT_TRUE(kinds_of(*live, "exit").contains(kTorn));
  const auto first =
      with(moved(kFirstLevel, "pasid_set_flptr(pte, (u64)__pa(pgd));", "pasid_set_present(pte);"));
  EXPECT_TRUE(kinds_of(*first, "set-up").contains(kTorn));
  const auto second =
      with(moved(kSecondLevel, "pasid_set_domain_id(pte, did);", "pasid_set_present(pte);"));
  EXPECT_TRUE(kinds_of(*second, "dma-api").contains(kTorn));
}

TEST_F(IntelPasidTest, WhatIsLeftOfAnEntryIsFound) {
  const auto left = with(without(kTearDown, "intel_pasid_clear_entry(dev, pasid, fault_ignore);"));
  EXPECT_TRUE(kinds_of(*left, "tear-down").contains(kLeft));
}

TEST_F(IntelPasidTest, MistakesAreFound) {
  expect_found({{"intel_pasid_free_table", "drop-cleanup", "set-up", "leak"}});
}

}  // namespace
}  // namespace iommucheck::linux_harness
