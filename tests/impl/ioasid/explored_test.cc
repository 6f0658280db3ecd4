// SPDX-License-Identifier: MIT
// The allocator's own code under every schedule of a few calls.
#include <gtest/gtest.h>

#include <set>

#include "checker/schedule/replay.h"
#include "checker/schedule/systematic.h"
#include "impl/ioasid/explored/mutants.h"
#include "spec/ioasid/make_call.h"

namespace iommucheck::ioasid::explored {
namespace {

using namespace calls;  // NOLINT(google-build-using-namespace)

const Scenario& written(const std::string& name) {
  for (const Scenario& scenario : written_scenarios()) {
    if (scenario.name == name) return scenario;
  }
  throw std::out_of_range{name};
}

class Written : public testing::TestWithParam<Scenario> {};

TEST_P(Written, IsExplainedUnderEverySchedule) {
  const Result result = explore(GetParam());
  EXPECT_TRUE(result.statistics.exhausted);
  for (const auto& report : result.reports)
    ADD_FAILURE() << report.kind << ": " << report.message << " [" << report.schedule << "]";
  for (const auto& history : result.unexplained)
    ADD_FAILURE() << history.history << " [" << history.schedule << "]";
  // Or nothing was judged.
  EXPECT_GT(result.histories, 1U);
  // One is about waiting: its allocation may come when the set is gone.
  EXPECT_EQ(result.excused != 0, GetParam().name == "set-found-again");
  EXPECT_GT(result.sites.size(), 5U);
}

TEST_P(Written, IsExplainedWhereAllocationsFail) {
  Scenario scenario = GetParam();
  // Whole, it takes as long as all others together.
  if (scenario.name == "custom") scenario.preemptions = 1;
  const Result result = explore(scenario, {.failing_allocations = true});
  EXPECT_TRUE(result.statistics.exhausted);
  for (const auto& report : result.reports)
    ADD_FAILURE() << report.kind << ": " << report.message << " [" << report.schedule << "]";
  for (const auto& history : result.unexplained)
    ADD_FAILURE() << history.history << " [" << history.schedule << "]";
  EXPECT_EQ(result.excused != 0, scenario.name == "set-found-again");
  // Where something is allocated, both answers are there.
  for (const char* name : {"sets-come", "custom", "spid-moves", "find-free-deferred"}) {
    if (scenario.name != name) continue;
    EXPECT_GT(result.without_memory, 0U);
    EXPECT_LT(result.without_memory, result.histories);
  }
}

INSTANTIATE_TEST_SUITE_P(All, Written, testing::ValuesIn(written_scenarios()),
                         [](const auto& scenario) {
                           std::string name = scenario.param.name;
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name;
                         });

// A thread's first section has to have its slot, and ends the program without: read_section.h.
TEST(FailingAllocations, InAFirstSectionAreReported) {
  const Result result =
      explore(written("find-free"), {.failing_allocations = true, .attach_readers = false});
  ASSERT_FALSE(result.reports.empty());
  EXPECT_EQ(result.reports.front().kind, "exception");
}

// What is written where an allocation has failed, and nowhere else, is needed.
TEST(FailingAllocations, ShowWhatIsForgottenBehindThem) {
  Scenario scenario = written("custom");
  scenario.preemptions = 1;
  std::set<AtomicSite> sites;
  for (const AtomicSite& site : explore(scenario, {.failing_allocations = true}).sites)
    if (site.write) sites.insert(site);
  for (const AtomicSite& site : explore(scenario).sites) sites.erase(site);
  unsigned found = 0;
  for (const AtomicSite& site : sites) {
    const std::uintptr_t pc = site.pc;
    const Place place = places_of({&pc, 1}).front();
    if (place.function.starts_with("give_slot_back")) continue;  // of slots that all have at first
    Options options{.dropped = pc, .failing_allocations = true};
    options.limits.executions = 2000;
    options.limits.steps = 2000;
    EXPECT_FALSE(explore(scenario, options).clean()) << place.function << ' ' << place.line;
    ++found;
  }
  EXPECT_GT(found, 0U);
}

TEST(Generated, PairsAreExplainedUnderEverySchedule) {
  const std::vector<Scenario> pairs = generated_scenarios(2);
  ASSERT_GT(pairs.size(), 600U);
  std::uint64_t executions = 0;
  for (const Scenario& scenario : pairs) {
    Options options;
    const Result result = explore(scenario, options);
    SCOPED_TRACE(scenario.name + ": " + scenario.sentence);
    EXPECT_TRUE(result.clean());
    EXPECT_TRUE(result.statistics.exhausted);
    EXPECT_EQ(result.excused, 0U);
    executions += result.statistics.executions;
  }
  EXPECT_GT(executions, 10'000U);
}

/// To their ends they take hours: every 16th one, and what comes first.
TEST(Generated, TriplesAreExplainedWhereTheyAreLookedAt) {
  const std::vector<Scenario> triples = generated_scenarios(3);
  ASSERT_GT(triples.size(), 7000U);
  Options options;
  options.limits.executions = 60;
  std::uint64_t executions = 0;
  for (std::size_t i = 0; i < triples.size(); i += 16) {
    const Result result = explore(triples[i], options);
    SCOPED_TRACE(triples[i].name + ": " + triples[i].sentence);
    EXPECT_TRUE(result.clean());
    EXPECT_EQ(result.excused, 0U);
    executions += result.statistics.executions;
  }
  EXPECT_GT(executions, 10'000U);
}

TEST(Searches, AgreeOnSmallScenarios) {
  for (const char* name : {"find-free", "find-free-deferred", "set-data", "last-put", "publish"}) {
    SCOPED_TRACE(name);
    const auto with = [&](schedule::Reduction reduction, std::optional<unsigned> preemptions) {
      Options options;
      options.strategy = [=] {
        return std::make_unique<schedule::Systematic>(
            schedule::SystematicOptions{reduction, preemptions, {}});
      };
      const Result result = explore(written(name), options);
      EXPECT_TRUE(result.statistics.exhausted);
      EXPECT_TRUE(result.clean());
      return result;
    };
    const Result dpor = with(schedule::Reduction::dpor, {});
    const Result sleep = with(schedule::Reduction::sleep_sets, {});
    EXPECT_EQ(dpor.statistics.complete, sleep.statistics.complete);
    EXPECT_EQ(dpor.histories, sleep.histories);
    // Every interleaving would take hours: those with one preemption.
    const Result few = with(schedule::Reduction::dpor, 1);
    const Result all = with(schedule::Reduction::none, 1);
    EXPECT_EQ(few.histories, all.histories);
    EXPECT_LE(few.statistics.executions, all.statistics.executions);
  }
}

TEST(Schedules, RepeatAReport) {
  Options options;
  options.limits.stop_at_first_report = true;
  std::uintptr_t weakened = 0;
  Result found;
  for (const AtomicSite& site : explore(written("set-data")).sites) {
    options.weakened = weakened = site.pc;
    found = explore(written("set-data"), options);
    if (!found.reports.empty()) break;
  }
  ASSERT_FALSE(found.reports.empty());
  Options again;
  again.weakened = weakened;
  again.strategy = [&] {
    return std::make_unique<schedule::Replay>(
        schedule::parse_schedule(found.reports.front().schedule));
  };
  const Result repeated = explore(written("set-data"), again);
  ASSERT_FALSE(repeated.reports.empty());
  EXPECT_EQ(repeated.reports.front().kind, found.reports.front().kind);
}

TEST(Scenarios, ThatNameWhatIsNotThereAreRefused) {
  Scenario scenario = written("set-data");
  scenario.threads[0][0].args.set = 3;
  EXPECT_THROW(explore(scenario), std::invalid_argument);
  scenario = written("set-data");
  scenario.threads.assign(5, {free_id(0)});
  EXPECT_THROW(explore(scenario), std::invalid_argument);
}

/// "FreeMap::open in Allocator::put" is "open": what is inlined where, and whether classes are
/// named, is the compiler's.
std::string plain_name(const Mutant& mutant) {
  std::string name = mutant.place.function.substr(0, mutant.place.function.find(" in "));
  return name.substr(name.rfind(':') + 1);
}

schedule::Limits small() {
  schedule::Limits limits;
  limits.executions = 1000;
  limits.steps = 2000;  // waiting for what does not come
  return limits;
}

TEST(Mutants, OfWhatIsWrittenAreNoticed) {
  const std::vector<Mutant> mutants = try_mutants(written_scenarios(), Change::dropped, small());
  // Each with its reason in docs/our-allocator.md.  clang makes several copies of a loop
  // (close, claim_slot in attach_reader), and not each of them matters.
  const std::set<std::string> explained{
      "open",          "close", "bury", "recycle", "give_slot_back", "wait_for_readers",
      "attach_reader", "make"};
  std::size_t noticed = 0;
  for (const Mutant& mutant : mutants) {
    noticed += mutant.noticed_by.empty() ? 0 : 1;
    EXPECT_TRUE(!mutant.noticed_by.empty() || explained.contains(plain_name(mutant)))
        << mutant.place.function;
  }
  EXPECT_GE(noticed, 42U);
}

TEST(Mutants, OfMemoryOrdersAreNoticed) {
  std::vector<Scenario> few;
  for (const char* name : {"publish", "find-free", "set-data", "readers"})
    few.push_back(written(name));
  std::set<std::string> noticed;
  for (const Mutant& mutant : try_mutants(few, Change::relaxed, small())) {
    if (!mutant.noticed_by.empty()) noticed.insert(plain_name(mutant));
  }
  for (const char* needed :
       {"set_data", "~ReadSection", "view", "claim_slot", "give_slot_back", "wait_for_readers"})
    EXPECT_TRUE(noticed.contains(needed)) << needed;
}

}  // namespace
}  // namespace iommucheck::ioasid::explored
