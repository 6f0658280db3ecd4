// SPDX-License-Identifier: MIT
// iommucheck check: its object, its exit codes, its limits, its trace file; and the same answer
// from any number of jobs.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "tests/cli/command.h"

namespace iommucheck::cli {
namespace {

const char* const kHoldingCommand = "check ioasid/plain --threads 1 --pasids 1 --sets 1";
const char* const kBugCommand = "check ioasid/plain --bug find-without-rcu";

void expect_scope(const Json& scope, const std::string& model, const Json& bug) {
  EXPECT_EQ(scope.at("model"), model);
  EXPECT_EQ(scope.at("bug"), bug);
  EXPECT_EQ(scope.at("property"), "all");
  EXPECT_EQ(scope.at("engine"), "explicit");
  EXPECT_EQ(scope.at("memory_model"), "sequentially consistent");
  EXPECT_TRUE(scope.contains("states_stored"));
  EXPECT_GE(scope.at("bounds").at("threads").get<unsigned>(), 1U);
}

void expect_counts(const Json& object) {
  EXPECT_GT(object.at("states").get<std::uint64_t>(), 1U);
  EXPECT_GT(object.at("transitions").get<std::uint64_t>(), 1U);
  EXPECT_GT(object.at("depth").get<unsigned>(), 1U);
  EXPECT_GT(object.at("seconds").get<double>(), 0);
  EXPECT_GT(object.at("states_per_second").get<double>(), 0);
  EXPECT_GT(object.at("bytes_per_state").get<double>(), 0);
  std::set<std::string> labels;
  std::uint64_t taken = 0;
  for (const auto& step : object.at("coverage")) {
    EXPECT_NE(step.at("program").get<std::string>(), "");
    labels.insert(step.at("label").get<std::string>());
    taken += step.at("taken").get<std::uint64_t>();
  }
  EXPECT_GT(labels.size(), 3U);
  EXPECT_GT(taken, 0U);
}

TEST(Check, ADesignThatHolds) {
  const Json object = ask(kGood, split(kHoldingCommand));
  EXPECT_EQ(object.at("verdict"), "holds");
  expect_scope(object.at("scope"), "ioasid/plain", nullptr);
  for (const auto* bound : {"threads", "pasids", "sets"}) {
    EXPECT_EQ(object["scope"]["bounds"].at(bound), 1) << bound;
  }
  expect_counts(object);
  EXPECT_TRUE(object.at("trace").is_null());
}

TEST(Check, EveryBoundIsInTheScope) {
  const Json object = ask(kGood, split(kHoldingCommand));
  for (const auto& design : listed("designs")) {
    if (design.at("name") != "ioasid/plain") continue;
    for (const auto& [name, bound] : design.at("bounds").items()) {
      EXPECT_TRUE(object["scope"]["bounds"].contains(name)) << name;
    }
  }
}

TEST(Check, ABugIsViolated) {
  const Json object = ask(kViolated, split(kBugCommand));
  EXPECT_EQ(object.at("verdict"), "violated");
  expect_scope(object.at("scope"), "ioasid/plain", "find-without-rcu");
  expect_counts(object);
  EXPECT_EQ(object.at("property"), "no-use-after-free");
  EXPECT_NE(object.at("detail").get<std::string>(), "");
}

TEST(Check, ASliceIsInTheScope) {
  const Json object = ask(kGood, split("check reference --property in-range --slice --threads 1"));
  bool tlb = false;
  for (const auto& name : object.at("scope").at("sliced"))
    tlb = tlb || name.get<std::string>().find(".tlb") != std::string::npos;
  EXPECT_TRUE(tlb) << object["scope"];
  const Json all = ask(kGood, split("check reference --property in-range --threads 1"));
  EXPECT_FALSE(all.at("scope").contains("sliced"));
  EXPECT_LT(object.at("states"), all.at("states"));
}

TEST(Check, ASlicedTraceReplays) {
  const auto file = std::filesystem::temp_directory_path() /
                    ("iommucheck-test-" + std::to_string(getpid()) + ".itf.json");
  const Json all = ask(kViolated, split(kBugCommand));
  const Json object = ask(kViolated, split(kBugCommand + (" --slice --trace " + file.string())));
  EXPECT_EQ(object.at("trace").at("states").size(), all.at("trace").at("states").size());
  EXPECT_EQ(run({"replay", file.string()}).code, 1);
  std::filesystem::remove(file);
}

// The disk changes what is reported of the disk, and nothing else.
TEST(Check, OnDiskTheCountsAreTheSame) {
  const auto directory =
      std::filesystem::temp_directory_path() / ("iommucheck-test-" + std::to_string(getpid()));
  const std::string command = "check ioasid/plain --max-memory 26M";
  const Json object = ask(kGood, split(command + " --disk " + directory.string()));
  EXPECT_GT(object.at("disk").at("runs").get<unsigned>(), 0U);
  EXPECT_GT(object.at("disk").at("key_bytes").get<std::uint64_t>(), 0U);
  EXPECT_EQ(object.at("states"), 1'042'975);
  EXPECT_EQ(object.at("transitions"), 3'085'406);
  EXPECT_EQ(object.at("depth"), 57);
  EXPECT_EQ(ask(kUnknown, split("check ioasid/plain --max-memory 26M")).at("verdict"), "unknown");
  std::filesystem::remove_all(directory);
}

TEST(Check, ATraceIsInItf) {
  const Json trace = ask(kViolated, split(kBugCommand)).at("trace");
  const Json& meta = trace.at("#meta");
  EXPECT_EQ(meta.at("format"), "ITF");
  EXPECT_EQ(meta.at("model"), "ioasid/plain");
  EXPECT_EQ(meta.at("bug"), "find-without-rcu");
  std::set<std::string> variables;
  for (const auto& name : trace.at("vars")) variables.insert(name.get<std::string>());
  EXPECT_EQ(variables.size(), trace["vars"].size());
  std::size_t index = 0;
  for (const auto& state : trace.at("states")) {
    EXPECT_EQ(state.size(), variables.size() + 1);
    EXPECT_EQ(state.at("#meta").at("index"), index);
    for (const auto& name : variables) EXPECT_TRUE(state.contains(name)) << name;
    if (index != 0) {
      for (const auto* what : {"process", "program", "label"}) {
        EXPECT_NE(state["#meta"].at(what).get<std::string>(), "") << what;
      }
    }
    ++index;
  }
  EXPECT_GT(index, 1U);
}

TEST(Check, TextSaysTheSame) {
  const Outcome holds = run(split(kHoldingCommand));
  EXPECT_EQ(holds.code, kGood);
  EXPECT_EQ(holds.err, "");
  expect_words(holds.out, {"holds: ioasid/plain", "threads 1", "sequentially consistent",
                           "all properties", "coverage"});
  const Outcome violated = run(split(kBugCommand));
  EXPECT_EQ(violated.code, kViolated);
  EXPECT_EQ(violated.err, "");
  expect_words(violated.out, {"violated: ioasid/plain with bug find-without-rcu", "counterexample",
                              "CPU0", "CPU1", "ioasid_find()", "no-use-after-free"});
}

TEST(Check, AnOptionMayHaveItsValueAfterEquals) {
  const Json object = ask(kGood, split("check --threads=1 ioasid/plain --pasids=1 --sets=1"));
  EXPECT_EQ(object.at("scope").at("bounds").at("threads"), 1);
}

TEST(Check, ABoundOfZeroToOneIsASwitch) {
  const auto any_free = [](const char* options) {
    const Json object = ask(kGood, split("check reference --threads 1 --pasids 3", split(options)));
    return object.at("scope").at("bounds").at("any-free").get<unsigned>();
  };
  EXPECT_EQ(any_free(""), 0U);
  EXPECT_EQ(any_free("--any-free"), 1U);
  EXPECT_EQ(any_free("--any-free --users 1"), 1U);
  EXPECT_EQ(any_free("--any-free 1"), 1U);
  EXPECT_EQ(any_free("--any-free=0"), 0U);
}

TEST(Check, TheSpecificationIsAModelToo) {
  const Json object =
      ask(kGood, split("check spec/ioasid --pasids 1 --sets 1 --clients 1 --ops 1"));
  EXPECT_EQ(object.at("verdict"), "holds");
  EXPECT_EQ(object.at("scope").at("model"), "spec/ioasid");
}

TEST(Check, OnePropertyAlone) {
  const Json object = ask(kViolated, split(kBugCommand, {"--property", "no-use-after-free"}));
  EXPECT_EQ(object.at("scope").at("property"), "no-use-after-free");
  EXPECT_EQ(object.at("property"), "no-use-after-free");
  EXPECT_EQ(ask(kGood, split(kBugCommand, {"--property", "no-deadlock"})).at("verdict"), "holds");
}

TEST(Check, SymmetryVisitsLessAndSaysSo) {
  const auto* command = "check ioasid/plain --threads 2 --pasids 2 --sets 1 --calls 2";
  const Json full = ask(kGood, split(command));
  EXPECT_TRUE(full.at("scope").at("symmetry").empty());
  EXPECT_EQ(full.at("states_without_symmetry"), full.at("states"));
  const Json reduced = ask(kGood, split(command, {"--symmetry", "pasids,threads"}));
  EXPECT_EQ(reduced.at("scope").at("symmetry"), Json::array({"pasids", "threads"}));
  EXPECT_EQ(reduced.at("states_without_symmetry"), full.at("states"));
  EXPECT_EQ(reduced.at("depth"), full.at("depth"));
  EXPECT_LT(reduced.at("states").get<double>() * 3, full.at("states").get<double>());
  const Outcome text = run(split(command, {"--symmetry", "pasids,threads"}));
  expect_words(text.out, {"up to permutations of pasids, threads", "times as many"});
  const Json both = ask(kViolated, split(kBugCommand, {"--symmetry", "all", "--engine", "both"}));
  EXPECT_EQ(both.at("symbolic").at("agrees"), true);
}

struct Limit {
  const char* option;
  const char* value;
  const char* bounds;
};

TEST(Check, AtALimitTheVerdictIsUnknown) {
  for (const Limit& limit :
       {Limit{"--max-states", "10", "--threads 2"}, Limit{"--max-memory", "1K", "--threads 2"},
        Limit{"--max-seconds", "1", "--threads 4 --pasids 4"}}) {
    const Words words =
        split(std::string{"check ioasid/plain "} + limit.bounds, {limit.option, limit.value});
    const Json object = ask(kUnknown, words);
    EXPECT_EQ(object.at("verdict"), "unknown");
    expect_words(object.at("reason").get<std::string>(), {limit.option});
    EXPECT_TRUE(object.at("trace").is_null());
  }
}

TEST(Check, AtALimitTheTextSaysSo) {
  const Outcome outcome = run(split("check ioasid/plain --max-states 10"));
  EXPECT_EQ(outcome.code, kUnknown);
  expect_words(outcome.out, {"unknown: ioasid/plain", "reason:", "--max-states"});
}

/// What the contract lets differ from run to run is left out.
std::string without_times(Json object) {
  for (const auto* key : {"seconds", "states_per_second", "bytes_per_state"}) {
    EXPECT_EQ(object.erase(key), 1U) << key;
  }
  return object.dump(1);
}

TEST(Check, JobsDoNotChangeTheAnswer) {
  struct Run {
    int code;
    const char* command;
  };
  for (const Run& run : {Run{kGood, "check ioasid/plain --pasids 1"},
                         Run{kGood, "check ioasid/refcounted --pasids 1 --sets 1"},
                         Run{kViolated, "check ioasid/plain --bug private-freed-after-free"},
                         Run{kViolated, "check ioasid/refcounted --bug put-without-lock"},
                         Run{kGood, "check ioasid/refcounted --pasids 1 --symmetry all"},
                         Run{kViolated, "check ioasid/sets --bug token-kept"},
                         Run{kViolated, "check ioasid/sets --bug token-kept --symmetry all"}}) {
    const auto one = without_times(ask(run.code, split(run.command, {"--jobs", "1"})));
    for (const auto* jobs : {"1", "2", "5"}) {
      SCOPED_TRACE(std::string{run.command} + " --jobs " + jobs);
      const auto more = without_times(ask(run.code, split(run.command, {"--jobs", jobs})));
      EXPECT_TRUE(one == more) << one.substr(0, 1500) << "\n...\n" << more.substr(0, 1500);
    }
  }
}

TEST(Check, ATraceFileHasTheTraceOfTheAnswer) {
  const Folder folder;
  const auto file = folder.file("trace.itf.json");
  for (const auto* engine : {"explicit", "symbolic"}) {
    SCOPED_TRACE(engine);
    Words words = split("check ioasid/plain --bug synchronize-rcu-under-lock --engine");
    words.insert(words.end(), {engine, "--trace", file});
    const Json object = ask(kViolated, words);
    EXPECT_EQ(Json::parse(read(file)), object.at("trace"));
    std::filesystem::remove(file);
  }
}

TEST(Check, NoTraceFileWithoutATrace) {
  const Folder folder;
  const auto file = folder.file("trace.itf.json");
  ask(kGood, split(kHoldingCommand, {"--trace", file}));
  EXPECT_FALSE(std::filesystem::exists(file));
}

TEST(Check, ATraceThatCannotBeWrittenIsAnError) {
  const Folder folder;
  const std::string no_directory = folder.file("none/trace.json");
  const std::string a_directory = folder.file("");
  for (const std::string& file : {std::string{"/dev/full"}, no_directory, a_directory}) {
    for (const auto* engine : {"explicit", "symbolic"}) {
      Words words = split("check ioasid/plain --bug synchronize-rcu-under-lock --json --engine");
      words.insert(words.end(), {engine, "--trace", file});
      SCOPED_TRACE(join(words));
      expect_error(run(words), kInput, {"cannot be written", file});
    }
  }
}

TEST(Check, AFullDiskIsNoVerdict) {
  // Short answers fail when they are flushed at the end, long ones in the middle.
  for (const auto* command :
       {"help", "list", "list --json", "check ioasid/plain --bug find-without-rcu",
        "check ioasid/plain --bug find-without-rcu --json", "prove ioasid --pasids 1 --sets 0",
        "verify --no-kernel"}) {
    SCOPED_TRACE(command);
    const Outcome outcome =
        run_program("sh", {"-c", "exec \"$0\" " + std::string{command} + " > /dev/full", binary()});
    EXPECT_EQ(outcome.code, kOutput);
    EXPECT_EQ(outcome.err,
              "iommucheck: standard output cannot be written: No space left on device\n");
  }
}

TEST(Check, AFullStandardErrorChangesNoExitCode) {
  const Outcome outcome = run_program(
      "sh", {"-c", "exec \"$0\" check ioasid/plain --threads 99 2> /dev/full", binary()});
  EXPECT_EQ(outcome.code, kUsage);
  EXPECT_EQ(outcome.out, "");
}

}  // namespace
}  // namespace iommucheck::cli
