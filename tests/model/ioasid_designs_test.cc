// SPDX-License-Identifier: MIT
// The IOASID designs: pinned counts, every step taken somewhere, the same states by the solver.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>

#include "checker/symbolic/count.h"
#include "model/registry.h"
#include "tests/model/pinned.h"
#include "tests/sanitized.h"
#include "tests/sweeps.h"

namespace iommucheck::model {
namespace {

using checker::Verdict;

/// The designs of IOASIDs, of all that are registered.
std::vector<const DesignEntry*> ioasid_designs() {
  std::vector<const DesignEntry*> all;
  for (const auto* d : designs()) {
    if (d->name().compare(0, 7, "ioasid/") == 0) all.push_back(d);
  }
  return all;
}

// The third column of each is what iommucheck check prints; README.md has the larger ones.
const std::vector<Pinned>& ioasid_rows() {
  static const std::vector<Pinned> kPinned{
#include "tests/model/ioasid_counts.inc"
  };
  return kPinned;
}

TEST(IoasidDesigns, HoldWithPinnedCountsAndEveryStepTaken) {
  std::map<std::string, std::map<std::string, std::uint64_t>> taken;
  for (const auto& row : ioasid_rows()) {
    if (row.states > share(10'000'000U, 800'000U)) continue;
    SCOPED_TRACE(row.design);
    const auto result = explore(row.design, row.bounds);
    EXPECT_EQ(result.verdict, Verdict::holds) << result.reason;
    EXPECT_EQ(result.states, row.states);
    EXPECT_EQ(result.transitions, row.transitions);
    EXPECT_EQ(result.depth, row.depth);
    for (const auto& c : result.coverage) taken[row.design][c.program + ": " + c.label] += c.taken;
  }
  EXPECT_EQ(taken.size(), ioasid_designs().size()) << "every design has a row";
  for (const auto& [name, steps] : taken) {
    for (const auto& [step, times] : steps) EXPECT_NE(times, 0U) << name << " never takes " << step;
  }
}

// A property that no bug violates could be deleted, and nobody would notice.
TEST(IoasidDesigns, EveryPropertyIsViolatedBySomeBug) {
  std::set<std::string> violated;
  for (const auto* d : designs()) {
    for (const auto& bug : d->bugs()) violated.insert(bug.property);
  }
  for (const auto* d : designs()) {
    const auto machine = d->concrete({}, "");
    for (const auto& p : machine->properties()) {
      EXPECT_TRUE(violated.contains(p.name)) << d->name() << ": " << p.name;
    }
    for (const auto& p : machine->liveness()) {
      EXPECT_TRUE(violated.contains(p.name)) << d->name() << ": " << p.name;
    }
  }
}

/// A directory for visited sets.
class OnDisk : public testing::Test {
 protected:
  OnDisk() {
    std::string name = (std::filesystem::temp_directory_path() / "iommucheck-test-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    options_.disk = name;
    options_.spill_keys = share(5000, 500);
  }
  ~OnDisk() override { std::filesystem::remove_all(options_.disk); }
  checker::Options options_;
};

TEST_F(OnDisk, DesignsHaveTheSameCounts) {
  for (const auto& row : ioasid_rows()) {
    if (row.states > share(300'000U, 80'000U)) continue;
    SCOPED_TRACE(row.design);
    options_.spill_keys = row.states / 20;
    const auto result =
        checker::explore([&] { return design(row.design).concrete(row.bounds, ""); }, options_);
    EXPECT_EQ(result.verdict, Verdict::holds) << result.reason;
    EXPECT_EQ(result.states, row.states);
    EXPECT_EQ(result.transitions, row.transitions);
    EXPECT_EQ(result.depth, row.depth);
    EXPECT_GT(result.disk->runs, 10);
  }
}

TEST_F(OnDisk, BugsHaveTheSameAnswer) {
  std::uint64_t runs = 0;
  unsigned number = 0;
  for (const auto* d : designs()) {
    for (const auto& bug : d->bugs()) {
      if (number++ % share(1U, 4U) != 0) continue;
      SCOPED_TRACE(d->name() + ": " + bug.name);
      const auto factory = [&] { return d->concrete(bug.bounds, bug.name); };
      const auto expected = checker::explore(factory);
      // Instances that are large without a violation show nothing more.
      if (expected.states > share(50'000U, 5'000U)) continue;
      const auto result = checker::explore(factory, options_);
      EXPECT_EQ(result.verdict, expected.verdict);
      EXPECT_EQ(result.states, expected.states);
      EXPECT_EQ(result.transitions, expected.transitions);
      ASSERT_EQ(result.path.has_value(), expected.path.has_value());
      if (!result.path) continue;
      EXPECT_EQ(result.path->steps.size(), expected.path->steps.size());
      EXPECT_EQ(result.path->failure.property, expected.path->failure.property);
      EXPECT_EQ(result.path->steps.back().after, expected.path->steps.back().after);
      runs += result.disk->runs;
    }
  }
  EXPECT_GT(runs, 20);
}

// 3 threads, 2 PASIDs, 2 sets: the instances that README.md names.  `verify` explores all of their
// states; here the states of the largest one are counted up to permutations of threads.
TEST(IoasidDesigns, HoldWithThreeThreads) {
  if (!sweeps()) GTEST_SKIP() << kSweep;  // `verify` explores the same
  if (kSanitized) GTEST_SKIP() << "18 million states take too long under a sanitizer";
  const std::vector<Pinned> rows{
#include "tests/model/ioasid_large_counts.inc"
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.design);
    checker::Options options;
    const bool reduced = row.states > 20'000'000;
    if (reduced) options.symmetry = {"threads"};
    const auto result =
        checker::explore([&] { return design(row.design).concrete(row.bounds, ""); }, options);
    EXPECT_EQ(result.verdict, Verdict::holds) << result.reason;
    EXPECT_EQ(reduced ? result.states_without_symmetry : result.states, row.states);
    if (!reduced) {
      EXPECT_EQ(result.transitions, row.transitions);
    }
    EXPECT_EQ(result.depth, row.depth);
  }
}

TEST(IoasidDesigns, TheSolverFindsTheSameStates) {
  const BoundValues bounds{{"threads", 1}, {"pasids", 1}, {"sets", 1}};
  for (const auto* d : ioasid_designs()) {
    SCOPED_TRACE(d->name());
    const auto executed = explore(d->name(), bounds);
    const checker::Relation relation{[&] { return d->symbolic(bounds, ""); }};
    const auto solved = checker::count_states(relation);
    ASSERT_TRUE(solved.complete) << solved.reason;
    EXPECT_EQ(solved.states, executed.states);
  }
}

}  // namespace
}  // namespace iommucheck::model
