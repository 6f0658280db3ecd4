// SPDX-License-Identifier: MIT
// The IOASID designs in the long run: what holds under which fairness, and the bugs that no state
// shows.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "checker/explicit/explicit.h"
#include "checker/liveness/liveness.h"
#include "model/registry.h"

namespace iommucheck::model {
namespace {

using checker::Assume;
using checker::Verdict;

checker::LivenessResult check(const std::string& name, const BoundValues& bounds, Assume assume,
                              const std::string& bug = "") {
  checker::LivenessOptions options;
  options.fairness = assume;
  return checker::check_liveness([&] { return design(name).concrete(bounds, bug); }, options);
}

/// The properties that are violated, by name.
std::vector<std::string> violated(const std::string& name, const BoundValues& bounds, Assume assume,
                                  const std::string& bug = "") {
  const auto machine = design(name).concrete(bounds, bug);
  std::vector<std::string> names;
  for (const auto& answer : check(name, bounds, assume, bug).answers) {
    EXPECT_NE(answer.verdict, Verdict::unknown);
    if (answer.verdict == Verdict::violated)
      names.push_back(machine->liveness()[answer.property].name);
  }
  return names;
}

using Names = std::vector<std::string>;
const Names kNone{};

TEST(IoasidLiveness, ShippedDesignsHoldUnderWeakFairness) {
  // Together they ask for everything: no property is left that never had to do anything.
  const std::vector<std::pair<const char*, BoundValues>> instances{
      {"ioasid/plain", {{"threads", 2}, {"pasids", 1}, {"sets", 1}}},
      {"ioasid/plain",
       {{"threads", 2}, {"pasids", 1}, {"sets", 1}, {"data", 0}, {"allocators", 1}}},
      {"ioasid/plain", {{"threads", 2}, {"pasids", 1}, {"sets", 1}, {"rcu-actor", 1}}},
      {"ioasid/refcounted", {{"threads", 2}, {"pasids", 1}, {"sets", 1}}},
      {"ioasid/sets", {{"threads", 2}, {"pasids", 1}, {"sets", 1}, {"calls", 4}}},
      {"ioasid/sets", {{"threads", 1}, {"pasids", 1}, {"sets", 1}, {"data", 0}, {"notifiers", 1}}},
  };
  std::map<std::pair<std::string, std::size_t>, std::uint64_t> pending;
  for (const auto& instance : instances) {
    const std::string name = instance.first;
    const BoundValues& bounds = instance.second;
    SCOPED_TRACE(name);
    const auto result = check(name, bounds, Assume::weak);
    EXPECT_EQ(result.verdict, Verdict::holds) << result.reason;
    for (const auto& answer : result.answers) pending[{name, answer.property}] += answer.pending;
    // The two engines explore the same machine.
    const auto safety = checker::explore([&] { return design(name).concrete(bounds, ""); });
    EXPECT_EQ(safety.verdict, Verdict::holds);
    EXPECT_EQ(safety.states, result.states);
    EXPECT_EQ(safety.transitions, result.transitions);
  }
  for (const auto& [property, states] : pending)
    EXPECT_GT(states, 0U) << property.first << " property " << property.second;
}

const BoundValues kTwo{{"threads", 2}, {"pasids", 1}, {"sets", 1}, {"data", 0}};

BoundValues with(BoundValues bounds, const char* name, unsigned value) {
  bounds[name] = value;
  return bounds;
}

TEST(IoasidLiveness, WithoutFairnessOneThreadKeepsTheOtherFromGoingOn) {
  EXPECT_EQ(violated("ioasid/plain", kTwo, Assume::none),
            (Names{"every-call-returns", "every-freed-id-comes-back", "every-grace-period-ends"}));
}

// A lock that is handed to anybody may never come to one who waits for it.
TEST(IoasidLiveness, ASpinlockStarvesItsCallersUnlessItIsFair) {
  const auto called = with(kTwo, "call-step", 1);
  EXPECT_EQ(violated("ioasid/plain", called, Assume::weak), Names{"every-call-returns"});
  EXPECT_EQ(violated("ioasid/plain", called, Assume::strong), kNone);
  // Who makes a few calls only does not starve anybody.
  EXPECT_EQ(violated("ioasid/plain", with(called, "calls", 2), Assume::weak), kNone);
  // Without the step, who waits for the lock has not called.
  EXPECT_EQ(violated("ioasid/plain", kTwo, Assume::weak), kNone);
}

// Whatever a call needs before it begins, it does not begin without it.
TEST(IoasidLiveness, CallsThatWaitForTheirLockAreSafeAndReturn) {
  const std::vector<std::pair<const char*, BoundValues>> instances{
      {"ioasid/plain", {{"pasids", 1}, {"sets", 1}}},
      {"ioasid/plain", {{"pasids", 1}, {"sets", 1}, {"data", 0}, {"allocators", 1}}},
      {"ioasid/refcounted", {{"pasids", 1}, {"sets", 1}}},
      {"ioasid/sets", {{"pasids", 1}, {"sets", 1}, {"calls", 3}, {"rcu-actor", 1}}},
      {"ioasid/sets", {{"threads", 1}, {"pasids", 1}, {"sets", 1}, {"notifiers", 1}, {"spids", 1}}},
  };
  for (const auto& instance : instances) {
    const std::string name = instance.first;
    const BoundValues bounds = with(instance.second, "call-step", 1);
    SCOPED_TRACE(name);
    EXPECT_EQ(violated(name, bounds, Assume::strong), kNone);
    const auto safety = checker::explore([&] { return design(name).concrete(bounds, ""); });
    EXPECT_EQ(safety.verdict, Verdict::holds);
  }
}

TEST(IoasidLiveness, InterruptsMayTakeAllTimeOfACpu) {
  const BoundValues bounds{{"threads", 1}, {"pasids", 1}, {"sets", 1}, {"interrupts", 1}};
  const Names weak = violated("ioasid/plain", bounds, Assume::weak);
  EXPECT_NE(std::find(weak.begin(), weak.end(), "every-call-returns"), weak.end());
  EXPECT_EQ(violated("ioasid/plain", bounds, Assume::strong), kNone);
}

TEST(IoasidLiveness, EveryBugOfThatKindIsFound) {
  std::set<std::string> broken;
  for (const auto* d : designs()) {
    // The yardstick promises nothing for the long run, as its peers do not; those of domains
    // promise nothing of their own.
    if (d->name().compare(0, 7, "ioasid/") != 0) continue;
    unsigned found = 0;
    for (const auto& bug : d->bugs()) {
      if (bug.kind != "liveness") continue;
      SCOPED_TRACE(d->name() + " " + bug.name);
      ++found;
      broken.insert(bug.property);
      const Names names = violated(d->name(), bug.bounds, Assume::weak, bug.name);
      EXPECT_NE(std::find(names.begin(), names.end(), bug.property), names.end());
      // The design as it is does not violate the property there.
      const Names without = violated(d->name(), bug.bounds, Assume::weak);
      EXPECT_EQ(without, kNone);
      // No state shows it; but who waits for itself is in a deadlock as well.
      const auto safety = checker::explore([&] { return d->concrete(bug.bounds, bug.name); });
      EXPECT_EQ(safety.verdict == Verdict::violated, bug.name == "drain-waits-for-itself")
          << (safety.path ? safety.path->failure.detail : "");
    }
    EXPECT_GE(found, 3U) << d->name();
  }
  const auto machine = design("ioasid/plain").concrete({}, "");
  for (const auto& property : machine->liveness())
    EXPECT_TRUE(broken.contains(property.name)) << property.name;
}

// The fair lock does not help against a drain that waits for readers to come.
TEST(IoasidLiveness, ALateReaderHoldsUpADrainHoweverFairTheLock) {
  const auto& bug = design("ioasid/plain").bug("drain-waits-for-new-readers");
  for (const Assume assume : {Assume::weak, Assume::strong}) {
    const auto machine = design("ioasid/plain").concrete(bug.bounds, bug.name);
    const auto result = check("ioasid/plain", bug.bounds, assume, bug.name);
    for (const auto& answer : result.answers) {
      if (machine->liveness()[answer.property].name != "every-drain-ends") continue;
      ASSERT_TRUE(answer.lasso);
      // Another thread reads, again and again.
      EXPECT_FALSE(answer.lasso->cycle.empty());
      for (const auto& step : answer.lasso->cycle)
        EXPECT_NE(step.action.process, answer.lasso->which);
    }
  }
}

}  // namespace
}  // namespace iommucheck::model
