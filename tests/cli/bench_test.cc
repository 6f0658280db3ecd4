// SPDX-License-Identifier: MIT
// iommucheck bench: the peers agree on tiny rows, and a peer with another model is found out.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/cli/command.h"

namespace iommucheck::cli {
namespace {

bool installed(const std::string& program) {
  return run_program("sh", {"-c", "command -v \"$0\" > /dev/null", program}).code == 0;
}

/// The Promela or the Murphi text with one change, which has to be possible.
std::string changed(const std::string& name, const std::string& what, const std::string& by) {
  std::string text = read(IOMMUCHECK_SOURCE "/bench/reference/" + name);
  const std::size_t at = text.find(what);
  if (at == std::string::npos) {
    ADD_FAILURE() << name << " has no '" << what << "'";
    return text;
  }
  return text.replace(at, what.size(), by);
}

const Words kTiny = split("bench --rows tiny --repeat 1");

/// The column of a checker in the first row.
Json column(const Json& object, const std::string& checker) {
  for (const auto& one : object.at("rows").at(0).at("checkers")) {
    if (one.at("checker") == checker) return one;
  }
  ADD_FAILURE() << "no column of " << checker;
  return Json::object();
}

/// Both policies of allocation are another text for either peer.
void expect_agreement(const std::string& peer, const std::string& name, const std::string& rows) {
  const Json object = ask(kGood, {"bench", "--repeat", "1", "--rows", rows, "--peers", peer});
  EXPECT_EQ(object.at("verdict"), "agree");
  EXPECT_EQ(object.at("compared"), "iommucheck, " + name);
  ASSERT_EQ(object.at("rows").size(), 1U);
  const Json& row = object["rows"][0];
  EXPECT_TRUE(row.at("disagreements").empty());
  ASSERT_EQ(row.at("checkers").size(), 2U);
  for (const auto& one : row["checkers"]) {
    EXPECT_EQ(one.at("states"), row.at("states"));
    EXPECT_EQ(one.at("transitions"), row.at("transitions"));
    EXPECT_GT(one.at("seconds").get<double>(), 0);
    EXPECT_GT(one.at("bytes_per_state").get<double>(), 1);
  }
  EXPECT_GT(row.at("memory_floor").at("ns_per_access").get<double>(), 0);
  EXPECT_GT(row["checkers"][1].at("ours_is_faster_by").get<double>(), 0);
}

void expect_disagreement(const std::string& peer, const std::string& name, const Words& more) {
  const Json object = ask(kDisagree, extend(extend(kTiny, {"--peers", peer}), more));
  EXPECT_EQ(object.at("verdict"), "disagree");
  const Json& said = object.at("rows").at(0).at("disagreements");
  ASSERT_EQ(said.size(), 1U);
  // One rule is gone that leads nowhere new with one thread: transitions tell, states do not.
  expect_words(said[0].get<std::string>(), {name, "transitions 25712 instead of 25792"});
}

void expect_failure(const std::string& peer, const std::string& name, const Words& more) {
  const Json object = ask(kDisagree, extend(extend(kTiny, {"--peers", peer}), more));
  EXPECT_EQ(object.at("verdict"), "disagree");
  expect_words(object.at("rows").at(0).at("disagreements").at(0).get<std::string>(),
               {name, "failed"});
  EXPECT_TRUE(column(object, name).contains("failed"));
  EXPECT_FALSE(column(object, name).contains("seconds"));
}

TEST(Bench, SpinAgrees) {
  if (!installed("spin") || !installed("gcc")) GTEST_SKIP() << "spin or gcc is not installed";
  expect_agreement("spin", "SPIN", "tiny");
  expect_agreement("spin", "SPIN", "tiny-any");
}

TEST(Bench, RumurAgrees) {
  if (!installed("rumur") || !installed("gcc")) GTEST_SKIP() << "rumur or gcc is not installed";
  expect_agreement("rumur", "Rumur", "tiny");
  expect_agreement("rumur", "Rumur", "tiny-any");
}

TEST(Bench, SpinWithAnotherModelIsFoundOut) {
  if (!installed("spin") || !installed("gcc")) GTEST_SKIP() << "spin or gcc is not installed";
  const Folder folder;
  const std::string text = changed("pasid.pml", ":: REAP(0) :: REAP(1)", "");
  expect_disagreement("spin", "SPIN", {"--promela", folder.write("other.pml", text)});
}

TEST(Bench, RumurWithAnotherModelIsFoundOut) {
  if (!installed("rumur") || !installed("gcc")) GTEST_SKIP() << "rumur or gcc is not installed";
  const Folder folder;
  const std::string text = changed("pasid.m.in", "rule \"reap\" pc[i]=idle", "rule \"reap\" false");
  expect_disagreement("rumur", "Rumur", {"--murphi", folder.write("other.m", text)});
}

TEST(Bench, APeerThatFailsHasNotAgreed) {
  if (!installed("rumur") || !installed("gcc")) GTEST_SKIP() << "rumur or gcc is not installed";
  const Folder folder;
  expect_failure("rumur", "Rumur", {"--murphi", folder.write("none.m", "no model\n")});
  // The invariant of the Murphi text is violated: Rumur stops, with fewer states.
  const std::string violated = changed("pasid.m.in", "undefine tlb[tdev[i]][mp[tmm[i]]];", "");
  expect_failure("rumur", "Rumur", {"--murphi", folder.write("violated.m", violated)});
}

TEST(Bench, APeerThatIsNotInstalledIsSkippedInSoManyWords) {
  const Words words = extend({binary()}, kTiny);
  const Outcome outcome = run_program("env", extend({"PATH=/nonexistent"}, words));
  EXPECT_EQ(outcome.code, kGood) << outcome.err;
  expect_words(outcome.out, {"SKIPPED: spin is not installed", "SKIPPED: rumur is not installed",
                             "not compared with SPIN, Rumur"});
}

TEST(Bench, AFileThatIsNotThereIsAnError) {
  const Folder folder;
  for (const auto* option : {"--promela", "--murphi"}) {
    const std::string file = folder.file("none");
    expect_error(run(extend(kTiny, {option, file})), kInput, {file, "cannot be read"});
  }
}

}  // namespace
}  // namespace iommucheck::cli
