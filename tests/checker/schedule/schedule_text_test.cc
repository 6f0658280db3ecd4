// SPDX-License-Identifier: MIT
// Schedules as text: there and back, and what is no schedule; and repeating one that does not fit.
#include "checker/schedule/schedule_text.h"

#include <gtest/gtest.h>

#include <random>

#include "checker/schedule/engine.h"
#include "checker/schedule/replay.h"
#include "tests/checker/schedule/programs.h"
#include "tests/checker/schedule/seed.h"

namespace iommucheck::schedule {
namespace {

Schedule random_schedule(std::mt19937_64& random) {
  Schedule schedule;
  for (std::uint64_t runs = random() % 8; runs > 0; --runs) {
    ScheduleStep step;
    step.thread = std::to_string(1 + random() % 15);
    while (random() % 4 == 0) step.thread += '.' + std::to_string(1 + random() % 12);
    if (random() % 3 == 0) step.alternative = static_cast<std::uint16_t>(random());
    schedule.steps.insert(schedule.steps.end(), 1 + random() % 20, step);
  }
  while (random() % 3 != 0) schedule.promoted.push_back(random() >> (random() % 60));
  return schedule;
}

TEST(ScheduleText, ThereAndBack) {
  std::size_t steps = 0, promoted = 0;
  for (std::uint64_t seed = first_seed(); seed < first_seed() + 1000; ++seed) {
    std::mt19937_64 random{seed};
    const Schedule schedule = random_schedule(random);
    const std::string text = to_text(schedule);
    ASSERT_EQ(parse_schedule(text), schedule) << text << ", IOMMUCHECK_SEED=" << seed;
    ASSERT_EQ(to_text(parse_schedule(text)), text);
    ASSERT_EQ(text.find_first_of("\n\t"), std::string::npos);
    steps += schedule.steps.size();
    promoted += schedule.promoted.size();
  }
  EXPECT_GT(steps, 10'000U);
  EXPECT_GT(promoted, 500U);
}

TEST(ScheduleText, IsShort) {
  const Schedule schedule = parse_schedule("1 1 1 2 2 1/0 1/1 1/1 1.1 !2a");
  EXPECT_EQ(to_text(schedule), "1x3 2x2 1 1/1 1/1 1.1 !2a");
  EXPECT_EQ(context_switches(schedule), 3U);
  EXPECT_EQ(context_switches({}), 0U);
  EXPECT_EQ(to_text({}), "");
  EXPECT_TRUE(parse_schedule(" \t\r\n").steps.empty());
}

struct Refused {
  const char* text;
  const char* why;
};

class NoSchedule : public testing::TestWithParam<Refused> {};

TEST_P(NoSchedule, IsRefusedAndSaysWhere) {
  try {
    static_cast<void>(parse_schedule(GetParam().text));
    FAIL() << "was taken for a schedule: " << GetParam().text;
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string{error.what()}.find(GetParam().why), std::string::npos)
        << error.what() << "\nwanted: " << GetParam().why;
  }
}

INSTANTIATE_TEST_SUITE_P(
    , NoSchedule,
    testing::Values(Refused{"1 hello 2", "'hello' at character 3 does not begin with a thread"},
                    Refused{"x3", "'x3' at character 1 does not begin with a thread"},
                    Refused{"1 0x3", "'0x3' at character 3 does not begin with a thread"},
                    Refused{"01", "does not begin with a thread"},
                    Refused{"1..2", "does not begin with a thread"},
                    Refused{".1", "does not begin with a thread"},
                    Refused{"1.", "does not begin with a thread"},
                    Refused{"1.0", "does not begin with a thread"},
                    Refused{"-1", "does not begin with a thread"},
                    Refused{"1  2x", "'2x' at character 4 has '' in place of a number"},
                    Refused{"1x2y", "has '2y' in place of a number"},
                    Refused{"1x-2", "has '-2' in place of a number"},
                    Refused{"1/1x3", "has '1x3' in place of a number"},
                    Refused{"1x3/1", "has '3/1' in place of a number"},
                    Refused{"1/", "has '' in place of a number"},
                    Refused{"1x0", "has a number out of range"},
                    Refused{"1x10000001", "has a number out of range"},
                    Refused{"1x99999999999999999999", "has a number out of range"},
                    Refused{"1/65536", "has a number out of range"},
                    Refused{"1x9999999 2x2", "'2x2' at character 11 makes the schedule too long"},
                    Refused{"1 !", "'!' at character 3 has '' in place of a number"},
                    Refused{"1 !xyz", "has 'xyz' in place of a number"},
                    Refused{"!11111111111111111", "has a number out of range"},
                    Refused{"1 !2a 2", "'2' at character 7 comes behind memory"}));

// ---- repeating ----

Statistics replay(const std::string& program, const std::string& schedule) {
  Engine engine;
  return engine.explore(programs::program(program), {},
                        [&] { return std::make_unique<Replay>(parse_schedule(schedule)); });
}

/// What is said about a schedule that does not fit.
std::string refusal(const std::string& program, const std::string& schedule) {
  try {
    replay(program, schedule);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "nothing";
}

TEST(Replayed, AScheduleIsOneExecution) {
  EXPECT_EQ(replay("writers-3", "1x2 2x2 3x2").executions, 1U);
  EXPECT_EQ(replay("writers-3", "3 2 1 3 1").complete, 1U);  // it ends as it likes
  EXPECT_EQ(replay("writers-3", "").steps, 6U);
}

TEST(Replayed, AScheduleThatDoesNotFitIsRefused) {
  constexpr const char* kBegin = "the schedule does not fit: ";
  for (const auto& [program, schedule, why] :
       {std::array{"writers-3", "1x3", "at its step 3 thread 1 cannot go on"},
        std::array{"writers-3", "4", "at its step 1 thread 4 cannot go on"},
        std::array{"writers-3", "1 1.1", "at its step 2 thread 1.1 cannot go on"},
        std::array{"locked-3", "1x2 2x2", "at its step 4 thread 2 cannot go on"},
        std::array{"writers-3", "1x2 2x2 3x2 1", "it has 7 steps, and the execution ends behind 6"},
        std::array{"writers-3", "1/1", "its step 1 takes an alternative, and thread 1 has no"},
        std::array{"choices", "1 1/3", "its step 2 takes alternative 3 of 3"}}) {
    const std::string said = refusal(program, schedule);
    EXPECT_EQ(said.find(kBegin), 0U) << said;
    EXPECT_NE(said.find(why), std::string::npos) << said << "\nwanted: " << why;
  }
  EXPECT_EQ(refusal("choices", "1 1/2"), "nothing");
}

}  // namespace
}  // namespace iommucheck::schedule
