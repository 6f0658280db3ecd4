// SPDX-License-Identifier: MIT
// Debian's own dma-iommu.c of 6.12, on its iommu.c and iova.c, under every schedule.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/impl/linux/on_target.h"

namespace iommucheck::linux_harness {
namespace {

using Kinds = std::set<std::string>;

const Kinds kEnabling{"enable", "enable-enable", "detach-enable"};

class DmaIommuTest : public OnTarget<dma_iommu_target> {
 protected:
  static bool is_in(const std::vector<Frame>& frames, const std::string& function) {
    return std::ranges::find(frames, function, &Frame::function) != frames.end();
  }
  /// The file with one text in place of another.
  static Mutant edited(const std::string& old, const std::string& now) {
    Mutant mutant;
    mutant.text = read_file(build_->tree.root / dma_iommu_target().file());
    const std::size_t at = mutant.text.find(old);
    EXPECT_NE(at, std::string::npos) << old;
    if (at != std::string::npos) mutant.text.replace(at, old.size(), now);
    return mutant;
  }
  /// In any of the scenarios.
  static Kinds kinds_on(const Mutant& mutant, const std::vector<std::string>& names) {
    const auto kernel = with(mutant);
    Kinds kinds;
    for (const std::string& name : names)
      kinds.merge(kinds_in(kernel->explore(scenario(name), {.minimise = false})));
    return kinds;
  }
};

// What is left out has a thousand steps or more; of "again" sleep sets take 200,000 executions.
TEST_F(DmaIommuTest, DporAndSleepSetsAgreeOnEverySmallScenario) {
  for (const Scenario& one : dma_iommu_target().written()) {
    if (kEnabling.contains(one.name) || one.name == "full" || one.name == "again") continue;
    expect_searches_agree(one, true);
    expect_set_up_made(one.name, kernel_->explore(one, {.executions = 1, .minimise = false}));
  }
}

// The domain counts as ready, and has no caches: what a device without memory has left.
TEST_F(DmaIommuTest, ADeviceThatJoinsADomainThatHadNoMemory) {
  const Exploration all =
      kernel_->explore(scenario("second-device"), {.failing_allocations = true});
  EXPECT_TRUE(all.exhausted);
  EXPECT_EQ(kinds_in(all), Kinds{"NULL dereference"});
  for (const ScheduledReport& report : all.reports) {
    EXPECT_TRUE(is_in(report.here, "iova_rcache_get")) << report.message;
  }
}

// A queue of four entries in place of 256.
TEST_F(DmaIommuTest, AnAdministratorMeetsADeviceThatGoes) {
  const auto kernel = with(edited("IOVA_DEFAULT_FQ_SIZE\t256", "IOVA_DEFAULT_FQ_SIZE\t4"));
  for (const std::string& name : kEnabling) {
    const Exploration all = kernel->explore(scenario(name), {.minimise = false});
    EXPECT_TRUE(all.exhausted) << name;
    expect_set_up_made(name, all);
    for (const ScheduledReport& report : all.reports) {
      const bool null = report.kind == "NULL dereference" && name == "detach-enable";
      EXPECT_TRUE(null || report.kind == "data race") << name << ": " << report.kind;
      // The other one reads the domain's type, or writes the group's default domain.
      EXPECT_TRUE(is_in(report.here, "iommu_group_store_type") ||
                  is_in(report.other, "iommu_group_store_type"))
          << name << ": " << report.message;
    }
    EXPECT_EQ(kinds_in(all).contains("NULL dereference"), name == "detach-enable");
  }
  const Exploration full =
      kernel->explore(linux_harness::scenario("full", "", "map0 map1 dma1 enable_fq once2 once2",
                                              {"dma0 unmap0 once2"}),
                      {});
  EXPECT_TRUE(full.exhausted);
  EXPECT_EQ(kinds_in(full), Kinds{});
}

TEST_F(DmaIommuTest, MistakesAreFound) {
  const std::string start = "= atomic64_read(&cookie->fq_flush_start_cnt)";
  const std::string finish = "= atomic64_read(&cookie->fq_flush_finish_cnt)";
  // What is queued while a flush is under way counts as flushed.
  const Kinds early = kinds_on(edited(start, finish), {"unmap-unmap"});
  EXPECT_TRUE(early.contains("IOVA reused before the flush")) << testing::PrintToString(early);
  EXPECT_TRUE(early.contains("page table freed before the flush"));

  EXPECT_TRUE(
      kinds_on(edited("del_timer_sync(", "del_timer("), {"detach"}).contains("use-after-free"));
  EXPECT_TRUE(kinds_on(edited("if (!iotlb_gather.queued)", "if (0)"), {"map-unmap"})
                  .contains("stale translation"));
  // The timer may be asked for by nobody any more.
  const std::string off = "atomic_set(&cookie->fq_timer_on, 0);";
  EXPECT_EQ(kinds_on(edited(off, ""), {"unmap-unmap"}), Kinds{"IOVA leak"});
  EXPECT_EQ(kinds_on(edited("spin_lock_irqsave(&fq->lock, flags);\n\n\t/*",
                            "spin_lock(&fq->lock);flags = 0;\n\n\t/*"),
                     {"lazy"}),
            Kinds{"lock taken in an interrupt"});
}

}  // namespace
}  // namespace iommucheck::linux_harness
