// SPDX-License-Identifier: MIT
// The search over several ranks, which are threads here, answers what it answers alone.
#include <gtest/gtest.h>

#include <filesystem>

#include "checker/explicit/explicit.h"
#include "checker/explicit/journal.h"
#include "tests/checker/explicit/oracle.h"
#include "tests/checker/explicit/random_machine.h"
#include "tests/checker/mpi/thread_exchange.h"

namespace iommucheck::checker {
namespace {

namespace fs = std::filesystem;
using Fault = ThreadRanks::Fault;

Options small() {
  Options options;
  options.jobs = 1;
  options.initial_slots = 1;  // the visited set grows while messages arrive
  return options;
}

/// The answers of all ranks.
std::vector<Exploration> explore_over(unsigned ranks, const ConcreteFactory& factory,
                                      const Options& options, std::size_t states_per_message = 7,
                                      Fault fault = Fault::none) {
  std::vector<Exploration> answers(ranks);
  ThreadRanks(ranks, states_per_message, fault).run([&](Exchange& exchange) {
    Options own = options;
    own.exchange = &exchange;
    if (!own.journal.empty()) own.journal += fmt::format("/rank-{}", exchange.rank());
    answers[exchange.rank()] = explore(factory, own);
  });
  return answers;
}

void expect_same(const ConcreteFactory& factory, const Options& options) {
  const Answer alone = answer(explore(factory, options));
  for (const unsigned ranks : {1U, 2U, 3U, 5U}) {
    for (const Exploration& one : explore_over(ranks, factory, options)) {
      ASSERT_EQ(answer(one), alone) << ranks << " ranks";
      ASSERT_EQ(one.traffic->ranks, ranks);
    }
  }
}

TEST(Exchange, Grid) { expect_same(make<Grid>(3U, 20U, 0U), small()); }
TEST(Exchange, WideGrid) { expect_same(make<Grid>(3U, 15U, 11U), small()); }
TEST(Exchange, Violation) { expect_same(make<MinedGrid>(4U, 8U, 6U, 2U), small()); }
TEST(Exchange, Deadlock) { expect_same(make<Philosophers>(7U, false, false), small()); }
TEST(Exchange, WaitCycle) { expect_same(make<Philosophers>(7U, true, true), small()); }
TEST(Exchange, Fingerprints) {
  Options options = small();
  options.kept = Kept::fingerprints;
  expect_same(make<MinedGrid>(3U, 12U, 9U, 5U), options);
}
TEST(Exchange, LevelsThatWereForgotten) {
  Options options = small();
  options.keep_bytes = 1;
  expect_same(make<MinedGrid>(4U, 8U, 6U, 0U), options);
}

TEST(Exchange, RandomMachines) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    Options options = small();
    options.stop_at_violation = seed % 2 == 0;
    const auto machine = make<RandomMachine<Concrete>>(seed);
    const Answer alone = answer(explore(machine, options));
    for (const Exploration& one : explore_over(2 + seed % 3, machine, options, 1 + seed % 5))
      ASSERT_EQ(answer(one), alone) << "seed " << seed;
  }
}

TEST(Exchange, LostStatesAreMissed) {
  const auto machine = make<Grid>(3U, 20U, 0U);
  for (const Exploration& one : explore_over(3, machine, small(), 7, Fault::lost))
    EXPECT_LT(one.states, 21U * 21 * 21);
}

TEST(Exchange, MarksThatOvertakeAreMissed) {
  const auto machine = make<Grid>(3U, 20U, 0U);
  for (const Exploration& one : explore_over(3, machine, small(), 1000, Fault::overtaken))
    EXPECT_TRUE(one.states != 21U * 21 * 21 || one.depth != 60);
}

TEST(Exchange, OneLimitStopsAll) {
  Options options = small();
  options.limits.states = 2000;
  const auto all = explore_over(3, make<Grid>(3U, 20U, 0U), options);
  for (const Exploration& one : all) {
    EXPECT_EQ(one.verdict, Verdict::unknown);
    EXPECT_NE(one.reason.find("--max-states"), std::string::npos) << one.reason;
    EXPECT_EQ(one.states, all[0].states);
    EXPECT_LT(one.states, 21U * 21 * 21);
  }
}

class ExchangeJournal : public testing::Test {
 protected:
  ExchangeJournal() {
    std::string name = (fs::temp_directory_path() / "iommucheck-test-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    directory_ = name;
  }
  ~ExchangeJournal() override { fs::remove_all(directory_); }
  Options with_journal(bool resume) const {
    Options options = small();
    options.identity = "a grid on 3 ranks";
    options.journal = directory_;
    options.resume = resume;
    return options;
  }
  std::string directory_;
};

TEST_F(ExchangeJournal, RanksGoOnFromWhatAllHave) {
  const auto machine = make<MinedGrid>(3U, 10U, 8U, 2U);
  const Answer alone = answer(explore(machine, small()));
  ASSERT_EQ(answer(explore_over(3, machine, with_journal(false))[0]), alone);
  // Each time one rank's journal ends somewhere else; one is lost altogether.
  for (const std::uint64_t parts : {0U, 1U, 2U, 3U}) {
    const fs::path file = fs::path(directory_) / fmt::format("rank-{}", parts % 3) / "levels";
    fs::resize_file(file, fs::file_size(file) * parts / 4);
    for (const Exploration& one : explore_over(3, machine, with_journal(true)))
      ASSERT_EQ(answer(one), alone) << parts << " quarters";
  }
}

}  // namespace
}  // namespace iommucheck::checker
