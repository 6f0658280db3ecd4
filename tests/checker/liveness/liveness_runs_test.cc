// SPDX-License-Identifier: MIT
// Which runs there are: where they may end, where p and q have to hold, and the limits.
#include <gtest/gtest.h>

#include "tests/checker/explicit/machines.h"
#include "tests/checker/liveness/toys.h"

namespace iommucheck::checker {
namespace {

/// P0 counts from 0 to `last`.
ConcreteFactory counter(unsigned last, const std::function<void(Toy&)>& declare) {
  return toy([=](Toy& t) {
    std::vector<Toy::Move> moves;
    for (unsigned i = 0; i < last; ++i) moves.push_back({0, i, i + 1});
    t.weakly_fair(t.mover(moves), "it counts");
    declare(t);
  });
}
ConcreteFactory leads(unsigned last, unsigned p, unsigned q) {
  return counter(last, [=](Toy& t) { t.leads_to("x", "p leads to q.", t.is(0, p), t.is(0, q)); });
}

TEST(LivenessRuns, ARunEndsWhereNothingIsEnabled) {
  const LivenessAnswer answer = ask(leads(3, 1, 5), Assume::weak);
  ASSERT_EQ(answer.verdict, Verdict::violated);
  EXPECT_EQ(answer.lasso->stem.size(), 3U);
  EXPECT_TRUE(answer.lasso->cycle.empty());
  EXPECT_EQ(answer.pending, 1U);
}

TEST(LivenessRuns, PInTheInitialStateOnly) {
  EXPECT_EQ(verdict(leads(3, 0, 2), Assume::none), Verdict::holds);
  EXPECT_EQ(verdict(leads(3, 0, 5), Assume::none), Verdict::violated);
}

TEST(LivenessRuns, QBeforePDoesNotCount) {
  EXPECT_EQ(verdict(leads(3, 2, 1), Assume::weak), Verdict::violated);
}

TEST(LivenessRuns, QAtTheVeryStateOfP) {
  const LivenessAnswer answer = ask(leads(3, 2, 2), Assume::weak);
  EXPECT_EQ(answer.verdict, Verdict::holds);
  EXPECT_EQ(answer.pending, 0U);
}

TEST(LivenessRuns, PThatNeverHoldsIsNoPromise) {
  const LivenessAnswer answer = ask(leads(3, 7, 6), Assume::none);
  EXPECT_EQ(answer.verdict, Verdict::holds);
  EXPECT_EQ(answer.pending, 0U) << "it says nothing";
}

TEST(LivenessRuns, PHoldsAgainAfterQ) {
  const auto ring = [](bool detour) {
    return toy([=](Toy& t) {
      std::vector<Toy::Move> moves{{0, 0, 1}, {0, 1, 2}, {0, 2, 0}};
      if (detour) moves.push_back({0, 2, 3});  // to an end without q
      t.weakly_fair(t.mover(moves), "it goes on");
      t.leads_to("x", "2 leads to 1.", t.is(0, 2), t.is(0, 1));
    });
  };
  EXPECT_EQ(verdict(ring(false), Assume::none), Verdict::holds);
  EXPECT_EQ(verdict(ring(true), Assume::weak), Verdict::violated);
}

TEST(LivenessRuns, AgainAndAgain) {
  const auto at = [](unsigned value, bool stops) {
    return toy([=](Toy& t) {
      std::vector<Toy::Move> moves{{0, 0, 1}, {0, 1, 2}, {0, 2, 1}};
      if (stops) moves.push_back({0, 2, 4});
      t.weakly_fair(t.mover(moves), "it goes on");
      t.always_eventually("x", "It comes again and again.", t.is(0, value));
    });
  };
  EXPECT_EQ(verdict(at(1, false), Assume::none), Verdict::holds);
  EXPECT_EQ(verdict(at(2, false), Assume::none), Verdict::holds);
  EXPECT_EQ(verdict(at(0, false), Assume::none), Verdict::violated) << "only once";
  EXPECT_EQ(verdict(at(1, true), Assume::none), Verdict::violated) << "the run may end elsewhere";
}

TEST(LivenessRuns, AStepThatChangesNothingIsAStep) {
  const auto turner = toy([](Toy& t) {
    const unsigned p = t.mover({{0, 0, 0}, {0, 0, 1}});
    t.weakly_fair(p, "it takes steps");
    t.leads_to("x", "0 leads to 1.", t.is(0, 0), t.is(0, 1));
  });
  const LivenessAnswer answer = ask(turner, Assume::weak);
  ASSERT_EQ(answer.verdict, Verdict::violated);
  EXPECT_TRUE(answer.lasso->stem.empty());
  ASSERT_EQ(answer.lasso->cycle.size(), 1U);
  EXPECT_EQ(answer.lasso->cycle[0].after, answer.lasso->initial);
}

// A fair cycle that no run gets to: from 5 on, which nothing leads to.
TEST(LivenessRuns, ACycleThatIsNotReachableDoesNotCount) {
  const auto islands = [](bool bridge) {
    return toy([=](Toy& t) {
      std::vector<Toy::Move> moves{{0, 0, 1}, {0, 1, 2}, {0, 5, 6}, {0, 6, 5}};
      if (bridge) moves.push_back({0, 1, 5});
      t.weakly_fair(t.mover(moves), "it goes on");
      t.leads_to("x", "0 leads to 2.", t.is(0, 0), t.is(0, 2));
    });
  };
  EXPECT_EQ(verdict(islands(false), Assume::none), Verdict::holds);
  EXPECT_EQ(verdict(islands(true), Assume::none), Verdict::violated);
}

/// p0 waits until p1 has called; `obliged`: p1 has no idle state, so it has to.
class Waiter : public Program {
 public:
  explicit Waiter(bool obliged) : Program(2, 3), called_(scope_, "called", 1) {
    waiter_.push_back({"waiter", "begin", true, 2, [](unsigned) {}});
    waiter_.push_back(
        {"waiter", "wait", false, 0, [this](unsigned) { context.require(called_ == 1U); }});
    caller_.push_back({"caller", "call", true, 0, [this](unsigned) { called_ = 1; }});
    process({"p0", 0, &waiter_, &pc_[0]});
    process({"p1", 1, &caller_, obliged ? nullptr : &pc_[1]});
    for (unsigned i = 0; i < 2; ++i) weakly_fair(i, "who is not idle goes on");
    leads_to(
        "returns", "The wait returns.", [this] { return pc_[0] != 0U; },
        [this] { return pc_[0] == 0U; });
  }

