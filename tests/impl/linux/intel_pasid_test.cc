// SPDX-License-Identifier: MIT
// Debian's own intel/pasid.c of 6.12, with its svm.c, cache.c and mmu notifiers, under every
// schedule, beside hardware that reads an entry word by word.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

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
  /// What unmodified code shows there: each has a test.
  static std::optional<std::string> shown(const std::string& name) {
    if (name == "requests") return kRequest;
    if (name == "dirty-detach" || name == "dirty-end") return kLeft;
    return {};
  }
  static Kinds kinds_of(ScheduledKernel& kernel, const std::string& name) {
    const Exploration all = kernel.explore(scenario(name), {});
    EXPECT_TRUE(all.exhausted) << name;
    return kinds_in(all);
  }
};

TEST_F(IntelPasidTest, SetUpsAreMade) { expect_set_ups_made(); }

TEST_F(IntelPasidTest, DporAndSleepSetsAgree) {
  for (const Scenario& one : intel_pasid_target().written()) {
    // Like dirty-detach, and thirty thousand executions more.
    if (one.name != "dirty-end") expect_searches_agree(one, !shown(one.name));
  }
  for (const Scenario& one : intel_pasid_target().generated(2)) expect_searches_agree(one, true);
}

// Each thread of each scenario does something, and its results have an order without concurrency.
TEST_F(IntelPasidTest, ResultsAreThoseOfSomeOrder) {
  for (const Scenario& one : intel_pasid_target().written()) {
    const cli::ScenariosRun run =
        cli::explore_scenarios(*kernel_, {one}, {}, [](std::string_view) {});
    EXPECT_TRUE(run.runs.front().complete()) << one.name;
    const bool tracks = one.name.starts_with("dirty-") && one.name != "dirty-tracking";
    EXPECT_EQ(run.runs.front().unexplained.empty(), !tracks) << one.name;
    std::set<std::pair<unsigned, std::string>> made;
    for (const ScheduledHistory& history : run.runs.front().exploration.histories) {
      for (const ScheduledCall& call : history.calls) {
        EXPECT_FALSE(!tracks && call.returned && call.result.starts_with('-') &&
                     call.result != kNotMade)
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
    EXPECT_EQ(kinds_in(all), shown(one.name) ? Kinds{*shown(one.name)} : Kinds{}) << one.name;
  }
}

// The end of a process clears P, and asks afterwards whether the entry is present before it sets
// FPD: unbind finds nothing that it would have to drain for.
TEST_F(IntelPasidTest, PageRequestsOfAnEndedProcessAreNotDrained) {
  EXPECT_EQ(kinds_of(*kernel_, "requests"), Kinds{kRequest});
  const auto repaired =
      with(replaced(kClear, "fault_ignore && pasid_pte_is_present(pe)", "fault_ignore"));
  for (const Scenario& one : intel_pasid_target().written()) {
    if (shown(one.name) == kLeft) continue;
    EXPECT_EQ(kinds_of(*repaired, one.name), Kinds{}) << one.name;
  }
}

// A device is on the list of its domain before its entry is there, and after it is gone; what the
// call reads of the entry, and writes back, is not what it is any more.
TEST_F(IntelPasidTest, DirtyTrackingMeetsADeviceThatComesOrGoes) {
  for (const char* name : {"dirty-attach", "dirty-detach", "dirty-end"}) {
    const Exploration all = kernel_->explore(scenario(name), {});
    EXPECT_TRUE(all.exhausted);
    EXPECT_TRUE(std::ranges::any_of(all.histories, [](const ScheduledHistory& one) {
      return std::ranges::find(one.calls, "-EOPNOTSUPP", &ScheduledCall::result) != one.calls.end();
    })) << name;
  }
  EXPECT_EQ(kinds_of(*kernel_, "dirty-detach"), Kinds{kLeft});
  EXPECT_EQ(kinds_of(*kernel_, "dirty-end"), Kinds{kLeft});
}

// That of the device TLB, and one that comes too early, are in intel_pasid_outcomes_test.cc.
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

TEST_F(IntelPasidTest, MistakesAreFound) {
  expect_found({{"intel_pasid_free_table", "drop-cleanup", "set-up", "leak"},
                {"intel_pasid_setup_second_level", "early-unlock", "dirty-attach", "WARN_ON"}});
}

}  // namespace
}  // namespace iommucheck::linux_harness
