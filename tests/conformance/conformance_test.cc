// SPDX-License-Identifier: MIT
// The comparison itself: a right implementation passes, each wrong one is found and explained.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "conformance/check.h"
#include "spec/ioasid/spec.h"
#include "tests/conformance/reference.h"

namespace iommucheck::conformance {
namespace {

using ioasid::Err;

constexpr Bounds kAll{.ids = 8,
                      .sets = 3,
                      .data = 2,
                      .clients = 3,
                      .ops = 3,
                      .notifiers = 2,
                      .spids = 2,
                      .tokens = 2,
                      .capacity = 6};

SubjectFactory reference(const Bounds& bounds, Mutant mutant = Mutant::none) {
  return [=] { return std::make_unique<Reference>(bounds, mutant); };
}

TEST(Conformance, SimpleAllocatorConforms) {
  const Report report = check_subject(reference(kAll), kAll, {.calls = 20'000});
  EXPECT_TRUE(report.findings.empty()) << print(report);
  EXPECT_GE(report.calls, 20'000U);
}

TEST(Conformance, SpecificationConformsToItself) {
  const Report report = check_subject([] { return std::make_unique<SpecificationSubject>(kAll); },
                                      kAll, {.calls = 5'000, .seed = 2});
  EXPECT_TRUE(report.findings.empty()) << print(report);
}

TEST(Conformance, StaticSetsAndFewFeatures) {
  for (const Bounds& bounds :
       {Bounds{.ids = 4, .sets = 2, .clients = 2, .ops = 2, .static_sets = true},
        Bounds{.ids = 3, .sets = 0, .data = 0, .clients = 1, .references = false},
        Bounds{.ids = 64,
        .sets = 6,
        .data = 6,
        .clients = 8,
        .ops = 4,
        .notifiers = 4,
        .spids = 4,
        .tokens = 4,
        .capacity = 64}}) {
    const Report report = check_subject(reference(bounds), bounds, {.calls = 3'000});
    EXPECT_TRUE(report.findings.empty()) << print(report);
  }
}

TEST(Conformance, EveryAnswerIsSeen) {
  const Report report = check_subject(reference(kAll), kAll, {.calls = 20'000});
  for (unsigned k = 0; k < ioasid::kCallKinds; ++k) {
    const auto kind = static_cast<CallKind>(k);
    for (const Err err : ioasid::answers(kind)) {
      EXPECT_GT(report.seen(kind, err), 0U) << name(kind) << " " << name(err);
    }
  }
}

TEST(Conformance, SameSeedSameSequences) {
  const auto run = [](std::uint64_t seed) {
    return print(check_subject(reference(kAll, Mutant::spid_not_unique), kAll,
                               {.calls = 2'000, .seed = seed}));
  };
  EXPECT_EQ(run(7), run(7));
  EXPECT_NE(run(7), run(8));
}

/// Gives the highest answers, so that every guess is wrong; crashes on request.
class Highest : public ioasid::Subject {
 public:
  explicit Highest(const Bounds& bounds) : oracle_(bounds) {}
  Outcome execute(const Call& call) override {
    const Outcome last = oracle_.legal_outcomes(call).back();
    oracle_.judge(call, last);
    return last;
  }

 private:
  Oracle oracle_;
};

/// A subject behind the interface of what can only run whole sequences.
class WholeSequences : public SequenceRunner {
 public:
  explicit WholeSequences(SubjectFactory factory) : factory_(std::move(factory)) {}
  std::vector<Step> run(std::span<const Call> calls) override {
    const auto subject = factory_();
    std::vector<Step> steps;
    for (const Call& call : calls) {
      if (call.kind == crashes_in && call.args.set == 0) {
        steps.push_back({{}, Crash{"use after free", "ioasid.c", 389, "report"}});
        break;
      }
      try {
        steps.push_back({subject->execute(call), std::nullopt});
      } catch (const std::exception& e) {
        // A wrong guess broke the contract: the call is mended before its crash counts.
        steps.push_back({{}, Crash{"exception", "", 0, e.what()}});
        break;
      }
    }
    return steps;
  }
  bool supports(CallKind kind) const override { return kind != CallKind::install_capacity; }
  Call express(Call call) const override {
    if (call.kind == CallKind::set_data) call.args.data = 2;
    return call;
  }

  std::optional<CallKind> crashes_in;

 private:
  SubjectFactory factory_;
};

TEST(Runner, SimpleAllocatorConforms) {
  WholeSequences runner{reference(kAll)};
  const Report report = check_runner(runner, kAll, {.calls = 5'000});
  EXPECT_TRUE(report.findings.empty()) << print(report);
  EXPECT_EQ(report.calls_of(CallKind::install_capacity), 0U);
}

TEST(Runner, AsksWhatCanBeExpressed) {
  WholeSequences runner{reference(kAll)};
  Oracle oracle{kAll};
  const std::vector<Call> calls{{CallKind::alloc, {.min = 0, .max = 1}},
                                {CallKind::install_capacity, {.quota = 1}},
                                {CallKind::set_data, {.id = 0, .data = 1}}};
  const auto execution = RunnerTarget{runner}.execute(calls, oracle, ContractMode::strict);
  ASSERT_EQ(execution.calls.size(), 2U);
  EXPECT_EQ(execution.calls[1].args.data, 2U);
  EXPECT_EQ(execution.origins, (std::vector<std::size_t>{0, 2}));
  EXPECT_EQ(execution.skipped, 1U);
}

TEST(Runner, WrongGuessesAreMended) {
  const auto highest = [] { return std::make_unique<Highest>(kAll); };
  WholeSequences runner{highest};
  const Report whole = check_runner(runner, kAll, {.calls = 5'000});
  EXPECT_TRUE(whole.findings.empty()) << print(whole);
  EXPECT_GE(whole.calls, 5'000U);
}

TEST(Runner, FindsWhatStepsFind) {
  WholeSequences runner{reference(kAll, Mutant::spid_not_unique)};
  const Report report = check_runner(runner, kAll, {.calls = 10'000});
  ASSERT_FALSE(report.findings.empty());
  EXPECT_EQ(report.findings[0].cause.kind, CallKind::attach_spid);
  EXPECT_EQ(report.findings[0].shortest.calls.size(), 4U) << print(report);
}

TEST(Runner, CrashesAreFindings) {
  WholeSequences runner{reference(kAll)};
  runner.crashes_in = CallKind::find;
  const Report report = check_runner(runner, kAll, {.calls = 3'000});
  ASSERT_EQ(report.findings.size(), 1U) << print(report);
  EXPECT_EQ(report.findings[0].cause, (Cause{CallKind::find, "use after free", true}));
  EXPECT_EQ(report.findings[0].shortest.calls.size(), 1U);
  EXPECT_NE(print(report).find("ioasid.c:389"), std::string::npos);
}

TEST(Conformance, HostileClients) {
  // The simple allocator throws where a set does not exist: only out of contract.
  const Report report =
      check_subject(reference(kAll), kAll, {.calls = 5'000, .contract = ContractMode::any});
  EXPECT_FALSE(report.findings.empty());
  for (const Finding& finding : report.findings) {
    EXPECT_FALSE(finding.cause.in_contract) << print(finding);
    EXPECT_FALSE(finding.shortest.divergence->broken_contract.empty());
  }
}

TEST(Conformance, KnownCausesDoNotHideOthers) {
  // One mistake in most look-ups, and a rare one behind it.
  class Both : public Reference {
   public:
    Both() : Reference(kAll, Mutant::spid_not_unique) {}
    Outcome execute(const Call& call) override {
      Outcome outcome = Reference::execute(call);
      if (call.kind == CallKind::detach_data) outcome.value = 1;
      return outcome;
    }
  };
  const Report report =
      check_subject([] { return std::make_unique<Both>(); }, kAll, {.calls = 20'000});
  std::set<CallKind> kinds;
  for (const Finding& finding : report.findings) kinds.insert(finding.cause.kind);
  EXPECT_TRUE(kinds.contains(CallKind::detach_data)) << print(report);
  EXPECT_TRUE(kinds.contains(CallKind::attach_spid)) << print(report);
}

struct Expected {
  Mutant mutant;
  CallKind kind;
  std::size_t length;  ///< of the shortest sequence that shows the mistake
};

class Mutants : public testing::TestWithParam<Expected> {};

TEST_P(Mutants, IsFoundWithItsShortestSequence) {
  const auto& [mutant, kind, length] = GetParam();
  const auto factory = reference(kAll, mutant);
  const Report report = check_subject(factory, kAll, {.calls = 20'000});
  ASSERT_FALSE(report.findings.empty()) << print(report);
  const auto shortest = std::ranges::min_element(
      report.findings, {}, [](const Finding& f) { return f.shortest.calls.size(); });
  EXPECT_EQ(shortest->cause.kind, kind) << print(report);
  EXPECT_EQ(shortest->shortest.calls.size(), length) << print(report);
  // Every sequence replays by itself.
  for (const Finding& finding : report.findings) {
    Oracle oracle{kAll};
    const auto again =
        SubjectTarget{factory}.execute(finding.shortest.calls, oracle, ContractMode::strict);
    EXPECT_EQ(again.calls.size(), finding.shortest.calls.size());
    ASSERT_TRUE(again.divergence);
    EXPECT_EQ(again.divergence->judgement.reason, finding.cause.reason);
    EXPECT_EQ(again.skipped, 0U);
    EXPECT_TRUE(again.divergence->in_contract);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Reference, Mutants,
    testing::Values(Expected{Mutant::range_starts_late, CallKind::alloc, 2},
                    Expected{Mutant::quota_not_returned, CallKind::alloc_set, 3},
                    Expected{Mutant::getter_sees_null, CallKind::find, 2},
                    Expected{Mutant::no_set_check, CallKind::find, 2},
                    Expected{Mutant::last_ops_serves, CallKind::alloc, 3},
                    Expected{Mutant::put_frees_early, CallKind::put, 3},
                    Expected{Mutant::token_survives, CallKind::alloc_set, 5},
                    Expected{Mutant::free_is_silent, CallKind::free, 4},
                    Expected{Mutant::spid_not_unique, CallKind::attach_spid, 4},
                    Expected{Mutant::pending_is_not_counted, CallKind::alloc, 5},
                    Expected{Mutant::pending_can_be_got, CallKind::get, 4},
                    Expected{Mutant::refusal_is_id_0, CallKind::alloc, 2}));

}  // namespace
}  // namespace iommucheck::conformance
