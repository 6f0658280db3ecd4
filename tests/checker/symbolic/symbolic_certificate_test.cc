// SPDX-License-Identifier: MIT
// Certificates are re-checked by cvc5, which sees what does not hold, too.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "checker/symbolic/smtlib.h"
#include "tests/checker/symbolic/ioasid.h"

namespace iommucheck::checker {
namespace {

class Certificate : public testing::Test {
 protected:
  void SetUp() override {
    if (std::system("command -v cvc5 > /dev/null") != 0) GTEST_SKIP() << "cvc5 is not installed";
    std::string name = testing::TempDir() + "iommucheck-certificate-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override {
    if (!directory_.empty()) std::filesystem::remove_all(directory_);
  }

  /// The exit code of proofs/recheck, which prints into output_.
  int recheck(const std::string& solver = "") {
    const std::filesystem::path log = directory_ / "log";
    const std::string command = std::string{RECHECK} + " " + directory_.string() + " " + solver +
                                " > " + log.string() + " 2>&1";
    const int status = std::system(command.c_str());
    std::stringstream text;
    text << std::ifstream(log).rdbuf();
    output_ = text.str();
    return WEXITSTATUS(status);
  }

  std::filesystem::path directory_;
  std::string output_;
};

TEST_F(Certificate, OfThreadsIsAccepted) {
  const Relation relation(both<Threads>(3U, 2U, false).symbolic);
  const auto names = write_certificate(relation, "threads", directory_);
  EXPECT_EQ(names.size(), 10U);
  EXPECT_EQ(names[0], "0000-initial.smt2");
  EXPECT_EQ(names[1], "0001-thread-test-lock.smt2");
  EXPECT_EQ(recheck(), 0) << output_;
  EXPECT_EQ(output_, "10 of 10 obligations are unsatisfiable, says cvc5\n");
}

TEST_F(Certificate, OfTheSpecificationIsAccepted) {
  const ioasid::Bounds bounds{.ids = 2,
                              .sets = 2,
                              .data = 1,
                              .clients = 2,
                              .ops = 3,
                              .notifiers = 1,
                              .spids = 1,
                              .tokens = 1,
                              .capacity = 2};
  const Relation relation(ioasid_spec(bounds).symbolic);
  const auto names = write_certificate(relation, "the IOASID specification", directory_);
  EXPECT_EQ(names.size(), 22U);
  EXPECT_EQ(recheck(), 0) << output_;
}

TEST_F(Certificate, OfAnInvariantThatIsNotInductiveIsRefused) {
  StriderOptions o;
  o.forbidden = 7;
  const Relation relation(both<Strider>(o).symbolic);
  (void)write_certificate(relation, "a number", directory_);
  EXPECT_EQ(recheck(), 1);
  EXPECT_NE(output_.find("0001-strider-n----stride.smt2: sat"), std::string::npos) << output_;
  EXPECT_NE(output_.find("2 of 3 obligations"), std::string::npos) << output_;
}

TEST_F(Certificate, OfABrokenInitialStateIsRefused) {
  StriderOptions o;
  o.from = 3;
  o.forbidden = 2;
  o.max = 9;
  const Relation relation(both<Strider>(o).symbolic);
  (void)write_certificate(relation, "a number", directory_);
  EXPECT_EQ(recheck(), 1);
  EXPECT_NE(output_.find("0000-initial.smt2: sat"), std::string::npos) << output_;
}

TEST_F(Certificate, OfAStepThatLeavesARangeIsRefused) {
  const Relation relation(both<Climber>(6U).symbolic);
  (void)write_certificate(relation, "a number", directory_);
  EXPECT_EQ(recheck(), 1) << output_;
}

TEST_F(Certificate, WithAFileMissingIsNoAnswer) {
  const Relation relation(both<Strider>(StriderOptions{}).symbolic);
  const auto names = write_certificate(relation, "a number", directory_);
  EXPECT_EQ(recheck(), 0) << output_;
  std::filesystem::remove(directory_ / names.back());
  EXPECT_EQ(recheck(), 2);
  EXPECT_NE(output_.find("missing"), std::string::npos) << output_;
  EXPECT_EQ(recheck("no-such-solver"), 2);
}

TEST_F(Certificate, ThatCannotBeWrittenSaysSo) {
  const Relation relation(both<Strider>(StriderOptions{}).symbolic);
  const auto file = directory_ / "file";
  std::ofstream(file) << "in the way";
  EXPECT_THROW((void)write_certificate(relation, "a number", file), std::runtime_error);
}

TEST(Smtlib, SaysWhatItIs) {
  const Relation relation(both<Strider>(StriderOptions{}).symbolic);
  const std::string text = smtlib_obligation(relation, relation.transitions()[0], "a number");
  EXPECT_EQ(text.find("; SPDX"), 0U);
  EXPECT_NE(text.find("; iommucheck: a number"), std::string::npos);
  EXPECT_NE(text.find("strider keeps the invariants: strider: n += stride."), std::string::npos);
  EXPECT_NE(text.find("; not-forbidden: The number is never the forbidden one."),
            std::string::npos);
  EXPECT_NE(text.find("; Expected: unsat"), std::string::npos);
}

}  // namespace
}  // namespace iommucheck::checker
