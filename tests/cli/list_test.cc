// SPDX-License-Identifier: MIT
// iommucheck list: one object that names everything there is, consistently.
#include <gtest/gtest.h>

#include <set>

#include "tests/cli/command.h"

namespace iommucheck::cli {
namespace {

/// The names of a list of objects, which must differ.
std::set<std::string> names_of(const Json& list) {
  std::set<std::string> names;
  for (const auto& entry : list) {
    const auto name = entry.at("name").get<std::string>();
    EXPECT_FALSE(name.empty());
    EXPECT_EQ(name.find_first_of(" \t\n"), std::string::npos) << "'" << name << "' is no one word";
    EXPECT_TRUE(names.insert(name).second) << name << " is there twice";
  }
  return names;
}

void expect_sentences(const Json& list) {
  for (const auto& entry : list) EXPECT_NE(entry.at("sentence").get<std::string>(), "");
}

void expect_bounds(const Json& bounds) {
  EXPECT_FALSE(bounds.empty());
  for (const auto& [name, bound] : bounds.items()) {
    SCOPED_TRACE("--" + name);
    EXPECT_LE(bound.at("min").get<unsigned>(), bound.at("default").get<unsigned>());
    EXPECT_LE(bound.at("default").get<unsigned>(), bound.at("max").get<unsigned>());
    EXPECT_NE(bound.at("sentence").get<std::string>(), "");
  }
}

TEST(List, NamesAreUnique) {
  const Json all = ask(kGood, {"list"});
  EXPECT_FALSE(names_of(all.at("designs")).empty());
  EXPECT_FALSE(names_of(all.at("specs")).empty());
  EXPECT_FALSE(names_of(all.at("targets")).empty());
  for (const auto& design : all.at("designs")) {
    SCOPED_TRACE(design.at("name").get<std::string>());
    EXPECT_FALSE(names_of(design.at("bugs")).empty());
    EXPECT_FALSE(names_of(design.at("properties")).empty());
  }
}

TEST(List, EveryBugHasItsPropertyAndBounds) {
  const Json all = ask(kGood, {"list"});
  for (const auto& design : all.at("designs")) {
    const auto properties = names_of(design.at("properties"));
    const Json& bounds = design.at("bounds");
    for (const auto& bug : design.at("bugs")) {
      SCOPED_TRACE(design.at("name").get<std::string>() + " " + bug.at("name").get<std::string>());
      EXPECT_NE(bug.at("class").get<std::string>(), "");
      EXPECT_NE(bug.at("source").get<std::string>(), "");
      EXPECT_TRUE(properties.contains(bug.at("property").get<std::string>()));
      for (const auto& [name, value] : bug.at("bounds").items()) {
        ASSERT_TRUE(bounds.contains(name)) << "--" << name;
        EXPECT_GE(value.get<unsigned>(), bounds[name].at("min").get<unsigned>()) << "--" << name;
        EXPECT_LE(value.get<unsigned>(), bounds[name].at("max").get<unsigned>()) << "--" << name;
      }
    }
  }
}

TEST(List, PropertiesAndBoundsAreDescribed) {
  const Json all = ask(kGood, {"list"});
  for (const auto* kind : {"designs", "specs"}) {
    for (const auto& model : all.at(kind)) {
      SCOPED_TRACE(model.at("name").get<std::string>());
      expect_sentences(model.at("properties"));
      expect_bounds(model.at("bounds"));
    }
  }
  expect_sentences(all.at("designs"));
}

TEST(List, PropertiesAreOfSafetyOrLiveness) {
  const Json all = ask(kGood, {"list"});
  for (const auto& design : all.at("designs")) {
    std::set<std::string> live;
    for (const auto& property : design.at("properties")) {
      EXPECT_TRUE(property.at("kind") == "safety" || property.at("kind") == "liveness");
      if (property.at("kind") == "liveness") live.insert(property.at("name").get<std::string>());
    }
    // The reference model promises nothing for the long run, as its peers do not.
    if (design.at("name") == "reference") continue;
    EXPECT_TRUE(live.contains("every-call-returns"));
    EXPECT_FALSE(design.at("fairness").at("weak").empty());
    EXPECT_GT(design["fairness"].at("strong").size(), design["fairness"]["weak"].size());
  }
}

TEST(List, TextNamesTheSame) {
  const Json all = ask(kGood, {"list"});
  const Outcome text = run({"list"});
  EXPECT_EQ(text.code, kGood);
  EXPECT_EQ(text.err, "");
  for (const auto& design : all.at("designs")) {
    expect_words(text.out, {design.at("name").get<std::string>()});
    for (const auto* kind : {"bugs", "properties"}) {
      for (const auto& name : names_of(design.at(kind))) expect_words(text.out, {name});
    }
    for (const auto& [name, bound] : design.at("bounds").items()) {
      expect_words(text.out, {"--" + name});
    }
    EXPECT_TRUE(design.at("sorts").contains("threads"));
    for (const auto& [name, size] : design.at("sorts").items())
      expect_words(text.out, {name + " (" + std::to_string(size.get<unsigned>()) + ")"});
  }
}

TEST(List, HelpNamesTheCommands) {
  for (const auto* word : {"help", "--help", "-h"}) {
    const Outcome help = run({word});
    EXPECT_EQ(help.code, kGood);
    EXPECT_EQ(help.err, "");
    expect_words(help.out,
                 {"list", "check", "prove", "kernel", "replay", "verify", "bench", "Exit codes"});
  }
}

}  // namespace
}  // namespace iommucheck::cli
