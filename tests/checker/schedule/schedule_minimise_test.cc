// SPDX-License-Identifier: MIT
// Minimisation: long random schedules are cut to the minimum that is known.
#include "checker/schedule/minimise.h"

#include <gtest/gtest.h>

#include "checker/schedule/random.h"
#include "checker/schedule/replay.h"
#include "tests/checker/schedule/programs.h"
#include "tests/checker/schedule/seed.h"

namespace iommucheck::schedule {
namespace {

/// The first report of a kind that random schedules show.
std::optional<Report> random_report(const Program& program, const std::string& kind,
                                    std::uint64_t seed) {
  Engine engine;
  Limits limits;
  limits.executions = 1500;
  engine.explore(program, limits, [&] { return std::make_unique<RandomWalk>(seed); });
  for (const Report& report : engine.reports()) {
    if (report.kind == kind && report.others.empty()) return report;
  }
  return std::nullopt;
}

/// What the schedule shows in an engine of its own.
bool shows(const Program& program, const Schedule& schedule, const Wanted& wanted) {
  Engine engine;
  engine.explore(program, {}, [&] { return std::make_unique<Replay>(schedule); });
  return std::any_of(engine.reports().begin(), engine.reports().end(), wanted);
}

struct KnownLength {
  const char* program;
  const char* kind;
  std::size_t switches, steps;
};

void PrintTo(const KnownLength& known, std::ostream* out) { *out << known.program; }

class Minima : public testing::TestWithParam<KnownLength> {};

TEST_P(Minima, AreReachedFromRandomSchedules) {
  const Program program = programs::program(GetParam().program);
  std::size_t longer = 0, seeds = 0;
  for (std::uint64_t seed = first_seed(); seed < first_seed() + 5; ++seed) {
    SCOPED_TRACE("IOMMUCHECK_SEED=" + std::to_string(seed));
    const std::optional<Report> report = random_report(program, GetParam().kind, seed);
    if (!report) continue;
    ++seeds;
    const Schedule schedule = parse_schedule(report->schedule);
    const Wanted wanted = same_place(*report);
    const Minimised minimum = minimise(program, schedule, wanted);
    EXPECT_EQ(context_switches(minimum.schedule), GetParam().switches)
        << to_text(minimum.schedule) << " of " << report->schedule;
    EXPECT_EQ(minimum.schedule.steps.size(), GetParam().steps)
        << to_text(minimum.schedule) << " of " << report->schedule;
    EXPECT_TRUE(minimum.fewest_switches);
    EXPECT_TRUE(minimum.shortest);
    EXPECT_TRUE(wanted(minimum.report));
    EXPECT_TRUE(shows(program, minimum.schedule, wanted)) << to_text(minimum.schedule);
    longer += context_switches(schedule) > GetParam().switches;
  }
  EXPECT_GT(seeds, 2U);
  EXPECT_GT(longer, 0U) << "nothing had to be cut";
}

// Each thread's first step is its start.
INSTANTIATE_TEST_SUITE_P(
    , Minima,
    testing::Values(
        // Start and read 0; start and write 1; read.
        KnownLength{"two-preemptions", "bug", 2, 5},
        // A: start, lock a; B: start, lock b, asks for a; A asks for b.
        KnownLength{"deadlock_ab_ba", "deadlock", 1, 4},
        // The writers' noise, and 40 steps of a thread that has no part in it, are gone.
        KnownLength{"noisy-bug", "bug", 2, 5},
        KnownLength{"null_between", "NULL dereference", 2, 5},
        KnownLength{"dead_and_others", "saw one", 1, 4}),
    [](const testing::TestParamInfo<KnownLength>& known) {
      std::string name = known.param.program;
      for (char& letter : name) letter = letter == '-' ? '_' : letter;
      return name;
    });

TEST(Minimise, WithoutExecutionsForTheSearchItStillMerges) {
  const Program program = programs::program("noisy-bug");
  const std::optional<Report> report = random_report(program, "bug", first_seed());
  ASSERT_TRUE(report);
  const Schedule schedule = parse_schedule(report->schedule);
  const Minimised merged = minimise(program, schedule, same_place(*report), {100, 20'000});
  EXPECT_LE(merged.executions, 100U);
  EXPECT_LT(context_switches(merged.schedule), context_switches(schedule));
  EXPECT_TRUE(shows(program, merged.schedule, same_place(*report)));
  const Minimised same = minimise(program, schedule, same_place(*report), {1, 20'000});
  EXPECT_EQ(to_text(same.schedule), report->schedule);
  EXPECT_FALSE(same.fewest_switches);
  EXPECT_FALSE(same.shortest);
}

/// Of the execution that the schedule is.
History history_of(const Program& program, const Schedule& schedule) {
  Engine engine;
  engine.explore(program, {}, [&] { return std::make_unique<Replay>(schedule); });
  return engine.histories().all().at(0);
}

std::vector<History> random_histories(const Program& program) {
  Engine engine;
  Limits limits;
  limits.executions = 1500;
  engine.explore(program, limits, [] { return std::make_unique<RandomWalk>(first_seed()); });
  return engine.histories().all();
}

TEST(Minimise, AnswersAreReachedByTheFewestSwitches) {
  const Program program = programs::program("noisy-answer");
  std::vector<History> all = random_histories(program);
  std::erase_if(all, [](const History& one) { return one.calls[0].result != "0 1"; });
  ASSERT_FALSE(all.empty());
  for (const History& one : all) {
    const Schedule schedule = parse_schedule(one.schedule);
    EXPECT_GT(context_switches(schedule), 10U);
    const Minimised small = minimise_history(program, schedule);
    // Two, four, two, four, and each thread of noise in one go.
    EXPECT_EQ(context_switches(small.schedule), 5U) << to_text(small.schedule);
    EXPECT_TRUE(history_of(program, small.schedule).is_same(one)) << to_text(small.schedule);
  }
}

TEST(Minimise, AScheduleThatDoesNotShowTheReportIsRefused) {
  const Program program = programs::program("two-preemptions");
  const auto bug = [](const Report& report) { return report.kind == "bug"; };
  EXPECT_THROW(minimise(program, parse_schedule("1x3 2x3"), bug), std::invalid_argument);
  EXPECT_NO_THROW(minimise(program, parse_schedule("1x2 2x2 1"), bug));
}

}  // namespace
}  // namespace iommucheck::schedule
