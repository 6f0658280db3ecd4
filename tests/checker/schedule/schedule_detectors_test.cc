// SPDX-License-Identifier: MIT
// Every detector: programs where it fires, and programs that look alike and where it must not.
#include <gtest/gtest.h>

#include "checker/schedule/client.h"
#include "checker/schedule/replay.h"
#include "checker/schedule/systematic.h"
#include "tests/checker/schedule/programs.h"

namespace iommucheck::schedule {
namespace {

using programs::Expectation;

Limits limits() {
  Limits limits;
  limits.executions = 200'000;
  limits.steps = 500;
  limits.accesses = 10'000;
  return limits;
}

std::vector<Report> explore(const std::string& name, Reduction reduction) {
  Engine engine;
  const Statistics statistics = engine.explore(programs::program(name), limits(), [&] {
    return std::make_unique<Systematic>(SystematicOptions{reduction, {}, {}});
  });
  EXPECT_TRUE(statistics.exhausted);
  return engine.reports();
}

std::vector<Report> replay(const std::string& name, const Report& report) {
  Engine engine;
  std::vector<Schedule> schedules;
  for (const std::string& other : report.others) schedules.push_back(parse_schedule(other));
  schedules.push_back(parse_schedule(report.schedule));
  engine.explore(programs::program(name), limits(),
                 [&] { return std::make_unique<Replay>(schedules); });
  return engine.reports();
}

std::set<std::string> kinds(const std::vector<Report>& reports) {
  std::set<std::string> all;
  for (const Report& report : reports) all.insert(report.kind);
  return all;
}

/// What two reports of the same thing have in common.
std::string key(const Report& report) {
  return report.kind + ' ' + report.message + ' ' +
         std::to_string(std::min(report.here.pc[0], report.other.pc[0])) + ' ' +
         std::to_string(std::max(report.here.pc[0], report.other.pc[0]));
}

std::string text(const std::vector<Report>& reports) {
  std::string all;
  for (const Report& report : reports) {
    all += report.kind + ": " + report.message + " [" + report.schedule + "]\n";
  }
  return all;
}

class Detectors : public testing::TestWithParam<Expectation> {};

TEST_P(Detectors, ReportWhatIsThereAndNothingElse) {
  const std::vector<Report> reports = explore(GetParam().name, Reduction::dpor);
  EXPECT_EQ(kinds(reports), GetParam().kinds) << text(reports);
}

TEST_P(Detectors, AgreeWithAllInterleavings) {
  const std::vector<Report> reports = explore(GetParam().name, Reduction::none);
  EXPECT_EQ(kinds(reports), GetParam().kinds) << text(reports);
}

TEST_P(Detectors, SchedulesReplay) {
  for (const Report& report : explore(GetParam().name, Reduction::dpor)) {
    const std::vector<Report> again = replay(GetParam().name, report);
    EXPECT_TRUE(std::any_of(again.begin(), again.end(),
                            [&](const Report& other) { return key(other) == key(report); }))
        << text({report}) << "replayed:\n"
        << text(again);
  }
}

INSTANTIATE_TEST_SUITE_P(, Detectors, testing::ValuesIn(programs::expectations()),
                         [](const testing::TestParamInfo<Expectation>& which) {
                           return which.param.name;
                         });

// ---- what a report says ----

TEST(Reports, ShowBothPlacesAndTheObject) {
  for (const Report& report : explore("uaf_unordered", Reduction::dpor)) {
    EXPECT_NE(report.here.count, 0U);
    EXPECT_NE(report.allocated.count, 0U);
    EXPECT_NE(report.message.find("an object of 16 bytes"), std::string::npos) << report.message;
  }
}

TEST(Reports, InversionsThroughOneLockFunctionAreTwo) {
  EXPECT_EQ(explore("two_inversions", Reduction::dpor).size(), 2U);
}

TEST(Reports, ASetUpThatEndsInOneIsRefused) {
  Program program;
  program.setup = [] { ck_report_fatal("BUG", "the set-up is wrong"); };
  program.threads.push_back({"CPU0", [](void*) {}, nullptr});
  Engine engine;
  const auto run = [&] {
    engine.explore(program, {}, [] { return std::make_unique<Systematic>(SystematicOptions{}); });
  };
  try {
    run();
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "the set-up ends in a report: BUG, the set-up is wrong");
  }
  // Nothing of it is left behind.
  program.setup = nullptr;
  EXPECT_NO_THROW(run());
  EXPECT_TRUE(engine.reports().empty());
}

TEST(Reports, OneEngineExploresAgainAndFindsTheSame) {
  for (const char* name : {"deadlock_ab_ba", "uaf_unordered", "race_plain", "leak"}) {
    SCOPED_TRACE(name);
    Engine engine;
    std::vector<std::string> first;
    for (int round = 0; round < 2; ++round) {
      const Statistics statistics = engine.explore(programs::program(name), limits(), [&] {
        return std::make_unique<Systematic>(SystematicOptions{});
      });
      std::vector<std::string> found{std::to_string(statistics.executions)};
      for (const Report& report : engine.reports()) {
        found.push_back(key(report) + ' ' + report.schedule);
      }
      if (round == 0) first = found;
      EXPECT_EQ(found, first);
    }
  }
}

}  // namespace
}  // namespace iommucheck::schedule
