// SPDX-License-Identifier: MIT
// Comparing checkers: every count that differs is seen, on every run, and nobody who failed or was
// not there has agreed.
#include <gtest/gtest.h>

#include <functional>

#include "bench/reference/comparison.h"

namespace iommucheck::bench {
namespace {

const Row kRow{RowSize::tiny, 1, 2, 1, 1, false, {100, 250, 7}};

/// A checker that answers what the test says, run by run.
class Scripted : public Checker {
 public:
  using Answer = std::function<Run(unsigned turn)>;
  Scripted(std::string name, std::string& log, Answer answer)
      : name_(std::move(name)), log_(log), answer_(std::move(answer)) {}
  std::string name() const override { return name_; }
  std::string how() const override { return "scripted"; }
  std::optional<std::string> missing() const override {
    return answer_ ? std::nullopt : std::optional<std::string>{"it is not there"};
  }
  void prepare(const Row&) override { log_ += name_ + "! "; }
  Run run() override {
    log_ += name_ + " ";
    return answer_(turn_++);
  }

 private:
  std::string name_;
  std::string& log_;
  Answer answer_;
  unsigned turn_ = 0;
};

Run right(double seconds = 1, std::uint64_t peak = 1000) {
  return {{100, 250, 7}, seconds, seconds, peak};
}

class Comparing : public testing::Test {
 protected:
  void add(const std::string& name, Scripted::Answer answer) {
    checkers_.push_back(std::make_unique<Scripted>(name, log_, std::move(answer)));
  }
  Comparison compared(unsigned repeat) { return compare(kRow, checkers_, repeat); }
  std::string log_;

 private:
  std::vector<std::unique_ptr<Checker>> checkers_;
};

TEST_F(Comparing, TakesTurnsAndPreparesOnce) {
  add("a", [](unsigned) { return right(); });
  add("b", [](unsigned) { return right(); });
  EXPECT_TRUE(compared(3).disagreements.empty());
  EXPECT_EQ(log_, "a! a b! b a b a b ");
}

TEST_F(Comparing, GivesMedians) {
  add("a", [](unsigned turn) { return right(turn == 1 ? 50 : 2 + turn, 1000 * (turn + 1)); });
  const auto row = compared(3);
  const Column& column = row.columns.at(0);
  EXPECT_EQ(column.seconds(), 4);
  EXPECT_EQ(column.peak_bytes(), 2000U);
  EXPECT_EQ(column.states_per_second(), 25);
  EXPECT_EQ(column.bytes_per_state(), 20);
}

TEST_F(Comparing, SeesEachCountThatDiffers) {
  add("states", [](unsigned) { return bench::Run{{101, 250, 7}, 1, 1, 1}; });
  add("transitions", [](unsigned) { return bench::Run{{100, 251, 7}, 1, 1, 1}; });
  add("depth", [](unsigned) { return bench::Run{{100, 250, 8}, 1, 1, 1}; });
  add("no depth", [](unsigned) { return bench::Run{{100, 250, std::nullopt}, 1, 1, 1}; });
  EXPECT_EQ(compared(1).disagreements,
            (std::vector<std::string>{"states finds states 101 instead of 100",
                                      "transitions finds transitions 251 instead of 250",
                                      "depth finds depth 8 instead of 7"}));
}

TEST_F(Comparing, SeesARunThatDiffersFromTheFirst) {
  add("a", [](unsigned turn) {
    bench::Run run = right();
    run.counts.states += turn / 2;
    return run;
  });
  EXPECT_EQ(compared(3).disagreements.size(), 1U);
}

TEST_F(Comparing, AFailureIsNoAgreementAndHasNoFigures) {
  add("a", [](unsigned turn) {
    if (turn == 1) throw CheckerError("out of memory");
    return right();
  });
  const auto row = compared(3);
  EXPECT_EQ(row.disagreements, std::vector<std::string>{"a failed: out of memory"});
  EXPECT_TRUE(row.columns.at(0).runs.empty());
  EXPECT_EQ(log_, "a! a a ") << "it is not tried again";
}

TEST_F(Comparing, WhoIsMissingIsSkipped) {
  add("a", [](unsigned) { return right(); });
  add("gone", {});
  const auto row = compared(1);
  EXPECT_TRUE(row.disagreements.empty());
  EXPECT_EQ(row.columns.at(1).skipped, "it is not there");
  EXPECT_TRUE(row.columns.at(1).runs.empty());
  EXPECT_EQ(log_, "a! a ");
}

}  // namespace
}  // namespace iommucheck::bench
