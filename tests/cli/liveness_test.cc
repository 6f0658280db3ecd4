// SPDX-License-Identifier: MIT
// check --liveness: what it says, what it assumes, and that its lassos replay and others do not.
#include <gtest/gtest.h>

#include <functional>

#include "tests/cli/command.h"

namespace iommucheck::cli {
namespace {

const char* const kSmall = "check ioasid/plain --pasids 1 --sets 1 --data 0";
const char* const kBug = "check ioasid/plain --bug drain-waits-for-new-readers";

/// The row of one property.
Json row(const Json& object, const std::string& name) {
  for (const auto& r : object.at("liveness")) {
    if (r.at("name") == name) return r;
  }
  ADD_FAILURE() << "no row " << name;
  return {};
}

TEST(CheckLiveness, ADesignThatHolds) {
  const Json object = ask(kGood, split(kSmall, {"--liveness"}));
  EXPECT_EQ(object.at("verdict"), "holds");
  EXPECT_TRUE(object.at("trace").is_null());
  const Json& scope = object.at("scope");
  EXPECT_EQ(scope.at("property"), "all");
  EXPECT_EQ(scope.at("liveness").at("fairness"), "weak");
  EXPECT_EQ(scope["liveness"].at("assumed").size(), 1U);
  EXPECT_EQ(scope["liveness"].at("properties").size(), object.at("liveness").size());
  EXPECT_EQ(row(object, "every-call-returns").at("verdict"), "holds");
  EXPECT_GT(row(object, "every-call-returns").at("pending_states"), 0);
  // Nobody waits for a grace period here.
  EXPECT_EQ(row(object, "every-drain-ends").at("pending_states"), 0);
  // Safety has been looked at as well.
  EXPECT_FALSE(object.at("coverage").empty());
  EXPECT_EQ(object.at("states"), ask(kGood, split(kSmall)).at("states"));
}

TEST(CheckLiveness, TextSaysTheSame) {
  const Outcome holds = run(split(kSmall, {"--liveness"}));
  EXPECT_EQ(holds.code, kGood);
  EXPECT_EQ(holds.err, "");
  expect_words(holds.out,
               {"holds: ioasid/plain", "safety and liveness", "weak fairness of CPU0, CPU1",
                "holds     every-call-returns", "NEVER REQUIRED", "coverage"});
  const Outcome violated = run(split(kBug));
  EXPECT_EQ(violated.code, kViolated);
  EXPECT_EQ(violated.err, "");
  expect_words(violated.out, {"violated: ioasid/plain with bug drain-waits-for-new-readers",
                              "violated  every-drain-ends", "synchronize_rcu()",
                              "the cycle repeats from here", "the run is fair", "CPU0 (weak)"});
}

TEST(CheckLiveness, FairnessDecides) {
  const Words called = split(kSmall, {"--call-step", "1", "--liveness"});
  const Json weak = ask(kViolated, called);
  EXPECT_EQ(weak.at("property"), "every-call-returns");
  const Json strong = ask(kGood, extend(called, {"--fairness", "strong"}));
  EXPECT_EQ(strong.at("scope").at("liveness").at("fairness"), "strong");
  EXPECT_GT(strong["scope"]["liveness"].at("assumed").size(), 1U);
  const Json none = ask(kViolated, split(kSmall, {"--liveness", "--fairness", "none"}));
  EXPECT_TRUE(none.at("scope").at("liveness").at("assumed").empty());
}

TEST(CheckLiveness, OnePropertyOnly) {
  const Json object = ask(kViolated, split(kBug, {"--property", "every-drain-ends"}));
  EXPECT_EQ(object.at("liveness").size(), 1U);
  EXPECT_EQ(object.at("property"), "every-drain-ends");
  EXPECT_EQ(object.at("scope").at("property"), "every-drain-ends");
  // The others hold.
  ask(kGood, split(kBug, {"--property", "every-grace-period-ends"}));
}

TEST(CheckLiveness, SafetyComesFirst) {
  const Json object = ask(kViolated, split("check ioasid/plain --bug find-without-rcu --liveness"));
  EXPECT_EQ(object.at("property"), "no-use-after-free");
  EXPECT_TRUE(object.at("liveness").is_null());
  EXPECT_FALSE(object.at("trace").contains("loop"));
}

TEST(CheckLiveness, LimitsAreUnknown) {
  const Words words = split(kSmall, {"--property", "every-call-returns", "--max-states", "20"});
  const Json object = ask(kUnknown, words);
  EXPECT_EQ(object.at("verdict"), "unknown");
  expect_words(object.at("reason").get<std::string>(), {"--max-states"});
}

class ReplayLasso : public testing::Test {
 protected:
  static const Json& answer() {
    static const Json kAnswer = ask(kViolated, split(kBug, {"--property", "every-drain-ends"}));
    return kAnswer;
  }
  using Edit = std::function<void(Json& trace)>;
  static Outcome replay(const Edit& edit) {
    Json changed = answer().at("trace");
    edit(changed);
    return run({"replay", "-", "--json"}, changed.dump());
  }
  static void expect_refused(const Edit& edit, const char* reason) {
    const Outcome outcome = replay(edit);
    EXPECT_EQ(outcome.code, kDisagree) << outcome.err;
    const Json object = object_of(outcome);
    EXPECT_EQ(object.at("replayed"), false);
    expect_words(object.at("reason").get<std::string>(), {reason});
  }
};

TEST_F(ReplayLasso, TheTraceIsInItfWithALoop) {
  const Json& trace = answer().at("trace");
  EXPECT_EQ(trace.at("#meta").at("case"), "CPU0");
  EXPECT_EQ(trace["#meta"].at("fairness"), "weak");
  const auto loop = trace.at("loop").get<std::size_t>();
  ASSERT_LT(loop + 1, trace.at("states").size());
  Json first = trace["states"][loop], last = trace["states"].back();
  first.erase("#meta");
  last.erase("#meta");
  EXPECT_EQ(first, last) << "the loop is closed";
}

TEST_F(ReplayLasso, IsConfirmed) {
  const Outcome whole = run({"replay", "-", "--json"}, answer().dump());
  EXPECT_EQ(whole.code, kViolated) << whole.err;
  const Json object = object_of(whole);
  EXPECT_EQ(object.at("replayed"), true);
  EXPECT_EQ(object.at("property"), "every-drain-ends");
  EXPECT_EQ(object.at("loop"), answer().at("trace").at("loop"));
  EXPECT_EQ(object.at("steps"), steps_of(answer().at("trace")));
  const Outcome text = run({"replay", "-"}, answer().dump());
  expect_words(text.out, {"the trace replays: 10 steps, and then", "the cycle repeats from here",
                          "the run is fair"});
}

TEST_F(ReplayLasso, AChangedOneIsRefused) {
  const auto loop = answer().at("trace").at("loop").get<std::size_t>();
  expect_refused([=](Json& t) { t["loop"] = loop + 1; }, "does not close");
  expect_refused([](Json& t) { t["loop"] = steps_of(t); }, "rests");
  expect_refused([](Json& t) { t["states"].erase(t["states"].size() - 1); }, "does not close");
  expect_refused([](Json& t) { t["states"].erase(3); }, "step 3");
  expect_refused([](Json& t) { t["#meta"]["bug"] = ""; }, "");
  expect_refused([](Json& t) { t["#meta"]["case"] = "CPU1"; }, "what has to happen");
  const auto other = [](Json& t) {
    t["#meta"]["property"] = "every-freed-id-comes-back";
    t["#meta"]["case"] = "ioasid 0";
  };
  expect_refused(other, "what has to happen");
}

TEST_F(ReplayLasso, WhatIsNoLasso) {
  for (const Edit& edit : std::vector<Edit>{
           [](Json& t) { t["loop"] = 4'000'000'000U; }, [](Json& t) { t["loop"] = -1; },
           [](Json& t) { t["loop"] = "1"; }, [](Json& t) { t["#meta"].erase("fairness"); },
           [](Json& t) { t["#meta"]["fairness"] = "total"; },
           [](Json& t) { t["#meta"].erase("case"); }, [](Json& t) { t["#meta"]["case"] = "CPU9"; },
           [](Json& t) { t["#meta"]["property"] = "locking"; }, [](Json& t) { t.erase("loop"); }}) {
    expect_error(replay(edit), kInput, {});
  }
}

// Nobody has to call any more: the loop is the last state.
TEST_F(ReplayLasso, ARunThatRests) {
  const Json found = ask(kViolated, split("check ioasid/plain --bug missed-wake-up"));
  const Json& trace = found.at("trace");
  EXPECT_EQ(trace.at("loop"), steps_of(trace));
  const Outcome replayed = run({"replay", "-"}, found.dump());
  EXPECT_EQ(replayed.code, kViolated) << replayed.err;
  expect_words(replayed.out, {"rests for ever"});
}

}  // namespace
}  // namespace iommucheck::cli
