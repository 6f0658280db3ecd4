// SPDX-License-Identifier: MIT
// iommucheck prove: the invariants at small bounds, and certificates that another solver re-checks.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "tests/cli/command.h"

namespace iommucheck::cli {
namespace {

const char* const kSmallProof =
    "prove ioasid --pasids 1 --sets 1 --data 1 --clients 1 --ops 1 --notifiers 0 --spids 0 "
    "--tokens 0 --capacity 1";

TEST(Prove, TheInvariantsOfTheSpecification) {
  const Json object = ask(kGood, split(kSmallProof));
  EXPECT_EQ(object.at("verdict"), "proved");
  EXPECT_EQ(object.at("scope").at("model"), "spec/ioasid");
  EXPECT_EQ(object["scope"].at("bounds").at("pasids"), 1);
  EXPECT_GT(object.at("seconds").get<double>(), 0);
  std::set<std::string> proved;
  for (const auto& property : object.at("properties")) {
    EXPECT_EQ(property.at("verdict"), "proved") << property.at("name");
    EXPECT_TRUE(property.at("counterexamples").empty()) << property.at("name");
    proved.insert(property.at("name").get<std::string>());
  }
  std::set<std::string> expected;
  for (const auto& spec : listed("specs")) {
    if (spec.at("name") != "ioasid") continue;
    for (const auto& property : spec.at("properties")) {
      expected.insert(property.at("name").get<std::string>());
    }
  }
  EXPECT_EQ(proved, expected);
}

TEST(Prove, TextNamesEachProperty) {
  const Outcome outcome = run(split(kSmallProof));
  EXPECT_EQ(outcome.code, kGood);
  EXPECT_EQ(outcome.err, "");
  expect_words(outcome.out, {"proved: spec/ioasid", "pasids 1", "quotas-balance", "Z3"});
}

/// The files of a certificate, by the object that prove printed, which must be there.
std::vector<std::string> certify(const Folder& folder) {
  const auto directory = folder.file("certificate");
  const Json object = ask(kGood, split(kSmallProof, {"--certificate", directory}));
  std::vector<std::string> files;
  for (const auto& name : object.at("certificate")) {
    files.push_back((std::filesystem::path{directory} / name.get<std::string>()).string());
    EXPECT_TRUE(std::filesystem::is_regular_file(files.back())) << files.back();
  }
  EXPECT_EQ(files.size(), object.at("obligations").get<std::size_t>());
  return files;
}

TEST(Prove, ACertificateIsSmtLib) {
  const Folder folder;
  const auto files = certify(folder);
  EXPECT_GT(files.size(), 3U);
  for (const auto& file : files) {
    SCOPED_TRACE(file);
    expect_words(read(file), {"(set-logic", "(assert", "(check-sat)"});
  }
}

TEST(Prove, AnotherSolverAgrees) {
  if (run_program("cvc5", {"--version"}).code != 0) {
    GTEST_SKIP() << "skipped: cvc5 is not installed (apt-get install cvc5)";
  }
  const Folder folder;
  for (const auto& file : certify(folder)) {
    const Outcome solved = run_program("cvc5", {"--tlimit=20000", file});
    EXPECT_EQ(solved.out, "unsat\n") << file << '\n' << solved.err;
  }
}

TEST(Prove, ACertificateThatCannotBeWrittenIsAnError) {
  const Folder folder;
  const auto file = folder.write("file", "not a directory\n");
  const Outcome outcome = run(split(kSmallProof, {"--certificate", file}));
  expect_error(outcome, kInput, {file});
  EXPECT_EQ(outcome.err.find("internal error"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace iommucheck::cli
