// SPDX-License-Identifier: MIT
// Numbers of executions: known ones, and DPOR against sleep sets against everything.
#include <gtest/gtest.h>

#include "checker/schedule/systematic.h"
#include "tests/checker/schedule/programs.h"

namespace iommucheck::schedule {
namespace {

struct Outcome {
  Statistics statistics;
  std::vector<Report> reports;
  std::size_t histories = 0;
};

Outcome explore(const std::string& name, SystematicOptions options) {
  Engine engine;
  const Program program = programs::program(name);
  const Limits limits{2'000'000, 1e9, 20000, false};
  Outcome run;
  run.statistics =
      engine.explore(program, limits, [&] { return std::make_unique<Systematic>(options); });
  run.reports = engine.reports();
  run.histories = engine.histories().all().size();
  return run;
}

struct KnownCount {
  const char* name;
  std::uint64_t traces;
};

void PrintTo(const KnownCount& known, std::ostream* out) { *out << known.name; }

class KnownCounts : public testing::TestWithParam<KnownCount> {};

TEST_P(KnownCounts, Dpor) {
  const Outcome run = explore(GetParam().name, {Reduction::dpor, {}, {}});
  EXPECT_TRUE(run.statistics.exhausted);
  EXPECT_EQ(run.statistics.complete, GetParam().traces);
  for (const Report& report : run.reports) ADD_FAILURE() << report.kind << ": " << report.message;
}

TEST_P(KnownCounts, SleepSets) {
  const Outcome run = explore(GetParam().name, {Reduction::sleep_sets, {}, {}});
  EXPECT_TRUE(run.statistics.exhausted);
  EXPECT_EQ(run.statistics.complete, GetParam().traces);
}

INSTANTIATE_TEST_SUITE_P(, KnownCounts,
                         testing::Values(KnownCount{"writers-3", 6}, KnownCount{"writers-4", 24},
                                         KnownCount{"readers-3", 8}, KnownCount{"readers-8", 256},
                                         KnownCount{"apart-4", 1}, KnownCount{"lastzero-5", 64},
                                         KnownCount{"locked-3", 6}, KnownCount{"locked-4", 24},
                                         KnownCount{"nested-2", 2}, KnownCount{"rwsem-3", 8},
                                         KnownCount{"grace-1", 2}, KnownCount{"grace-2", 4},
                                         KnownCount{"try-1", 3}, KnownCount{"choices", 6},
                                         KnownCount{"lost-update", 4}, KnownCount{"message", 2}),
                         [](const testing::TestParamInfo<KnownCount>& known) {
                           std::string name = known.param.name;
                           for (char& letter : name) letter = letter == '-' ? '_' : letter;
                           return name;
                         });

}  // namespace
}  // namespace iommucheck::schedule
