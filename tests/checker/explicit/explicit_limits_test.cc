// SPDX-License-Identifier: MIT
// Limits end a search with `unknown`, a reason and the option that raises the limit.
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "checker/explicit/explicit.h"
#include "checker/explicit/state_store.h"
#include "checker/explicit/visited_set.h"
#include "tests/checker/explicit/machines.h"

namespace iommucheck::checker {
namespace {

void expect_unknown(const Exploration& e, const char* option) {
  EXPECT_EQ(e.verdict, Verdict::unknown);
  EXPECT_FALSE(e.path);
  EXPECT_NE(e.reason.find(option), std::string::npos) << e.reason;
}

class Limit : public testing::TestWithParam<unsigned> {
 protected:
  Limit() { options_.jobs = GetParam(); }
  Options options_;
};

TEST_P(Limit, States) {
  options_.limits.states = 1000;
  const Exploration e = explore(make<Grid>(3U, 99U), options_);
  expect_unknown(e, "--max-states");
  EXPECT_NE(e.reason.find("the limit of 1000 states"), std::string::npos) << e.reason;
  EXPECT_GT(e.states, 1000);
  EXPECT_LT(e.states, 100000);
  EXPECT_GT(e.transitions, 0);
  EXPECT_GT(e.depth, 0);
}

TEST_P(Limit, ExactlyAsManyStatesAsAllowed) {
  options_.limits.states = 11 * 11 * 11;
  EXPECT_EQ(explore(make<Grid>(3U, 10U), options_).verdict, Verdict::holds);
}

TEST_P(Limit, Memory) {
  options_.limits.memory_bytes = 1 << 20;
  options_.initial_slots = 1;
  const Exploration e = explore(make<Grid>(3U, 99U), options_);
  expect_unknown(e, "--max-memory");
  EXPECT_GT(e.states, 10000);
  EXPECT_LT(e.bytes_per_state() * static_cast<double>(e.states), 1.5 * (1 << 20));
}

// The set cannot be twice as large; but it is not quite full yet.
TEST(LimitOfOneJob, MemoryIsUsedToTheLast) {
  Options options;
  options.jobs = 1;
  const std::uint64_t set = explicit_state::VisitedSet(0, 4096, 0, true).bytes();
  const std::uint64_t states = explicit_state::StateStore::kChunkStates * 8;
  options.limits.memory_bytes = set + states + set / 8;
  options.initial_slots = 4096;
  const Exploration e = explore(make<Grid>(3U, 99U), options);
  expect_unknown(e, "--max-memory");
  EXPECT_GT(e.states, 4096 / 4 * 3);
  EXPECT_LT(e.states, 4096);
}

TEST_P(Limit, NoMemoryAtAll) {
  options_.limits.memory_bytes = 1;
  expect_unknown(explore(make<Grid>(3U, 99U), options_), "--max-memory");
}

TEST_P(Limit, Seconds) {
  options_.limits.seconds = 0.05;
  const auto begin = std::chrono::steady_clock::now();
  const Exploration e = explore(make<Grid>(6U, 60U), options_);
  expect_unknown(e, "--max-seconds");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

/// Once it has begun to count, a step throws what a machine that needs memory throws.
class Hungry : public Grid {
 public:
  Hungry() : Grid(3, 99) {
    code_.push_back({"grid", "eat", false, 0, [this](unsigned) {
                       if (cell_[0].value().word() == 8) throw std::bad_alloc();
                       context.require(false);
                     }});
  }
};

TEST_P(Limit, SystemWithoutMemory) {
  const Exploration e = explore(make<Hungry>(), options_);
  expect_unknown(e, "--max-memory");
  EXPECT_GE(e.depth, 8);
}

TEST_P(Limit, ViolationsFoundBeforeItCount) {
  options_.stop_at_violation = false;
  options_.limits.states = 50000;
  const Exploration e = explore(make<MinedGrid>(3U, 99U, 2U), options_);
  EXPECT_EQ(e.verdict, Verdict::violated);
  ASSERT_TRUE(e.path);
  EXPECT_EQ(e.path->steps.size(), 6);
}

INSTANTIATE_TEST_SUITE_P(Jobs, Limit, testing::Values(1, 3));

TEST(Progress, IsReportedNowAndThen) {
  std::vector<Progress> reports;
  Options options;
  options.jobs = 2;
  options.limits.seconds = 1.2;
  options.progress = [&](const Progress& p) { reports.push_back(p); };
  (void)explore(make<Grid>(6U, 60U), options);
  ASSERT_GE(reports.size(), 2);
  EXPECT_LE(reports.size(), 7);
  for (std::size_t i = 0; i < reports.size(); ++i) {
    EXPECT_GT(reports[i].states, i == 0 ? 0 : reports[i - 1].states);
    EXPECT_GT(reports[i].states_per_second, 0);
    EXPECT_GT(reports[i].depth, 0);
  }
}

TEST(Limits, DefaultMemoryIsPartOfWhatThereIs) {
  EXPECT_GT(default_memory_limit(), std::uint64_t{1} << 26);
  EXPECT_EQ(Options{}.limits.memory_bytes, default_memory_limit());
}

}  // namespace
}  // namespace iommucheck::checker
