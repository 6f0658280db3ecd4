// SPDX-License-Identifier: MIT
// Lassos: taken again, they confirm what was found, and a changed one is refused with its reason.
#include <gtest/gtest.h>

#include "tests/checker/liveness/toys.h"

namespace iommucheck::checker {
namespace {

/// P0 goes 0 -> 1 and then 1 <-> 2, P1 turns v1 there; 2 may go on to 3, which is what should
/// happen.
ConcreteFactory sample() {
  return toy([](Toy& t) {
    const unsigned a = t.mover({{0, 0, 1}, {0, 1, 2}, {0, 2, 1}});
    const unsigned b = t.mover({{1, 0, 1}, {1, 1, 0}});
    const unsigned exit = t.mover({{0, 2, 3}});
    t.weakly_fair(a, "a goes on");
    t.weakly_fair(b, "b goes on");
    t.weakly_fair(exit, "the exit is taken");
    t.strongly_fair(exit, "the exit is taken at last");
    t.leads_to("out", "1 leads to 3.", t.is(0, 1), t.is(0, 3));
    t.leads_to("in", "0 leads to 1.", t.is(0, 0), t.is(0, 1));
  });
}

class LivenessLasso : public testing::Test {
 protected:
  void SetUp() override {
    const LivenessAnswer answer = ask_for("out");
    ASSERT_TRUE(answer.lasso);
    lasso_ = *answer.lasso;
    ASSERT_EQ(refused(), "");
  }
  static LivenessAnswer ask_for(const char* property) {
    return check_liveness([=] {
             auto machine = sample()();
             if (!machine->check_only(property)) throw std::logic_error("no such property");
             return machine;
           })
        .answers.at(0);
  }
  /// Why it does not replay, or "".
  std::string refused() const {
    std::string why = "?";
    const bool fits = replays(*sample()(), lasso_, &why);
    EXPECT_EQ(fits, why.empty());
    EXPECT_EQ(honoured(*sample()(), lasso_).empty(), !fits);
    return why;
  }
  Lasso lasso_;
};

TEST_F(LivenessLasso, Replays) {
  EXPECT_EQ(lasso_.stem.size(), 1U);
  EXPECT_EQ(lasso_.cycle.size(), 4U);
  EXPECT_EQ(honoured(*sample()(), lasso_).size(), 3U);
  // P2 can take a step in half of the states only.
  EXPECT_NE(honoured(*sample()(), lasso_).at(2).find("P2 (weak): cannot go on right after step"),
            std::string::npos);
}

TEST_F(LivenessLasso, ThatBeginsElsewhere) {
  lasso_.initial = lasso_.stem[0].after;
  lasso_.stem.clear();
  EXPECT_NE(refused().find("initial"), std::string::npos);
}

TEST_F(LivenessLasso, WithAStepThatIsNone) {
  // NOLINTNEXTLINE(modernize-loop-convert): what it goes through is assigned to
  for (std::size_t i = 0; i < lasso_.cycle.size(); ++i) {
    const Lasso whole = lasso_;
    lasso_.cycle[i].action.process ^= 1;
    EXPECT_NE(refused().find("is no step"), std::string::npos);
    lasso_ = whole;
    lasso_.cycle[i].after[0] ^= 1;
    EXPECT_NE(refused().find("is no step"), std::string::npos);
    lasso_ = whole;
  }
  lasso_.stem[0].action = {99, 0};
  EXPECT_NE(refused().find("step 1 is no step"), std::string::npos);
}

TEST_F(LivenessLasso, ThatDoesNotClose) {
  lasso_.cycle.pop_back();
  EXPECT_NE(refused().find("does not close"), std::string::npos);
}

TEST_F(LivenessLasso, ThatRestsWhereItMayNot) {
  lasso_.cycle.clear();
  EXPECT_NE(refused().find("rests"), std::string::npos);
}

TEST_F(LivenessLasso, OfAnotherPropertyOrCase) {
  lasso_.property = 1;
  EXPECT_NE(refused().find("what has to happen is so after step 1"), std::string::npos);
  lasso_.property = 2;
  EXPECT_NE(refused().find("no such property"), std::string::npos);
  lasso_.property = 0;
  lasso_.which = 1;
  EXPECT_NE(refused().find("no such case"), std::string::npos);
}

TEST_F(LivenessLasso, ThatIsUnfair) {
  lasso_.fairness = Assume::strong;
  EXPECT_NE(refused().find("strongly) to P2"), std::string::npos) << refused();
  // Only P0 moves: unfair to P1 under weak fairness, fine under none.
  lasso_.fairness = Assume::weak;
  const PackedState knot = lasso_.stem[0].after;
  auto machine = sample()();
  const auto& fields = machine->schema.fields();
  ASSERT_EQ(fields[0].name, "v[0]");
  PackedState two = knot;
  machine->schema.set(two, 0, 2);
  lasso_.cycle = {{{0, 1}, two}, {{0, 2}, knot}};
  EXPECT_NE(refused().find("weakly) to P1"), std::string::npos) << refused();
  lasso_.fairness = Assume::none;
  EXPECT_TRUE(replays(*sample()(), lasso_));
}

TEST_F(LivenessLasso, WithTheGoalOnItsCycle) {
  // From 2, the exit, where the run may end: but that is what should happen.
  auto machine = sample()();
  PackedState at = lasso_.stem[0].after;
  machine->schema.set(at, 0, 2);
  lasso_.stem.push_back({{0, 1}, at});
  machine->schema.set(at, 0, 3);
  lasso_.stem.push_back({{2, 0}, at});
  PackedState other = at;
  machine->schema.set(other, 1, 1);
  lasso_.cycle = {{{1, 0}, other}, {{1, 1}, at}};
  EXPECT_NE(refused().find("what has to happen is so after step 3"), std::string::npos);
}

TEST_F(LivenessLasso, OfAnotherSize) {
  lasso_.cycle[0].after.push_back(0);
  EXPECT_NE(refused().find("another size"), std::string::npos);
}

TEST_F(LivenessLasso, IsTheSameEveryTime) {
  const LivenessAnswer again = ask_for("out");
  ASSERT_TRUE(again.lasso);
  EXPECT_EQ(who(again.lasso->cycle), who(lasso_.cycle));
  EXPECT_EQ(again.lasso->cycle.back().after, lasso_.cycle.back().after);
}

}  // namespace
}  // namespace iommucheck::checker
