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
                "release-leaves-entries: violated (15 steps);",
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

TEST(Compare, WhatNoMutantBreaksIsMarked) {
  const Outcome outcome = run(split("compare sva/pasid-lib --mutants"));
  expect_words(outcome.out, {"| in-range | holds* |", "* no bug and no mutant"});
  // Without the mutants nobody has tried.
  const Outcome kernel_bugs_only = run(split("compare sva/pasid-lib"));
  EXPECT_EQ(kernel_bugs_only.out.find("holds*"), std::string::npos);
}

TEST(Compare, APageHasTheTableAndTheCounterexamples) {
  const Folder folder;
  const std::string file = folder.file("designs.html");
  const Outcome outcome = run({"compare", "sva/pasid-lib", "iopf/queue", "--page", file});
  EXPECT_EQ(outcome.code, kGood) << outcome.err;
  const std::string page = read(file);
  expect_words(page, {"<!DOCTYPE html>", "<th scope=\"col\"><a href=\"#iopf/queue\">",
                      "<a href=\"#iopf/queue--iopf-freed-before-drain\">",
                      "<details id=\"iopf/queue--iopf-freed-before-drain\">",
                      "(first the queue is left)", "PRQ -&gt; free", "docs/limits.md", "</html>"});
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find("http"), std::string::npos);
}

TEST(Compare, APageThatCannotBeWritten) {
  expect_error(run(split("compare sva/pasid-lib --page /nowhere/page.html")), kInput,
               {"/nowhere/page.html cannot be written"});
  expect_error(run(split("compare sva/pasid-lib --page")), kUsage, {"--page needs a value"});
}

}  // namespace
}  // namespace iommucheck::cli
