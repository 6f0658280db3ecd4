// SPDX-License-Identifier: MIT
// Objects of Debian's own iommufd, on the whole of its iommu.c, under every schedule.
#include <gtest/gtest.h>

#include "cli/kernel_scenarios.h"
#include "tests/impl/linux/on_target.h"

namespace iommucheck::linux_harness {
namespace {

class ObjectsTest : public OnTarget<iommufd_target> {
 protected:
  /// The file under test with one text in place of another.
  static Mutant changed(const std::string& from, const std::string& to) {
    Mutant mutant;
    mutant.text = read_file(build_->tree.root / iommufd_target().file());
    const std::size_t at = mutant.text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    if (at != std::string::npos) mutant.text.replace(at, from.size(), to);
    return mutant;
  }
  /// Sleeps so that the wake-up, which is for interruptible sleepers, reaches it.
  static Mutant reachable() {
    return changed("wait_event_timeout(", "wait_event_interruptible_timeout(");
  }
};

// `four` has 55,962 traces: too many for sleep sets alone.
TEST_F(ObjectsTest, DporAndSleepSetsAgreeOnEveryWrittenScenarioButTheLargest) {
  for (const Scenario& one : iommufd_target().written()) {
    if (one.name != "four") expect_searches_agree(one, false);
  }
}

TEST_F(ObjectsTest, EverySetUpIsMade) { expect_set_ups_made(); }

// wait_event_timeout() sleeps uninterruptibly, wake_up_interruptible_all() wakes nobody who does.
TEST_F(ObjectsTest, WhoWaitsForUsersOfAnObjectIsNotWoken) {
  for (const Scenario& one : iommufd_target().written()) {
    for (const ScheduledReport& report : kernel_->explore(one, {}).reports) {
      EXPECT_EQ(report.kind, "missed wake-up") << one.name << ": " << report.message;
      EXPECT_EQ(report.here.front().function, "iommufd_object_dec_wait_shortterm");
    }
  }
  EXPECT_FALSE(kernel_->explore(scenario("use-unbind"), {}).reports.empty());
}

TEST_F(ObjectsTest, WithASleepThatTheWakeUpReachesNothingIsReported) {
  const auto kernel = with(reachable());
  const cli::ScenariosRun run =
      cli::explore_scenarios(*kernel, iommufd_target().written(), {}, [](std::string_view) {});
  EXPECT_EQ(run.verdict(), "holds")
      << (run.causes.empty() ? "a limit was met" : run.causes.front().text);
}

TEST_F(ObjectsTest, WithoutMemoryNothingIsLeftBehind) {
  for (const char* name : {"guess", "fault-abort", "bind-groups", "last-of-group", "option"}) {
    const Exploration all = kernel_->explore(scenario(name), {.failing_allocations = true});
    EXPECT_TRUE(all.exhausted) << name;
    EXPECT_EQ(kinds_in(all).size(), name == std::string{"guess"} ? 1U : 0U) << name;
  }
}

TEST_F(ObjectsTest, ADestroyThatDoesNotWaitForUsersIsFound) {
  const auto kernel = with(changed("\tif (!zerod_shortterm) {", "\tif (0) {"));
  EXPECT_TRUE(kinds_in(kernel->explore(scenario("use-destroy"), {})).contains("use-after-free"));
}

TEST_F(ObjectsTest, AnObjectThatIsPublishedWhenItsIdIsIsFound) {
  const auto kernel = with(changed("XA_ZERO_ENTRY", "obj"));
  EXPECT_FALSE(kinds_in(kernel->explore(scenario("guess-abort"), {})).empty());
  EXPECT_TRUE(kinds_in(kernel_->explore(scenario("guess-abort"), {})).empty());
}

TEST_F(ObjectsTest, ADestroyOfAnObjectInUseIsFound) {
  const auto kernel = with(changed("if (!refcount_dec_if_one(&obj->users)) {", "if (0) {"));
  EXPECT_TRUE(kinds_in(kernel->explore(scenario("fault-close"), {})).contains("use-after-free"));
}

TEST_F(ObjectsTest, MistakesAreFound) {
  expect_found({
      {"iommufd_get_object", "drop-lock", "use-destroy", "use-after-free"},
      {"iommufd_object_abort", "drop-cleanup", "guess-abort", "leak"},
      {"iommufd_fops_release", "drop-cleanup", "close-close", "leak"},
      {"iommufd_object_remove", "drop-cleanup", "use-destroy", "leak"},
  });
}

}  // namespace
}  // namespace iommucheck::linux_harness
