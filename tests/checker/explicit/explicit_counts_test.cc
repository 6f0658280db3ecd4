// SPDX-License-Identifier: MIT
// Machines whose numbers of states, transitions and levels can be worked out by hand.
#include <gtest/gtest.h>

#include "checker/explicit/explicit.h"
#include "tests/checker/explicit/machines.h"
#include "tests/checker/explicit/oracle.h"

namespace iommucheck::checker {
namespace {

std::uint64_t power(std::uint64_t base, unsigned exponent) {
  return exponent == 0 ? 1 : base * power(base, exponent - 1);
}

class GridCounts : public testing::TestWithParam<std::tuple<unsigned, unsigned, unsigned>> {};

TEST_P(GridCounts, AreThoseOfTheFormula) {
  const auto [cells, top, padding] = GetParam();
  const Exploration e = explore(make<Grid>(cells, top, padding));
  const std::uint64_t values = top + 1;
  EXPECT_EQ(e.verdict, Verdict::holds);
  EXPECT_EQ(e.states, power(values, cells));
  EXPECT_EQ(e.transitions, cells * top * power(values, cells - 1));
  EXPECT_EQ(e.depth, cells * top);
  EXPECT_FALSE(e.path);
  EXPECT_EQ(e.reason, "");
  EXPECT_GT(e.bytes_per_state(), 0);
}

// Padding makes states of 1 to 8 words, which the engine knows at compile time, and wider ones.
INSTANTIATE_TEST_SUITE_P(All, GridCounts,
                         testing::Combine(testing::Values(1, 3, 5), testing::Values(1, 6),
                                          testing::Values(0, 1, 2, 3, 4, 5, 6, 7, 8, 20, 62)));

TEST(Counts, LongAndNarrow) {
  const Exploration e = explore(make<Grid>(1U, 16000U, 0U));
  EXPECT_EQ(e.states, 16001);
  EXPECT_EQ(e.depth, 16000);
}

TEST(Counts, CoverageIsPerStepOfTheCode) {
  const Exploration e = explore(make<Grid>(3U, 4U, 0U));
  ASSERT_EQ(e.coverage.size(), 2);  // three processes, one code
  EXPECT_EQ(e.coverage[0].program, "grid");
  EXPECT_EQ(e.coverage[0].label, "++cell");
  EXPECT_EQ(e.coverage[0].step, 0);
  EXPECT_EQ(e.coverage[0].taken, e.transitions);
  EXPECT_EQ(e.coverage[1].label, "never");
  EXPECT_EQ(e.coverage[1].step, 1);
  EXPECT_EQ(e.coverage[1].taken, 0);
}

TEST(Counts, CoverageListsEachCodeOnce) {
  const Exploration e = explore(make<Philosophers>(3U, false, true));
  ASSERT_EQ(e.coverage.size(), 4);
  EXPECT_EQ(e.coverage[0].label, "take left");
  EXPECT_EQ(e.coverage[3].label, "tick");
  EXPECT_NE(e.coverage[0].code, e.coverage[3].code);
}

TEST(Counts, Peterson) {
  const Exploration e = explore(make<Peterson>());
  EXPECT_EQ(e.verdict, Verdict::holds);
  EXPECT_EQ(e.states, 20);
  for (const StepCoverage& step : e.coverage) EXPECT_GT(step.taken, 0) << step.label;
  Peterson machine;
  EXPECT_EQ(answer(e), Oracle(machine).run());
}

/// Chooses everything there is, at the start and in its only step.
class Chooser : public Machine<Concrete> {
 public:
  Chooser() : v_(root(), "v", 3, 4U) {
    initial = [this] {
      v_[0] = context.choose(3);
      v_[1] = context.choose(2);
      // Three of the six combinations; v[1] is 0 in two of them.
      context.require(v_[0] != 0U && !(v_[0] == 1U && v_[1] == 1U));
    };
    code_.push_back({"chooser", "choose", false, 0, [this](unsigned) {
                       context.require(v_[2] == 0U);
                       const Val<Concrete> a = context.choose(3);
                       // 1 + 3 + 3 results: the second choice depends on the first.
                       context.when(a != 0U, [&] { v_[0] = context.choose(3); });
                       v_[2] = a + 1;
                     }});
    process({"chooser", 0, &code_, nullptr});
  }

 private:
  Numbers v_;
  Code code_;
};

TEST(Counts, EveryChoiceIsATransition) {
  const Exploration e = explore(make<Chooser>());
  EXPECT_EQ(e.transitions, 3 * 7);
  // (v0, v1): from (1,0), (2,0), (2,1).  With a = 0, three; with each a > 0, v0 is 0..2 and v1
  // 0, 1.
  EXPECT_EQ(e.states, 3 + 3 + 2 * 3 * 2);
  EXPECT_EQ(e.depth, 1);
}

/// Has no variables and no steps.
class Empty : public Machine<Concrete> {
 public:
  explicit Empty(bool starts) {
    initial = [this, starts] { context.require(starts); };
  }
};

TEST(Counts, OfNothing) {
  const Exploration e = explore(make<Empty>(true));
  EXPECT_EQ(e.verdict, Verdict::holds);
  EXPECT_EQ(e.states, 1);
  EXPECT_EQ(e.transitions, 0);
  EXPECT_EQ(e.depth, 0);
}

TEST(Counts, WithoutAnInitialStateNothingHolds) {
  const Exploration e = explore(make<Empty>(false));
  EXPECT_EQ(e.verdict, Verdict::unknown);
  EXPECT_EQ(e.states, 0);
  EXPECT_NE(e.reason.find("no initial state"), std::string::npos) << e.reason;
}

}  // namespace
}  // namespace iommucheck::checker
