// SPDX-License-Identifier: MIT
// iommucheck replay: confirms what check found, and nothing else: a changed trace is refused.
#include <gtest/gtest.h>

#include <functional>

#include "tests/cli/command.h"

namespace iommucheck::cli {
namespace {

/// A violated check, and its trace.
class Replay : public testing::Test {
 protected:
  static const Outcome& found() {
    static const Outcome kFound = run(split("check ioasid/plain --bug find-without-rcu --json"));
    return kFound;
  }
  static const Json& trace() {
    static const Json kTrace = Json::parse(found().out).at("trace");
    return kTrace;
  }
  using Edit = std::function<void(Json& trace)>;
  static Outcome replay(const Edit& edit) {
    Json changed = trace();
    edit(changed);
    return run({"replay", "-", "--json"}, changed.dump());
  }
  static void expect_confirmed(const Outcome& outcome) {
    EXPECT_EQ(outcome.code, kViolated) << outcome.err;
    const Json object = object_of(outcome);
    EXPECT_EQ(object.at("verdict"), "violated");
    EXPECT_EQ(object.at("replayed"), true);
    EXPECT_EQ(object.at("scope").at("bug"), "find-without-rcu");
    EXPECT_EQ(object.at("steps"), steps_of(trace()));
    EXPECT_EQ(object.at("property"), "no-use-after-free");
  }
  static void expect_refused(const Edit& edit) {
    const Outcome outcome = replay(edit);
    EXPECT_EQ(outcome.code, kDisagree) << outcome.err;
    const Json object = object_of(outcome);
    EXPECT_EQ(object.at("verdict"), "unknown");
    EXPECT_EQ(object.at("replayed"), false);
    EXPECT_NE(object.value("reason", ""), "");
  }
  static void expect_no_trace(const Edit& edit) { expect_error(replay(edit), kInput, {}); }
};

TEST_F(Replay, TheAnswerOfCheck) {
  const Folder folder;
  expect_confirmed(run({"replay", folder.write("answer.json", found().out), "--json"}));
}

TEST_F(Replay, ATraceFileOfCheck) {
  const Folder folder;
  const auto file = folder.file("trace.itf.json");
  ask(kViolated, split("check ioasid/plain --bug find-without-rcu --trace", {file}));
  expect_confirmed(run({"replay", file, "--json"}));
}

TEST_F(Replay, StandardInput) {
  expect_confirmed(run({"replay", "-", "--json"}, found().out));
  expect_confirmed(run({"replay", "--json", "-"}, trace().dump(3)));
}

TEST_F(Replay, TextShowsTheStepsAsCheckDid) {
  const Outcome replayed = run({"replay", "-"}, found().out);
  EXPECT_EQ(replayed.code, kViolated);
  expect_words(replayed.out, {"violated: ioasid/plain with bug find-without-rcu", "CPU0", "CPU1",
                              "ioasid_find()", "no-use-after-free"});
  const Outcome checked = run(split("check ioasid/plain --bug find-without-rcu"));
  const auto steps = checked.out.substr(checked.out.find("CPU0"));
  expect_words(replayed.out, {steps});
}

TEST_F(Replay, AMissingFile) {
  const Folder folder;
  const auto file = folder.file("none.json");
  expect_error(run({"replay", file}), kInput, {file});
  expect_error(run({"replay", file, "--json"}), kInput, {file});
}

TEST_F(Replay, ADirectory) {
  const Folder folder;
  expect_error(run({"replay", folder.file("")}), kInput, {folder.file("")});
}

TEST_F(Replay, StandardInputIsClosed) { expect_error(run({"replay", "-"}), kInput, {}); }

TEST_F(Replay, WhatIsNoJson) {
  const std::string whole = found().out;
  for (const std::string& text : {std::string{}, std::string{"violated"}, std::string(3, '\0'),
                                  whole.substr(0, whole.size() / 2), whole + "}"}) {
    SCOPED_TRACE(text.substr(0, 40));
    expect_error(run({"replay", "-"}, text), kInput, {"JSON"});
  }
}

TEST_F(Replay, JsonThatIsNoTrace) {
  for (const auto* text :
       {"{}", "[]", "3", "null", "[{}]", R"({"trace": 3})", R"({"trace": {}})", R"({"#meta": {}})",
        R"({"#meta": 3, "states": []})", R"({"states": [{}]})"}) {
    SCOPED_TRACE(text);
    expect_error(run({"replay", "-"}, text), kInput, {"trace"});
  }
}

TEST_F(Replay, AnAnswerWithoutATrace) {
  const Outcome holds = run(split("check ioasid/plain --threads 1 --pasids 1 --sets 1 --json"));
  expect_error(run({"replay", "-"}, holds.out), kInput, {"no trace", "holds"});
  expect_error(run({"replay", "-"}, R"({"verdict": 3, "trace": null})"), kInput, {"no trace"});
}

TEST_F(Replay, AChangedStateDoesNotReplay) {
  // Zero is in every variable's range.  The last state has a test of its own.
  std::size_t changes = 0;
  for (std::size_t i = 0; i + 1 < trace().at("states").size(); ++i) {
    for (const auto& [name, value] : trace()["states"][i].items()) {
      if (name == "#meta" || value == 0) continue;
      SCOPED_TRACE("state " + std::to_string(i) + " " + name);
      expect_refused([i, &name = name](Json& t) { t["states"][i][name] = 0; });
      ++changes;
    }
  }
  EXPECT_GT(changes, 20U);
}

TEST_F(Replay, AChangedLastStateDoesNotReplay) {
  const std::size_t last = steps_of(trace());
  for (const auto& [name, value] : trace()["states"][last].items()) {
    if (name == "#meta" || value == 0) continue;
    SCOPED_TRACE(name);
    expect_refused([last, &name = name](Json& t) { t["states"][last][name] = 0; });
  }
}

TEST_F(Replay, ARefusalNamesTheStep) {
  Json changed = trace();
  Json& life = changed["states"][2].at("private[0].life");
  life = life == 0 ? 1 : 0;
  const Outcome outcome = run({"replay", "-", "--json"}, changed.dump());
  EXPECT_EQ(outcome.code, kDisagree) << outcome.err;
  expect_words(object_of(outcome).value("reason", ""), {"step 2"});
  const Outcome text = run({"replay", "-"}, changed.dump());
  EXPECT_EQ(text.code, kDisagree) << text.err;
  expect_words(text.out, {"does not replay", "step 2"});
}

TEST_F(Replay, AnotherPathDoesNotReplay) {
  expect_refused([](Json& t) { t["states"].erase(t["states"].size() - 1); });
  expect_refused([](Json& t) { t["states"].erase(3); });
  expect_refused([](Json& t) { t["states"].erase(0); });
  expect_refused([](Json& t) { t["states"].push_back(Json(t["states"].back())); });
  expect_refused([](Json& t) { t["states"][2]["#meta"]["action"] = {99, 0}; });
  expect_refused([](Json& t) { t["states"][2]["#meta"]["action"] = {0, 9999}; });
  expect_refused([](Json& t) { t["#meta"]["property"] = "locking"; });
  expect_refused([](Json& t) { t["#meta"]["checked"] = "locking"; });
  expect_refused([](Json& t) { t["#meta"]["bug"] = ""; });
}

TEST_F(Replay, AValueOutOfRangeIsNoTrace) {
  const auto name = trace().at("vars").at(0).get<std::string>();
  for (const Json& value : {Json(4'000'000'000U), Json(std::uint64_t{1} << 32), Json(-1), Json(0.5),
                            Json("0"), Json(nullptr), Json(false)}) {
    SCOPED_TRACE(value.dump());
    const Outcome outcome = replay([&](Json& t) { t["states"][1][name] = value; });
    expect_error(outcome, kInput, {name});
  }
}

TEST_F(Replay, AnIncompleteTraceIsNone) {
  const auto name = trace().at("vars").at(0).get<std::string>();
  expect_error(replay([&](Json& t) { t["states"][1].erase(name); }), kInput, {name});
  expect_no_trace([](Json& t) { t["states"] = Json::array(); });
  expect_no_trace([](Json& t) { t["states"][1] = nullptr; });
  expect_no_trace([](Json& t) { t["states"][1].erase("#meta"); });
  expect_no_trace([](Json& t) { t["states"][1]["#meta"]["action"] = {0}; });
  expect_no_trace([](Json& t) { t.erase("#meta"); });
  expect_no_trace([](Json& t) { t["#meta"].erase("bounds"); });
  expect_no_trace([](Json& t) { t["#meta"].erase("property"); });
}

TEST_F(Replay, ATraceOfWhatIsNotHere) {
  expect_error(replay([](Json& t) { t["#meta"]["model"] = "ioasid/none"; }), kInput,
               {"ioasid/none", "ioasid/plain"});
  expect_error(replay([](Json& t) { t["#meta"]["bug"] = "none"; }), kInput, {"'none'"});
  expect_error(replay([](Json& t) { t["#meta"]["property"] = "none"; }), kInput, {"property"});
  expect_error(replay([](Json& t) { t["#meta"]["checked"] = "none"; }), kInput, {"'none'"});
  expect_error(replay([](Json& t) { t["#meta"]["bounds"]["threads"] = 77; }), kInput, {"77"});
  expect_error(replay([](Json& t) { t["#meta"]["bounds"]["none"] = 1; }), kInput, {"none"});
  expect_no_trace([](Json& t) { t["#meta"]["bounds"]["threads"] = 3; });
}

// Numbers that would fit if they were cut short.
TEST_F(Replay, NumbersAreNotCutShort) {
  ASSERT_EQ(trace().at("#meta").at("bounds").at("threads"), 2);
  EXPECT_EQ(replay([](Json& t) { t["#meta"]["bounds"]["threads"] = 2.9; }).code, kInput);
  const auto huge = [](Json& t) { t["#meta"]["bounds"]["threads"] = (std::uint64_t{1} << 32) + 2; };
  EXPECT_EQ(replay(huge).code, kInput);
  const auto process = trace()["states"][1]["#meta"]["action"][0].get<unsigned>();
  const auto edit = [&](Json& t) { t["states"][1]["#meta"]["action"][0] = process + 65536; };
  EXPECT_NE(replay(edit).code, kViolated);
}

}  // namespace
}  // namespace iommucheck::cli
