// SPDX-License-Identifier: MIT
// Memory in IOASes: Debian's own iommufd under every schedule of maps, copies, pins and unmaps,
// while devices come and go.
#include <gtest/gtest.h>

#include "cli/kernel_scenarios.h"
#include "tests/impl/linux/on_target.h"

namespace iommucheck::linux_harness {
namespace {

using Kinds = std::set<std::string>;

class MappingsTest : public OnTarget<iommufd_ioas_target> {};

TEST_F(MappingsTest, DporAndSleepSetsAgreeOnEverySmallScenario) {
  std::size_t small = 0;
  for (const Scenario& one : iommufd_ioas_target().written()) {
    // Sleep sets take ten times as many and more; behind a report that ends a thread they need not
    // agree.
    const Exploration dpor = kernel_->explore(one, {.executions = 1000, .minimise = false});
    if (dpor.executions == 1000 || !dpor.reports.empty()) continue;
    expect_searches_agree(one, true);
    ++small;
  }
  EXPECT_GT(small, 13U);
}

TEST_F(MappingsTest, EverySetUpIsMade) { expect_set_ups_made(); }

// iommufd_access_notify_unmap() takes a reference on an access that may be going, under another
// lock than the one that iommufd_lock_obj() wants: for an instant it is one too many, and the
// driver's iommufd_access_destroy() gives up.
TEST_F(MappingsTest, ADriverThatGoesWhilePagesAreUnmappedStays) {
  const Exploration run = kernel_->explore(scenario("pinned-unmap"), {});
  EXPECT_EQ(kinds_in(run), (Kinds{"WARN_ON", "leak", "missed wake-up"}));
  const auto gives_up = std::ranges::find(run.reports, "WARN_ON", &ScheduledReport::kind);
  ASSERT_NE(gives_up, run.reports.end());
  EXPECT_EQ(gives_up->here.front().function, "iommufd_object_destroy_user");
  const Exploration again = kernel_->explore(
      scenario("pinned-unmap"), {.search = Search::replay, .schedule = gives_up->schedule});
  EXPECT_TRUE(kinds_in(again).contains("WARN_ON"));
}

TEST_F(MappingsTest, NothingElseIsReported) {
  std::vector<Scenario> all = iommufd_ioas_target().written();
  for (Scenario& pair : iommufd_ioas_target().generated(2)) all.push_back(std::move(pair));
  for (const Scenario& one : all) {
    const bool goes = one.sentence.find("unmap0() || release()") != std::string::npos ||
                      one.sentence.find("release() || unmap0()") != std::string::npos;
    // Three threads: a hundred thousand executions.
    if (one.name == "pinned-unmap" || goes || one.name == "replace-unmap") continue;
    const auto run = cli::explore_scenario(*kernel_, one, {.minimise = false});
    EXPECT_TRUE(run.complete()) << one.name;
    EXPECT_TRUE(run.unexplained.empty()) << one.name << ": " << one.sentence;
    for (const ScheduledReport& report : run.exploration.reports)
      EXPECT_EQ(report.kind, "missed wake-up") << one.name << ": " << report.message;
  }
}

TEST_F(MappingsTest, WithoutMemoryNothingElseIsReported) {
  for (const Scenario& one : iommufd_ioas_target().written()) {
    if (one.name == "pinned-unmap" || one.name == "replace-unmap") continue;
    const Exploration run = kernel_->explore(one, {.failing_allocations = true, .minimise = false});
    EXPECT_TRUE(run.exhausted) << one.name;
    for (const ScheduledReport& report : run.reports)
      EXPECT_EQ(report.kind, "missed wake-up") << one.name << ": " << report.message;
  }
}

TEST_F(MappingsTest, MistakesAreFound) {
  // Pages are unmapped while a driver has them.
  EXPECT_TRUE(
      kinds_on(replaced("iopt_unmap_iova_range", "if (area->num_accesses)", "if (0)"), "pin-unmap")
          .contains("page pinned at the end"));
  expect_found({{"iopt_map_pages", "drop-lock", "map-map", "WARN_ON"},
                {"iopt_abort_area", "drop-lock", "unmap-unmap", "data race"},
                {"iopt_get_pages", "drop-increment", "copy-unmap", "WARN_ON"},
                {"iopt_unmap_iova_range", "drop-lock", "unmap-attach", "WARN_ON"}});
}

}  // namespace
}  // namespace iommucheck::linux_harness