 private:
  Code waiter_, caller_;
  Number called_;
};

TEST(LivenessRuns, AnIdleProcessNeedNotCall) {
  const LivenessAnswer idle = ask(make<Waiter>(false), Assume::weak);
  ASSERT_EQ(idle.verdict, Verdict::violated);
  EXPECT_EQ(idle.lasso->stem.size(), 1U);
  EXPECT_TRUE(idle.lasso->cycle.empty()) << "p1 could call, but does not";
  EXPECT_EQ(verdict(make<Waiter>(true), Assume::weak), Verdict::holds);
  // Nobody else can take a step, so p1 calls at some time.
  EXPECT_EQ(verdict(make<Waiter>(true), Assume::none), Verdict::violated)
      << "p1 calls for ever, and the wait does not return";
}

/// A call that begins again with its first step, under way: it is not idle there.
class Retry : public Program {
 public:
  Retry() : Program(1, 3), tries_(scope_, "tries", 2) {
    step("begin", [](unsigned) {});
    step(
        "try",
        [this](unsigned self) {
          const bool again = tries_.value().word() < 2;
          if (again) tries_ += 1;
          pc_[self] = again ? 1U : 0U;
        },
        true);
    start();
    weakly_fair(0, "a call that has begun goes on");
    leads_to(
        "returns", "A call returns.", [this] { return pc_[0] != 0U; },
        [this] { return pc_[0] == 0U; });
  }

