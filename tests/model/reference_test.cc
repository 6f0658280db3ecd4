// SPDX-License-Identifier: MIT
// The reference model: the counts that SPIN and Rumur find, every rule taken, every bug found.
#include <gtest/gtest.h>

#include <set>

#include "checker/explicit/explicit.h"
#include "checker/symbolic/bmc.h"
#include "checker/symbolic/count.h"
#include "model/reference/reference.h"
#include "model/registry.h"

namespace iommucheck::model {
namespace {

using checker::Verdict;

struct Pinned {
  BoundValues bounds;
  std::uint64_t states, transitions, depth;
};

checker::Exploration explore(const BoundValues& bounds, const std::string& bug = "",
                             const std::string& property = "") {
  return checker::explore([&] {
    auto machine = design("reference").concrete(bounds, bug);
    if (!property.empty() && !machine->check_only(property)) ADD_FAILURE() << property;
    return machine;
  });
}

// The depth is in steps; a table that counts levels has one more.
TEST(Reference, HasTheCountsOfItsPeersAndTakesEveryRule) {
  const std::vector<Pinned> rows{
#include "tests/model/reference_counts.inc"
  };
  for (const auto& row : rows) {
    const auto result = explore(row.bounds);
    EXPECT_EQ(result.verdict, Verdict::holds) << result.reason;
    EXPECT_EQ(result.states, row.states);
    EXPECT_EQ(result.transitions, row.transitions);
    EXPECT_EQ(result.depth, row.depth);
    for (const auto& c : result.coverage) EXPECT_NE(c.taken, 0U) << c.program << ": " << c.label;
  }
}

// Rumur's counts with scalarsets for threads and PASIDs.
TEST(Reference, HasTheCountsOfItsPeerWithSymmetry) {
  checker::Options options;
  options.symmetry = {"threads", "pasids"};
  const BoundValues bounds{{"threads", 2}, {"pasids", 3}, {"any-free", 1}};
  const auto result =
      checker::explore([&] { return design("reference").concrete(bounds, ""); }, options);
  EXPECT_EQ(result.verdict, Verdict::holds) << result.reason;
  EXPECT_EQ(result.states, 202'303U);
  EXPECT_EQ(result.transitions, 465'450U);
  EXPECT_EQ(result.depth, 75U);
  EXPECT_EQ(result.states_without_symmetry, 2'282'968U);
}

TEST(Reference, ItsSmallStatesAreOneWord) {
  const auto words = [](const BoundValues& bounds) {
    return design("reference").concrete(bounds, "")->schema.words();
  };
  EXPECT_EQ(words({}), 1U);
  EXPECT_EQ(words({{"users", 2}, {"pasids", 2}}), 1U);
}

TEST(Reference, EachPropertyIsViolatedBySomeBugAndAloneByItsOwn) {
  std::set<std::string> violated;
  for (const auto& bug : design("reference").bugs()) {
    SCOPED_TRACE(bug.name);
    const auto result = explore(bug.bounds, bug.name, bug.property);
    ASSERT_EQ(result.verdict, Verdict::violated);
    const auto machine = design("reference").concrete(bug.bounds, bug.name);
    violated.insert(
        machine->properties().at(static_cast<std::size_t>(result.path->failure.property)).name);
    EXPECT_TRUE(violated.contains(bug.property));
  }
  EXPECT_EQ(violated, (std::set<std::string>{"pasid-owner", "mm-has-pasid"}));
}

TEST(Reference, TheSolverFindsTheSameStatesOnOneThread) {
  const BoundValues bounds{{"threads", 1}, {"pasids", 1}};
  const checker::Relation relation{[&] { return design("reference").symbolic(bounds, ""); }};
  const auto solved = checker::count_states(relation);
  ASSERT_TRUE(solved.complete) << solved.reason;
  EXPECT_EQ(solved.states, explore(bounds).states);
}

TEST(Reference, TheSolverFindsABugAtTheSameDepth) {
  const std::string bug = "bind-without-lock";
  const auto executed = explore({}, bug);
  ASSERT_TRUE(executed.path);
  const checker::Relation relation{[&] { return design("reference").symbolic({}, bug); }};
  checker::BoundedOptions options;
  options.depth = 12;
  const auto solved = checker::bounded_check(relation, options);
  ASSERT_TRUE(solved.path);
  EXPECT_EQ(solved.path->steps.size(), executed.path->steps.size());
}

// Rules are found by their number: one out of place would be a rule that is never what a jump
// means.
TEST(Reference, RulesStandInTheOrderOfTheirNumbers) {
  Reference<Concrete> model{{}};
  model.complete();
  const Code& code = *model.processes().front().code;
  ASSERT_EQ(code.size(), pc_of(Rule::fault));
  for (std::size_t i = 0; i < code.size(); ++i) {
    EXPECT_EQ(code[i].entry, i >= kRulesOfCalls) << code[i].label;
    EXPECT_LE(code[i].next, kRulesOfCalls) << code[i].label;
  }
}

}  // namespace
}  // namespace iommucheck::model
