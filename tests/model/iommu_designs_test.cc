// SPDX-License-Identifier: MIT
// The designs of domains, attachments and SVA: pinned counts, every step taken somewhere, the same
// states by the solver and under symmetry, and every bug violates the property that it declares.
#include <gtest/gtest.h>

#include <map>

#include "checker/symbolic/count.h"
#include "model/registry.h"
#include "tests/model/pinned.h"

namespace iommucheck::model {
namespace {

using checker::Verdict;

const std::vector<Pinned>& iommu_rows() {
  static const std::vector<Pinned> kPinned{
#include "tests/model/iommu_counts.inc"
  };
  return kPinned;
}
/// All that are registered but those of IOASIDs and the yardstick.
std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const auto* d : designs()) {
    const bool other = d->name() == "reference" || d->name().compare(0, 7, "ioasid/") == 0;
    if (!other) all.push_back(d->name());
  }
  return all;
}

TEST(IommuDesigns, HoldWithPinnedCountsAndEveryStepTaken) {
  std::map<std::string, std::map<std::string, std::uint64_t>> taken;
  for (const auto& row : iommu_rows()) {
    SCOPED_TRACE(row.design);
    const auto result = explore(row.design, row.bounds);
    EXPECT_EQ(result.verdict, Verdict::holds) << result.reason;
    EXPECT_EQ(result.states, row.states);
    EXPECT_EQ(result.transitions, row.transitions);
    EXPECT_EQ(result.depth, row.depth);
    for (const auto& c : result.coverage) taken[row.design][c.program + ": " + c.label] += c.taken;
  }
  EXPECT_EQ(taken.size(), names().size()) << "every design has a row";
  for (const auto& [name, steps] : taken) {
    for (const auto& [step, times] : steps) EXPECT_NE(times, 0U) << name << " never takes " << step;
  }
}

TEST(IommuDesigns, EveryBugViolatesItsProperty) {
  for (const auto& name : names()) {
    const auto& entry = design(name);
    for (const auto& bug : entry.bugs()) {
      SCOPED_TRACE(name + ": " + bug.name);
      // Alone: another property may be violated on a shorter path.
      const auto result = checker::explore([&] {
        auto machine = entry.concrete(bug.bounds, bug.name);
        EXPECT_TRUE(machine->check_only(bug.property));
        return machine;
      });
      ASSERT_EQ(result.verdict, Verdict::violated);
      const auto machine = entry.concrete(bug.bounds, bug.name);
      EXPECT_EQ(
          machine->properties().at(static_cast<std::size_t>(result.path->failure.property)).name,
          bug.property);
    }
  }
}

// A leak empties the pool: what would come then must not be lost.
TEST(IommuDesigns, AnEmptyPoolIsReported) {
  const auto result = checker::explore([] {
    auto machine = design("sva/attach-handle").concrete({{"threads", 1}}, "domain-leaks");
    EXPECT_TRUE(machine->check_only("in-range"));
    return machine;
  });
  ASSERT_EQ(result.verdict, Verdict::violated);
  EXPECT_STREQ(result.path->failure.detail, "no object is left: the design needs a larger pool");
}

// A driver that unbinds takes its device off the list before the entry is cleared: the process may
// end meanwhile.  6.1's own file does the same (tests/impl/linux/intel_svm_outcomes_test.cc).
TEST(IommuDesigns, AnUntrustedDeviceWalksFreedPageTables) {
  const auto result = explore("sva/intel-svm", {{"threads", 2}, {"untrusted", 1}});
  ASSERT_EQ(result.verdict, Verdict::violated);
  EXPECT_EQ(result.path->steps.size(), 26U);
}

// What 6.12.117 does, and what it should not: docs/limits.md.
TEST(IommuDesigns, AForgottenRequestIsAnsweredWithSuccess) {
  const auto result =
      explore("iopf/queue", {{"threads", 1}, {"partial", 1}, {"failures", 1}, {"codes", 1}});
  ASSERT_EQ(result.verdict, Verdict::violated);
  EXPECT_STREQ(result.path->failure.detail, "a request of the group was forgotten");
  EXPECT_EQ(result.path->steps.size(), 35U);
}

TEST(IommuDesigns, TheSolverFindsTheSameStates) {
  const std::vector<std::pair<std::string, BoundValues>> instances{
      {"attach/group", {{"threads", 1}, {"domains", 1}, {"resets", 0}}},
      {"attach/group", {{"threads", 1}, {"domains", 1}, {"resets", 0}, {"owners", 1}}},
      {"dma-pasid/group", {{"threads", 1}, {"domains", 1}, {"resets", 0}}},
      {"dma-pasid/device", {{"threads", 1}, {"devices", 1}}},
      {"sva/attach-handle", {{"threads", 1}}},
      {"sva/mm-data", {{"threads", 1}}},
      {"sva/pasid-lib", {{"threads", 1}}},
      {"sva/rfc2", {{"threads", 1}}},
      {"sva/enclosing", {{"threads", 1}}},
      {"sva/deferred", {{"threads", 1}}},
      {"dma-resv/fences", {{"threads", 2}, {"fences", 1}, {"calls", 1}, {"memory", 2}}},
      {"vtd/pasid-entry", {{"threads", 1}}},
      {"vtd/attach-handle", {{"threads", 1}}},
      {"iopf/queue", {{"threads", 1}}},
      {"iopf/queue", {{"threads", 1}, {"failures", 1}, {"calls", 1}}},
      {"mm", {{"threads", 1}, {"mms", 2}, {"forks", 1}}},
      {"sva/intel-svm", {{"threads", 1}}}};
  for (const auto& [name, bounds] : instances) {
    SCOPED_TRACE(name);
    const auto executed = explore(name, bounds);
    const checker::Relation relation{
        [&, n = name, b = bounds] { return design(n).symbolic(b, ""); }};
    const auto solved = checker::count_states(relation);
    ASSERT_TRUE(solved.complete) << solved.reason;
    EXPECT_EQ(solved.states, executed.states);
  }
}

TEST(IommuDesigns, ThreadsAreInterchangeable) {
  checker::Options options;
  options.symmetry = {"threads"};
  for (const auto& row : iommu_rows()) {
    if (row.bounds.at("threads") == 1) continue;
    // Under a weak memory, the stores of each CPU become visible by steps of their own.
    if (row.bounds.contains("memory")) continue;
    SCOPED_TRACE(row.design);
    const auto result =
        checker::explore([&] { return design(row.design).concrete(row.bounds, ""); }, options);
    EXPECT_EQ(result.verdict, Verdict::holds) << result.reason;
    EXPECT_EQ(result.states_without_symmetry, row.states);
    EXPECT_EQ(result.depth, row.depth);
    EXPECT_LT(result.states, row.states * 7 / 10);
  }
}

}  // namespace
}  // namespace iommucheck::model
