// SPDX-License-Identifier: MIT
// Debian's own arm-smmu-v3-sva.c of 6.1, on its iommu.c, io-pgfault.c and mmu notifiers, under
// every schedule.
#include <gtest/gtest.h>

#include <algorithm>

#include "cli/kernel_scenarios.h"
#include "tests/impl/linux/on_target.h"

namespace iommucheck::linux_harness {
namespace {

using Kinds = std::set<std::string>;

class ArmSmmuV3SvaTest : public OnTarget<arm_smmu_v3_sva_target> {
 protected:
  struct Change {
    std::string from, to;
  };
  /// The tree's own file with changes, each wherever its text is.
  static std::unique_ptr<ScheduledKernel> changed(const std::vector<Change>& changes) {
    Mutant file;
    file.text = read_file(build_->tree.root / arm_smmu_v3_sva_target().file());
    for (const auto& [from, to] : changes) {
      std::size_t at = file.text.find(from);
      if (at == std::string::npos) throw std::out_of_range{from};
      for (; at != std::string::npos; at = file.text.find(from, at + to.size())) {
        file.text.replace(at, from.size(), to);
      }
    }
    return with(file);
  }
  /// Of calls by threads behind a set-up.
  static Kinds kinds_of(ScheduledKernel& kernel, const std::string& setup,
                        const std::vector<std::string>& threads) {
    const Exploration all = kernel.explore(linux_harness::scenario("test", "", setup, threads), {});
    EXPECT_TRUE(all.exhausted);
    return kinds_in(all);
  }

