// SPDX-License-Identifier: MIT
// iommucheck compare: designs side by side.
#include <gtest/gtest.h>

#include <set>

#include "tests/cli/command.h"

namespace iommucheck::cli {
namespace {

TEST(Compare, DesignsAndTheirKernelBugs) {
  const Json object = ask(kGood, split("compare sva/pasid-lib attach/* --threads 1"));
  std::set<std::string> designs;
  for (const auto& design : object.at("designs")) {
    designs.insert(design.at("scope").at("model").get<std::string>());
    EXPECT_EQ(design.at("verdict"), "holds");
    EXPECT_EQ(design.at("scope").at("bounds").at("threads"), 1);
    EXPECT_FALSE(design.at("properties").empty());
    EXPECT_FALSE(design.at("bugs").empty());
    for (const auto& bug : design.at("bugs")) {
      EXPECT_NE(bug.at("source"), "mutant");
      EXPECT_EQ(bug.at("verdict"), "violated") << bug.at("name");
      EXPECT_GT(bug.at("steps").get<unsigned>(), 0U);
    }
  }
  EXPECT_EQ(designs, (std::set<std::string>{"sva/pasid-lib", "attach/group"}));
}

TEST(Compare, TheTableHasACellForEachDesignAndProperty) {
  const Outcome outcome = run(split("compare sva/pasid-lib --mutants"));
  EXPECT_EQ(outcome.code, kGood);
  EXPECT_EQ(outcome.err, "");
  expect_words(outcome.out,
               {"| property | sva/pasid-lib |",
                "| no-stale-translation | holds; "
                "release-leaves-entries: violated (15 steps) |",
                "| register-is-current | -; stale-cpu-pasid: violated", "2667ed10d9f0"});
}

TEST(Compare, RefusesWhatItCannotCompare) {
  const auto refused = [](const std::string& words, const std::vector<std::string_view>& expected) {
    const Outcome outcome = run(split(words));
    EXPECT_EQ(outcome.code, kUsage) << words;
    EXPECT_EQ(outcome.out, "") << words;
    expect_words(outcome.err, expected);
  };
  refused("compare", {"compare needs designs"});
  refused("compare nothing/*", {"no (other) design matches 'nothing/*'"});
  // A bound that one of them does not have would be ignored there.
  refused("compare sva/* --groups 1", {"--groups"});
  refused("compare sva/pasid-lib --threads 9", {"--threads 9", "1 to 4"});
  refused("compare sva/pasid-lib --symmetry nobody", {"nobody"});
}

}  // namespace
}  // namespace iommucheck::cli