 private:
  Number tries_;
};

TEST(LivenessRuns, AStepMayBeBothTheFirstOfACallAndALaterOne) {
  EXPECT_EQ(verdict(make<Retry>(), Assume::weak), Verdict::holds);
  EXPECT_EQ(verdict(make<Retry>(), Assume::none), Verdict::holds);
}

TEST(LivenessRuns, EachCaseIsAPromise) {
  const auto cases = [](unsigned bad) {
    return counter(2, [=](Toy& t) {
      t.leads_to(
          "x", "0 leads to i.", {"one", "two"}, [&t](unsigned) { return t.v(0) == 0U; },
          [&t, bad](unsigned i) { return t.v(0) == (i == bad ? 7U : i + 1); });
    });
  };
  EXPECT_EQ(verdict(cases(9), Assume::none), Verdict::holds);
  for (unsigned bad = 0; bad < 2; ++bad) {
    const LivenessAnswer answer = ask(cases(bad), Assume::none);
    ASSERT_TRUE(answer.lasso);
    EXPECT_EQ(answer.lasso->which, bad);
  }
}

TEST(LivenessRuns, EachPropertyHasItsAnswerAndOneMayBeChosen) {
  const auto both = counter(3, [](Toy& t) {
    t.leads_to("good", "0 leads to 2.", t.is(0, 0), t.is(0, 2));
    t.leads_to("bad", "2 leads to 0.", t.is(0, 2), t.is(0, 0));
  });
  const LivenessResult all = check_liveness(both);
  EXPECT_EQ(all.verdict, Verdict::violated);
  ASSERT_EQ(all.answers.size(), 2U);
  EXPECT_EQ(all.answers[0].verdict, Verdict::holds);
  EXPECT_EQ(all.answers[1].verdict, Verdict::violated);
  const LivenessResult good = check_liveness([&] {
    auto machine = both();
    EXPECT_TRUE(machine->check_only("good"));
    return machine;
  });
  EXPECT_EQ(good.verdict, Verdict::holds);
  EXPECT_EQ(good.answers.size(), 1U);
}

TEST(LivenessRuns, AStemIsAShortestOne) {
  const auto branching = toy([](Toy& t) {
    // Long way 0 1 2 3 4, short way 0 4; the cycle is 4 5.
    t.mover({{0, 0, 1}, {0, 1, 2}, {0, 2, 3}, {0, 3, 4}, {0, 0, 4}, {0, 4, 5}, {0, 5, 4}});
    t.leads_to("x", "0 leads to 7.", t.is(0, 0), t.is(0, 7));
  });
  const LivenessAnswer answer = ask(branching, Assume::none);
  ASSERT_TRUE(answer.lasso);
  EXPECT_EQ(answer.lasso->stem.size(), 1U);
  EXPECT_EQ(answer.lasso->cycle.size(), 2U);
}

TEST(LivenessRuns, LimitsAreUnknownAndNameTheirOption) {
  const auto grid = [] {
    auto machine = std::make_unique<Grid>(3U, 20U);
    machine->always_eventually("x", "Nothing.", [] { return Truth(true); });
    return machine;
  };
  const auto reason = [&](const LivenessOptions& options) {
    const LivenessResult result = check_liveness(grid, options);
    EXPECT_EQ(result.verdict, Verdict::unknown);
    EXPECT_EQ(result.answers.at(0).verdict, Verdict::unknown);
    return result.reason;
  };
  LivenessOptions options;
  options.states = 9260;
  EXPECT_NE(reason(options).find("--max-states"), std::string::npos);
  options = {};
  options.memory_bytes = 1U << 16;
  EXPECT_NE(reason(options).find("--max-memory"), std::string::npos);
  options = {};
  options.seconds = 1e-9;
  EXPECT_NE(reason(options).find("--max-seconds"), std::string::npos);
  options = {};
  options.states = 9261;  // 21^3: just enough
  const LivenessResult all = check_liveness(grid, options);
  EXPECT_EQ(all.verdict, Verdict::holds);
  EXPECT_EQ(all.states, 9261U);
  EXPECT_EQ(all.transitions, 3U * 20U * 21U * 21U);
}

TEST(LivenessRuns, AStepThatFailsIsNotJudged) {
  const auto failing = counter(7, [](Toy& t) {
    t.add({{"toy", "leave the range", false, 0, [&t](unsigned) {
              t.context.require(t.v(0) == 7U);
              t.v(0) = 8;
            }}});
    t.always_eventually("x", "Nothing.", [] { return Truth(true); });
  });
  const LivenessResult result = check_liveness(failing);
  EXPECT_EQ(result.verdict, Verdict::unknown);
  EXPECT_NE(result.reason.find("in-range"), std::string::npos) << result.reason;
  EXPECT_NE(result.reason.find("leave the range"), std::string::npos) << result.reason;
}

TEST(LivenessRuns, AMachineWithoutAnInitialState) {
  const auto none = toy([](Toy& t) {
    t.initial = [&t] { t.context.require(false); };
    t.always_eventually("x", "Nothing.", [] { return Truth(true); });
  });
  EXPECT_EQ(check_liveness(none).verdict, Verdict::unknown);
}

}  // namespace
}  // namespace iommucheck::checker