  static bool is_in(const std::vector<Frame>& frames, const std::string& function) {
    return std::ranges::find(frames, function, &Frame::function) != frames.end();
  }
  /// A use after free of a context descriptor: by `reader`, of what `by` frees.
  static const ScheduledReport* freed_under(const Exploration& all, const std::string& reader,
                                            const std::string& by) {
    const auto report = std::ranges::find_if(all.reports, [&](const ScheduledReport& one) {
      return one.kind == "use-after-free" && is_in(one.allocated, "arm_smmu_alloc_shared_cd") &&
             (is_in(one.here, reader) || is_in(one.other, reader)) &&
             (is_in(one.here, by) || is_in(one.freed, by));
    });
    return report == all.reports.end() ? nullptr : &*report;
  }
};

// Of what is left out, sleep sets take a hundred thousand executions, or many reports are made
// small.
TEST_F(ArmSmmuV3SvaTest, DporAndSleepSetsAgreeOnEverySmallScenario) {
  const Kinds large{"other-process", "open-close", "unmap-unbind", "unmap-bind", "fault-disable"};
  for (const Scenario& one : arm_smmu_v3_sva_target().written()) {
    if (!large.contains(one.name)) expect_searches_agree(one, false);
  }
}

// Unbind frees the descriptor and leaves the notifier to SRCU: callbacks that are under way go on.
TEST_F(ArmSmmuV3SvaTest, ADescriptorIsFreedUnderTheEndOfItsProcess) {
  const Exploration all = kernel_->explore(scenario("exit-unbind"), {});
  const ScheduledReport* found = freed_under(all, "arm_smmu_mm_release", "arm_smmu_sva_unbind");
  ASSERT_NE(found, nullptr);
  EXPECT_TRUE(kinds_in(all).contains("no context descriptor"));
  const Exploration again = kernel_->explore(
      scenario("exit-unbind"), {.search = Search::replay, .schedule = found->schedule});
  EXPECT_EQ(again.executions, 1U);
  EXPECT_NE(freed_under(again, "arm_smmu_mm_release", "arm_smmu_sva_unbind"), nullptr);
}

TEST_F(ArmSmmuV3SvaTest, ADescriptorIsFreedUnderAnInvalidation) {
  EXPECT_NE(freed_under(kernel_->explore(scenario("unmap-unbind"), {}),
                        "arm_smmu_mm_invalidate_range", "arm_smmu_sva_unbind"),
            nullptr);
  EXPECT_NE(freed_under(kernel_->explore(scenario("unmap-failed-bind"), {}),
                        "arm_smmu_mm_invalidate_range", "arm_smmu_sva_bind"),
            nullptr);
}

// What the callbacks need is in the notifier, which SRCU keeps.
TEST_F(ArmSmmuV3SvaTest, WithAnAsidOfTheNotifiersOwnNothingIsReported) {
  const auto kernel = changed({
      {"bool\t\t\t\tcleared;", "bool cleared; u16 asid;"},
      {"smmu_mn->cd->asid", "smmu_mn->asid"},
      {"smmu_mn->cd = cd;", "smmu_mn->cd = cd; smmu_mn->asid = cd->asid;"},
      {"/* Frees smmu_mn */", "smmu_mn->cleared = true;"},
  });
  for (const char* name : {"exit-unbind", "two-devices-exit", "unmap-unbind", "unmap-failed-bind",
                           "move", "failed-bind", "reuse"}) {
    const Exploration all = kernel->explore(scenario(name), {});
    EXPECT_TRUE(all.exhausted) << name;
    EXPECT_EQ(kinds_in(all), Kinds{}) << name;
  }
}

// The ASID changes in memory before the SMMU knows: flushes use it at once.
TEST_F(ArmSmmuV3SvaTest, AFlushMissesTheOldAsid) {
  EXPECT_EQ(kinds_in(kernel_->explore(scenario("same-asid"), {})),
            (Kinds{"data race", "stale translation"}));
}

// Nobody waits for the work that has answered the last page request.
TEST_F(ArmSmmuV3SvaTest, AFaultHandlerIsFreedUnderThePageResponse) {
  const Exploration all = kernel_->explore(scenario("fault-disable"), {});
  EXPECT_TRUE(std::ranges::any_of(all.reports, [](const ScheduledReport& one) {
    return one.kind == "NULL dereference" && is_in(one.here, "iommu_page_response");
  }));
  EXPECT_TRUE(std::ranges::any_of(all.reports, [](const ScheduledReport& one) {
    return one.kind == "use-after-free" && is_in(one.here, "iommu_unregister_device_fault_handler");
  }));
}

// mmu_notifier_synchronize() waits for readers.
TEST_F(ArmSmmuV3SvaTest, AModuleGoesBeforeACallback) {
  EXPECT_EQ(kinds_in(kernel_->explore(scenario("unload"), {})),
            Kinds{"callback of an unloaded module"});
}

TEST_F(ArmSmmuV3SvaTest, NothingElseIsReported) {
  const Kinds known{"exit-unbind",       "two-devices-exit", "unmap-unbind", "same-asid",
                    "unmap-failed-bind", "fault-disable",    "unload"};
  expect_set_ups_made();
  for (const Scenario& one : arm_smmu_v3_sva_target().written()) {
    if (known.contains(one.name)) continue;
    const cli::ScenariosRun run =
        cli::explore_scenarios(*kernel_, {one}, {}, [](std::string_view) {});
    EXPECT_TRUE(run.runs.front().complete()) << one.name;
    // It does not know that SVA can be disabled.
    EXPECT_EQ(run.runs.front().by_specification,
              one.name != "disable" && one.name != "enable" && one.name != "enable-enable")
        << one.name;
    EXPECT_TRUE(run.runs.front().unexplained.empty()) << one.name;
    EXPECT_EQ(kinds_in(run.runs.front().exploration), Kinds{}) << one.name;
  }
}

TEST_F(ArmSmmuV3SvaTest, WithoutMemoryNothingElseIsReported) {
  for (const char* name : {"bind-bind", "two-devices", "bind-unbind", "move", "failed-bind",
                           "other-process", "reuse", "disable", "same-asid-twice",
                           "same-asid-new-domain", "fault-unbind", "fault-exit", "enable-enable"}) {
    const cli::ScenarioRun run =
        cli::explore_scenario(*kernel_, scenario(name), {.failing_allocations = true});
    EXPECT_TRUE(run.complete()) << name;
    EXPECT_FALSE(run.violated()) << name;
  }
}

// The code gives it every time: only the specification knows better.
TEST_F(ArmSmmuV3SvaTest, APasidThatIsNoneIsFound) {
  const auto changed = with(
      replaced("arm_smmu_sva_get_pasid", "return bond->mm->pasid;", "return bond->mm->pasid + 7;"));
  EXPECT_FALSE(cli::explore_scenario(*changed, scenario("open-close"), {}).unexplained.empty());
}

// The descriptor is there only while the notifier is.
TEST_F(ArmSmmuV3SvaTest, AnUntrustedDeviceReachesNothingFreed) {
  const Kinds ends = kinds_of(*kernel_, "bind0 one_task untrusted", {"exit", "unbind0"});
  EXPECT_EQ(ends, (Kinds{"no context descriptor", "use-after-free"}));
  EXPECT_EQ(kinds_of(*kernel_, "bind0 dma0 untrusted", {"unmap", "bind1", "dma1"}), Kinds{});
}

TEST_F(ArmSmmuV3SvaTest, ADescriptorLeftValidIsFound) {
  const auto at_the_end =
      changed({{"arm_smmu_write_ctx_desc(smmu_domain, mm->pasid, &quiet_cd);", ""}});
  EXPECT_TRUE(kinds_of(*at_the_end, "bind0 one_task", {"exit"})
                  .contains("page tables freed under a device"));

  const auto unbind = changed({{"arm_smmu_write_ctx_desc(smmu_domain, mm->pasid, NULL);", ""}});
  EXPECT_TRUE(kinds_of(*unbind, "bind0", {"unbind0"}).contains("ASID given up in use"));
  const Kinds reused = kinds_in(unbind->explore(scenario("reuse"), {}));
  EXPECT_TRUE(reused.contains("context descriptor in use"));
  EXPECT_TRUE(reused.contains("context descriptor left behind"));
}

// Each scenario needs another one.
TEST_F(ArmSmmuV3SvaTest, MissingInvalidationsAreFound) {
  const auto kernel = changed({
      {"arm_smmu_tlb_inv_asid(smmu_domain->smmu, smmu_mn->cd->asid);", ""},
      {"arm_smmu_atc_inv_domain(smmu_domain, mm->pasid, 0, 0);", ""},
      {"arm_smmu_atc_inv_domain(smmu_domain, mm->pasid, start, size);", ""},
      {"arm_smmu_tlb_inv_asid(smmu_domain->smmu, cd->asid);", ""},
      {"arm_smmu_tlb_inv_asid(smmu, asid);", ""},
  });
  const auto shown_by = [&](const char* name) {
    return kinds_in(kernel->explore(scenario(name), {}));
  };
  EXPECT_TRUE(shown_by("dma-exit").contains("DMA through freed page tables"));
  EXPECT_TRUE(shown_by("dma-unmap").contains("stale translation"));
  EXPECT_EQ(kinds_of(*kernel, "bind0 dma0", {"unbind0"}),
            (Kinds{"ASID given up in use", "translation left behind"}));
  EXPECT_TRUE(shown_by("same-asid").contains("translation of another address space"));
}

TEST_F(ArmSmmuV3SvaTest, LeaksAreFound) {
  const auto kernel = changed({{"arm64_mm_context_put(cd->mm);", ""}, {"mmdrop(cd->mm);", ""}});
  EXPECT_EQ(kinds_of(*kernel, "bind0", {"unbind0"}),
            (Kinds{"ASID left behind", "process left behind"}));
}

TEST_F(ArmSmmuV3SvaTest, MistakesAreFound) {
  expect_found({
      {"arm_smmu_sva_unbind", "drop-lock", "move", "use-after-free"},
      {"arm_smmu_share_asid", "drop-increment", "last-two", "ASID given up in use"},
  });
}

}  // namespace
}  // namespace iommucheck::linux_harness
