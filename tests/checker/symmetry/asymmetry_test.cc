// SPDX-License-Identifier: MIT
// A machine that tells the elements of a sort apart is found out, whatever the reason.
#include "checker/symmetry/asymmetry.h"

#include <gtest/gtest.h>

#include <set>

#include "checker/symmetry/samples.h"
#include "tests/checker/symmetry/machines.h"

namespace iommucheck::checker::symmetry {
namespace {

const SortNames kBoth{"threads", "pasids"};

std::optional<Asymmetry> look_at(Flaw flaw, const SortNames& sorts = kBoth, bool bug = false) {
  Desk desk(3, 2, flaw, bug);
  const Canonicalizer canonicalizer(desk.schema, sorts);
  return find_asymmetry(desk, canonicalizer, sample_states(desk, 2000));
}

TEST(Asymmetry, ASymmetricMachineHasNone) {
  const auto found = look_at(Flaw::none);
  EXPECT_FALSE(found) << found->sentence;
}

struct Expected {
  Flaw flaw;
  const char *sort, *label, *field, *words;
};

TEST(Asymmetry, EveryFlawIsFoundAndNamed) {
  const std::vector<Expected> all{
      {Flaw::reserved_id, "pasids", "take", "", "happens in one of two states"},
      {Flaw::shortcut_of_one, "threads", "lock", "lock", "leave lock=0"},
      {Flaw::owner_undeclared, "threads", "take", "owner[0]", "told apart"},
      {Flaw::array_undeclared, "threads", "use", "times[0]", "told apart"},
      {Flaw::mask_undeclared, "threads", "take", "users", "told apart"},
      {Flaw::zero_is_an_element, "pasids", "put", "plain_id[0]", "told apart"},
      {Flaw::counter_is_element, "threads", "take", "total", "told apart"},
      {Flaw::invariant_of_one, "threads", "", "", "the invariant 'first' is broken"},
      {Flaw::failure_of_one, "threads", "take", "", "thread 1 is refused"},
      {Flaw::rest_of_one, "threads", "", "", "no process can take a step"},
  };
  for (const Expected& e : all) {
    SCOPED_TRACE(static_cast<int>(e.flaw));
    const auto found = look_at(e.flaw);
    ASSERT_TRUE(found);
    SCOPED_TRACE(found->sentence);
    EXPECT_EQ(found->sort, e.sort);
    EXPECT_NE(found->sentence.find(e.words), std::string::npos);
    EXPECT_EQ(found->label, e.label);
    EXPECT_EQ(found->field, e.field);
  }
}

TEST(Asymmetry, OnlyTheChosenSortsMatter) {
  EXPECT_FALSE(look_at(Flaw::reserved_id, {"threads"}));
  EXPECT_FALSE(look_at(Flaw::owner_undeclared, {"pasids"}));
  EXPECT_TRUE(look_at(Flaw::owner_undeclared, {"threads"}));
}

// All free ids are alike: which one is the first does not matter.  A stale pointer tells them
// apart.
TEST(Asymmetry, FirstFitIsSymmetricWhileFreeElementsAreAlike) {
  EXPECT_FALSE(look_at(Flaw::lowest_first));
  const auto found = look_at(Flaw::lowest_first, kBoth, true);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->sort, "pasids");
  EXPECT_EQ(found->label, "take");
  EXPECT_FALSE(look_at(Flaw::none, kBoth, true)) << "the bug alone is symmetric";
}

TEST(Samples, AreDistinctReachableAndDeep) {
  Desk desk(4, 4);
  const auto all = sample_states(desk, 1'000'000);
  EXPECT_EQ(std::set(all.begin(), all.end()).size(), all.size());
  const auto some = sample_states(desk, 200);
  EXPECT_EQ(some.size(), 200U);
  EXPECT_EQ(std::set(some.begin(), some.end()).size(), some.size());
  EXPECT_EQ(sample_states(desk, 200), some);
  const std::set<std::vector<std::uint64_t>> known(all.begin(), all.end());
  for (const auto& state : some) EXPECT_TRUE(known.contains(state));
  // The second half does not only repeat what breadth-first search finds next.
  std::size_t later = 0;
  for (const auto& state : some)
    later += static_cast<std::size_t>(std::find(all.begin(), all.end(), state) - all.begin()) > 400;
  EXPECT_GT(later, 10U);
}

}  // namespace
}  // namespace iommucheck::checker::symmetry
