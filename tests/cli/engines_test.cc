// SPDX-License-Identifier: MIT
// The two engines give one answer: the same verdict, and counterexamples of the same length.
#include <gtest/gtest.h>

#include "tests/cli/command.h"

namespace iommucheck::cli {
namespace {

struct SmallBug {
  const char* design;
  const char* bug;
  const char* property;
};
/// Found after a few steps: the solver needs less than a second for each.
const std::vector<SmallBug> kSmallBugs{
    {"ioasid/plain", "synchronize-rcu-under-lock", "locking"},
    {"ioasid/plain", "unknown-id-returns-locked", "locking"},
    {"ioasid/plain", "failed-alloc-leaks", "objects-reachable"},
    {"ioasid/plain", "publish-before-init", "legal-answer"},
    {"ioasid/refcounted", "alloc-counts-from-zero", "refcounts"},
    {"ioasid/sets", "set-counts-from-zero", "sets-are-the-truth"},
    {"ioasid/sets", "alloc-set-without-lock", "in-range"},
};

Words check(const SmallBug& bug, const Words& more = {}) {
  return split(std::string{"check "} + bug.design + " --bug " + bug.bug, more);
}

void expect_one_answer(const Words& words) {
  const std::size_t steps = steps_of(ask(kViolated, words).at("trace"));
  ASSERT_GE(steps, 1U);
  const auto with = [&](const char* engine, std::size_t depth) {
    return extend(words, {"--engine", engine, "--depth", std::to_string(depth)});
  };
  const Json symbolic = ask(kViolated, with("symbolic", steps));
  EXPECT_EQ(symbolic.at("verdict"), "violated");
  EXPECT_EQ(symbolic.at("scope").at("engine"), "symbolic");
  EXPECT_EQ(symbolic["scope"].at("depth"), steps);
  EXPECT_EQ(steps_of(symbolic.at("trace")), steps);

  const Json shorter = ask(kGood, with("symbolic", steps - 1));
  EXPECT_EQ(shorter.at("verdict"), "holds");
  EXPECT_TRUE(shorter.at("trace").is_null());

  for (const std::size_t depth : {steps - 1, steps}) {
    const Json both = ask(kViolated, with("both", depth));
    EXPECT_EQ(both.at("scope").at("engine"), "both");
    EXPECT_EQ(both.at("symbolic").at("agrees"), true);
    EXPECT_EQ(both["symbolic"].at("depth"), depth);
    EXPECT_EQ(both["symbolic"].at("verdict"), depth == steps ? "violated" : "holds");
  }
}

TEST(Engines, AgreeOnSmallBugs) {
  for (const auto& bug : kSmallBugs) {
    SCOPED_TRACE(join(check(bug)));
    expect_one_answer(check(bug));
  }
}

TEST(Engines, AgreeOnOneProperty) {
  for (const auto& bug : kSmallBugs) {
    const Words words = check(bug, {"--property", bug.property});
    SCOPED_TRACE(join(words));
    expect_one_answer(words);
  }
}

TEST(Engines, AgreeOnADesignThatHolds) {
  const Json both = ask(
      kGood, split("check ioasid/plain --threads 1 --pasids 1 --sets 1 --engine both --depth 6"));
  EXPECT_EQ(both.at("verdict"), "holds");
  EXPECT_EQ(both.at("symbolic").at("verdict"), "holds");
  EXPECT_EQ(both["symbolic"].at("depth"), 6);
  EXPECT_EQ(both["symbolic"].at("agrees"), true);
}

TEST(Engines, TextNamesBothAnswers) {
  const Words words = check(kSmallBugs[0], {"--engine", "both", "--depth", "4"});
  const Outcome outcome = run(words);
  EXPECT_EQ(outcome.code, kViolated);
  expect_words(outcome.out, {"violated: ioasid/plain", "at most 4 steps", "agree"});
  const Outcome symbolic = run(check(kSmallBugs[0], {"--engine=symbolic", "--depth=4"}));
  EXPECT_EQ(symbolic.code, kViolated);
  expect_words(symbolic.out, {"symbolic engine", "at most 4 steps", "counterexample"});
}

TEST(Engines, ASymbolicTraceReplays) {
  const Outcome found = run(check(kSmallBugs[3], {"--engine", "symbolic", "--json"}));
  EXPECT_EQ(found.code, kViolated);
  EXPECT_EQ(run({"replay", "-"}, found.out).code, kViolated);
}

// The symbolic engine does not look for deadlocks: it must not say that there are none, and what it
// does not look for is no disagreement.
TEST(Engines, ADeadlockIsNoDisagreement) {
  const Words words = split("check ioasid/plain --bug free-from-interrupt --engine both --depth 4");
  const Json both = ask(kViolated, words);
  EXPECT_EQ(both.at("verdict"), "violated");
  EXPECT_NE(both.at("symbolic").at("agrees"), false);
}

TEST(Engines, TheSymbolicOneDoesNotSayThereAreNoDeadlocks) {
  const Words words = split("check ioasid/plain --bug free-from-interrupt --engine symbolic",
                            {"--property", "no-deadlock", "--depth", "4"});
  const Outcome outcome = run(words);
  EXPECT_TRUE(outcome.code == kUnknown || outcome.code == kUsage) << outcome.code << outcome.out;
  expect_words(outcome.out + outcome.err, {"deadlock"});
}

}  // namespace
}  // namespace iommucheck::cli
