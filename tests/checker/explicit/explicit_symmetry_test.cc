// SPDX-License-Identifier: MIT
// Exploring with symmetry: fewer states, the same answer, real paths.
#include <gtest/gtest.h>

#include "checker/explicit/explicit.h"
#include "tests/checker/explicit/machines.h"
#include "tests/checker/symmetry/machines.h"

namespace iommucheck::checker {
namespace {

using symmetry::Desk;
using symmetry::Flaw;

Exploration run(const ConcreteFactory& factory, std::vector<std::string> sorts, unsigned jobs = 1,
                std::size_t samples = 2000) {
  Options options;
  options.jobs = jobs;
  options.symmetry = std::move(sorts);
  options.symmetry_samples = samples;
  return explore(factory, options);
}

TEST(Symmetry, TheOrbitsTogetherAreAllStates) {
  for (unsigned threads = 1; threads <= 4; ++threads) {
    for (unsigned pasids = 1; pasids <= 3; ++pasids) {
      SCOPED_TRACE(fmt::format("{} threads, {} pasids", threads, pasids));
      const auto factory = make<Desk>(threads, pasids, Flaw::none, false);
      const auto full = run(factory, {});
      EXPECT_EQ(full.verdict, Verdict::holds) << full.reason;
      EXPECT_EQ(full.states_without_symmetry, full.states);
      for (const std::vector<std::string>& sorts :
           {std::vector<std::string>{"threads"}, {"pasids"}, {"pasids", "threads"}}) {
        const auto reduced = run(factory, sorts);
        EXPECT_EQ(reduced.verdict, Verdict::holds);
        EXPECT_EQ(reduced.states_without_symmetry, full.states);
        EXPECT_EQ(reduced.depth, full.depth);
        EXPECT_LE(reduced.states, full.states);
      }
      const auto most = run(factory, {"threads", "pasids"});
      if (threads == 4) {
        EXPECT_LT(10 * most.states, full.states);
      }
    }
  }
}

TEST(Symmetry, AViolationIsFoundAtTheSameDepthAndItsPathIsReal) {
  const auto factory = make<Desk>(3U, 2U, Flaw::none, true);
  const auto full = run(factory, {});
  ASSERT_EQ(full.verdict, Verdict::violated);
  for (const std::vector<std::string>& sorts :
       {std::vector<std::string>{"threads"}, {"pasids"}, {"pasids", "threads"}}) {
    const auto reduced = run(factory, sorts);
    ASSERT_EQ(reduced.verdict, Verdict::violated);
    EXPECT_EQ(reduced.path->steps.size(), full.path->steps.size());
    EXPECT_EQ(reduced.path->failure.property, full.path->failure.property);
    std::string why;
    EXPECT_TRUE(replays(*factory(), *reduced.path, &why)) << why;
  }
}

/// A violation in a step, and a deadlock.
TEST(Symmetry, FailuresOfStepsAndDeadlocksAreFollowed) {
  const auto failing = make<Desk>(3U, 2U, Flaw::any_failure, false);
  const auto stuck = make<Desk>(3U, 2U, Flaw::nobody_rests, false);
  for (const auto& factory : {failing, stuck}) {
    const auto full = run(factory, {});
    const auto reduced = run(factory, {"threads", "pasids"});
    ASSERT_EQ(full.verdict, Verdict::violated);
    ASSERT_EQ(reduced.verdict, Verdict::violated);
    EXPECT_STREQ(reduced.path->failure.detail, full.path->failure.detail);
    EXPECT_EQ(reduced.path->steps.size(), full.path->steps.size());
    EXPECT_GT(full.path->steps.size(), 3U);
  }
}

TEST(Symmetry, TheResultIsTheSameForAnyNumberOfJobs) {
  for (const bool bug : {false, true}) {
    const auto factory = make<Desk>(4U, 3U, Flaw::none, bug);
    const auto one = run(factory, {"threads", "pasids"}, 1);
    const auto three = run(factory, {"threads", "pasids"}, 3);
    EXPECT_EQ(one.states, three.states);
    EXPECT_EQ(one.transitions, three.transitions);
    EXPECT_EQ(one.states_without_symmetry, three.states_without_symmetry);
    ASSERT_EQ(one.path.has_value(), bug);
    ASSERT_EQ(three.path.has_value(), bug);
    if (!bug) continue;
    ASSERT_EQ(one.path->steps.size(), three.path->steps.size());
    for (std::size_t i = 0; i < one.path->steps.size(); ++i)
      EXPECT_EQ(one.path->steps[i].after, three.path->steps[i].after);
  }
}

/// Somebody has a token, and gives it to another one; not `rounds` times.
class Token : public Machine<Concrete> {
 public:
  explicit Token(unsigned n, unsigned rounds)
      : threads_(sort("threads", n)),
        scope_(root()),
        token_(scope_, "token", over(threads_), 1U),
        round_(scope_, "round", rounds) {
    property("soon", "It does not go on for long.", [=, this] { return round_ != rounds; });
    initial = [=, this] { token_[context.choose(n)] = 1; };
    code_.push_back({"token", "give", false, 0, [=, this](unsigned self) {
                       const Val<Concrete> to = context.choose(n);
                       context.require(token_[self] == 1U && to != self);
                       token_[self] = 0;
                       token_[to] = 1;
                       round_ += 1;
                     }});
    for (unsigned i = 0; i < n; ++i) process({fmt::format("p{}", i), i, &code_, nullptr});
  }

 private:
  Sort threads_;
  Scope<Concrete> scope_;
  Numbers token_;
  Number round_;
  Code code_;
};

TEST(Symmetry, InitialStatesOfOneOrbitAreOne) {
  const auto factory = make<Token>(3U, 4U);
  const auto full = run(factory, {});
  const auto reduced = run(factory, {"threads"});
  ASSERT_TRUE(full.path);
  ASSERT_TRUE(reduced.path);
  EXPECT_EQ(full.states, 15U);
  EXPECT_EQ(reduced.states, 5U);
  EXPECT_EQ(reduced.states_without_symmetry, 15U);
  EXPECT_EQ(reduced.path->steps.size(), full.path->steps.size());
}

TEST(Symmetry, AMachineThatIsNotSymmetricIsRefused) {
  const auto factory = make<Desk>(3U, 2U, Flaw::owner_undeclared, false);
  try {
    static_cast<void>(run(factory, {"threads"}));
    FAIL() << "explored";
  } catch (const std::invalid_argument& e) {
    EXPECT_NE(std::string{e.what()}.find("not symmetric in threads"), std::string::npos);
    EXPECT_NE(std::string{e.what()}.find("owner[0]"), std::string::npos);
  }
  EXPECT_EQ(run(factory, {"pasids"}).verdict, Verdict::holds);
  EXPECT_THROW(static_cast<void>(run(factory, {"thread"})), std::invalid_argument);
}

// What the samples missed: a path that is none is never shown.
TEST(Symmetry, APathThatIsNoneIsNotShown) {
  const auto factory = make<Desk>(3U, 2U, Flaw::failure_of_one, false);
  ASSERT_EQ(run(factory, {}).verdict, Verdict::violated);
  try {
    const auto result = run(factory, {"threads"}, 1, 0);
    FAIL() << name(result.verdict);
  } catch (const std::runtime_error& e) {
    EXPECT_NE(std::string{e.what()}.find("without --symmetry"), std::string::npos);
  }
  EXPECT_THROW(static_cast<void>(run(factory, {"threads"})), std::invalid_argument);
}

}  // namespace
}  // namespace iommucheck::checker
