// SPDX-License-Identifier: MIT
// iommucheck explore: our own allocator under every schedule.
#include <gtest/gtest.h>

#include "tests/cli/command.h"
#include "tests/sanitized.h"

namespace iommucheck::cli {
namespace {

class Explore : public testing::Test {
 protected:
  void SetUp() override {
    if (!kSanitized) return;
    expect_error(run(split("explore ioasid")), kUsage, {"sanitizer", "preset"});
    GTEST_SKIP() << "this build has a sanitizer";
  }
};

TEST_F(Explore, ScenariosHold) {
  const Json answer = ask(kGood, split("explore ioasid --scenario find-free,set-data,last-id"));
  EXPECT_EQ(answer.at("verdict"), "holds");
  EXPECT_EQ(answer.at("scope").at("search"), "dpor");
  ASSERT_EQ(answer.at("scenarios").size(), 3U);
  const Json& first = answer["scenarios"][0];
  EXPECT_EQ(first.at("name"), "find-free");
  EXPECT_TRUE(first.at("preemptions").is_null());
  EXPECT_TRUE(first.at("exhausted"));
  EXPECT_GT(first.at("histories"), 1);
  EXPECT_TRUE(first.at("reports").empty());
  EXPECT_EQ(answer["scenarios"][2].at("preemptions"), 2) << "the bound is said";
}

TEST_F(Explore, WhatWasNotSearchedToTheEndIsUnknown) {
  const auto unknown = [](const char* words) {
    EXPECT_EQ(ask(kUnknown, split(words)).at("verdict"), "unknown") << words;
  };
  unknown("explore ioasid --scenario publish --executions 10");
  unknown("explore ioasid --scenario publish --search random --seed 3 --executions 50");
  unknown("explore ioasid --scenario set-data --schedule 1x3");
}

TEST_F(Explore, MutantsAreNoticed) {
  const Json answer = ask(kGood, split("explore ioasid --scenario set-data --mutants"));
  const auto killed = [](const Json& mutants) {
    std::size_t count = 0;
    for (const Json& mutant : mutants) count += mutant.at("killed").get<bool>() ? 1U : 0U;
    return count;
  };
  EXPECT_GT(killed(answer.at("dropped")), 1U);
  EXPECT_GT(killed(answer.at("relaxed")), 1U);
  EXPECT_LT(killed(answer["relaxed"]), answer["relaxed"].size());
}

TEST_F(Explore, UsageErrors) {
  const auto refused = [](const char* words, const std::vector<std::string_view>& message) {
    SCOPED_TRACE(words);
    expect_error(run(split(words)), kUsage, message);
  };
  refused("explore", {"what to explore", "ioasid"});
  refused("explore sva", {"'sva'", "ioasid", "kernel"});
  refused("explore ioasid --scenario none", {"'none'", "find-free", "pairs"});
  refused("explore ioasid --scenario pair-9999", {"'pair-9999'"});
  refused("explore ioasid --whole --preemptions 1", {"--whole", "--preemptions"});
  refused("explore ioasid --whole --search all", {"--whole", "dpor"});
  refused("explore ioasid --schedule 1x8", {"--scenario"});
  refused("explore ioasid --scenario set-data --schedule x", {"schedule"});
  refused("explore ioasid --mutants --search all", {"--mutants", "--search"});
  refused("explore ioasid --seed 3", {"--seed", "random"});
}

}  // namespace
}  // namespace iommucheck::cli
