// SPDX-License-Identifier: MIT
// What is inductive is proved; what is not gives a step that shows it.
#include <gtest/gtest.h>

#include "checker/symbolic/induction.h"
#include "tests/checker/symbolic/ioasid.h"
#include "tests/checker/symbolic/search.h"

namespace iommucheck::checker {
namespace {

const PropertyProof& proof_of(const Induction& result, std::string_view name) {
  for (const PropertyProof& p : result.properties) {
    if (p.name == name) return p;
  }
  throw std::invalid_argument("no such property");
}

/// The step is one of the machine, from a state within all invariants, and shows the failure.
void expect_genuine(const Both& both, const InductionFailure& failure) {
  const auto machine = both.concrete();
  EXPECT_FALSE(broken_invariant(*machine, failure.before));
  Successors all = successors(*machine, failure.before);
  const auto& failures = all.failures[failure.action];
  if (failures.contains({failure.failure.property, failure.failure.detail})) return;
  EXPECT_TRUE(all.next[failure.action].contains(failure.after));
  std::copy(failure.after.begin(), failure.after.end(), machine->context.words.begin());
  const auto property = static_cast<std::size_t>(failure.failure.property);
  EXPECT_FALSE(machine->properties()[property].holds().bit());
}

TEST(Induction, ProvesWhatIsInductive) {
  const Relation relation(both<Threads>(3U, 2U, false).symbolic);
  const Induction result = prove_by_induction(relation);
  EXPECT_EQ(result.verdict, Verdict::proved);
  EXPECT_EQ(result.properties.size(), 4U);
  EXPECT_EQ(result.steps, 10U);
  for (const PropertyProof& p : result.properties) {
    EXPECT_EQ(p.verdict, Verdict::proved) << p.name << ": " << p.reason;
    EXPECT_TRUE(p.failures.empty());
  }
}

TEST(Induction, ShowsAStepThatLeavesAnInvariant) {
  StriderOptions o;
  o.forbidden = 7;  // never reached from 0 by strides of 2, but from 5
  const Both strider = both<Strider>(o);
  const Relation relation(strider.symbolic);
  const Induction result = prove_by_induction(relation);
  EXPECT_EQ(result.verdict, Verdict::unknown);
  EXPECT_EQ(proof_of(result, "in-range").verdict, Verdict::proved);
  const PropertyProof& proof = proof_of(result, "not-forbidden");
  EXPECT_EQ(proof.verdict, Verdict::unknown);
  EXPECT_EQ(proof.reason, "not inductive: strider: strider: n += stride does not keep it");
  ASSERT_EQ(proof.failures.size(), 1U);
  const InductionFailure& failure = proof.failures[0];
  EXPECT_EQ(failure.label, "n += stride");
  ASSERT_EQ(failure.changes.size(), 1U);
  EXPECT_EQ(failure.changes[0].name, "n");
  EXPECT_EQ(failure.changes[0].before, "5");
  EXPECT_EQ(failure.changes[0].after, "7");
  expect_genuine(strider, failure);
}

TEST(Induction, ProvesItOnceItIsStrengthened) {
  StriderOptions o;
  o.forbidden = 7;
  o.strengthened = true;
  const Relation relation(both<Strider>(o).symbolic);
  EXPECT_EQ(prove_by_induction(relation).verdict, Verdict::proved);
}

TEST(Induction, ABrokenInitialStateIsAViolation) {
  StriderOptions o;
  o.from = 3;
  o.forbidden = 2;
  const Relation relation(both<Strider>(o).symbolic);
  const Induction result = prove_by_induction(relation);
  EXPECT_EQ(result.verdict, Verdict::violated);
  const PropertyProof& proof = proof_of(result, "not-forbidden");
  EXPECT_EQ(proof.verdict, Verdict::violated);
  ASSERT_FALSE(proof.failures.empty());
  EXPECT_TRUE(proof.failures[0].base);
  EXPECT_EQ(proof.failures[0].choices,
            (std::vector<std::pair<std::string, std::uint32_t>>{{"start", 2}}));
}

TEST(Induction, AStepThatFailsIsShownWithItsChoices) {
  const Both heap = both<Heap>(3U, 3U);
  const Relation relation(heap.symbolic);
  const Induction result = prove_by_induction(relation);
  EXPECT_EQ(result.verdict, Verdict::unknown);
  for (const char* name : {"followed", "in-range"}) {
    const PropertyProof& proof = proof_of(result, name);
    ASSERT_FALSE(proof.failures.empty()) << name;
    for (const InductionFailure& f : proof.failures) expect_genuine(heap, f);
  }
  const InductionFailure& mark = proof_of(result, "in-range").failures.front();
  EXPECT_EQ(mark.label, "++cell[cell[head].next].mark[i]");
  ASSERT_EQ(mark.choices.size(), 1U);
  EXPECT_EQ(mark.choices[0].first, "i");
}

TEST(Induction, TellsStepsThatCannotBeTaken) {
  const Relation relation(both<Threads>(2U, 2U, false).symbolic);
  EXPECT_EQ(prove_by_induction(relation).impossible,
            (std::vector<std::string>{"thread 0: thread: set lock", "thread 1: thread: set lock"}));
}

TEST(Induction, NeitherProvesNorAssumesWhatIsNotChecked) {
  StriderOptions o;
  o.forbidden = 7;
  o.strengthened = true;
  const auto only = [o](const char* name) -> SymbolicFactory {
    return [=] {
      auto machine = std::make_unique<Strider<Symbolic>>(o);
      EXPECT_TRUE(machine->check_only(name));
      return machine;
    };
  };
  const Relation even(only("even"));
  EXPECT_EQ(prove_by_induction(even).verdict, Verdict::proved);
  const Relation forbidden(only("not-forbidden"));
  const Induction result = prove_by_induction(forbidden);
  EXPECT_EQ(result.verdict, Verdict::unknown);
  EXPECT_EQ(result.properties.size(), 2U);
}

TEST(Induction, AdmitsThatTimeRanOut) {
  const ioasid::Bounds bounds{.ids = 6,
                              .sets = 4,
                              .data = 3,
                              .clients = 4,
                              .ops = 4,
                              .notifiers = 2,
                              .spids = 3,
                              .tokens = 3,
                              .capacity = 6};
  const Relation relation(ioasid_spec(bounds).symbolic);
  InductionOptions options;
  options.query_seconds = 0.001;
  const Induction result = prove_by_induction(relation, options);
  EXPECT_EQ(result.verdict, Verdict::unknown);
  EXPECT_NE(proof_of(result, "quota-kept").reason.find("more time"), std::string::npos);
}

TEST(Induction, ProvesTheSpecification) {
  for (const bool static_sets : {false, true}) {
    const ioasid::Bounds bounds{.ids = 3,
                                .sets = 2,
                                .data = 2,
                                .clients = 2,
                                .ops = 3,
                                .notifiers = 1,
                                .spids = 1,
                                .tokens = 1,
                                .capacity = 3,
                                .static_sets = static_sets};
    const Relation relation(ioasid_spec(bounds).symbolic);
    const Induction result = prove_by_induction(relation);
    EXPECT_EQ(result.verdict, Verdict::proved);
    EXPECT_TRUE(result.impossible.empty());
    for (const PropertyProof& p : result.properties) {
      EXPECT_EQ(p.verdict, Verdict::proved) << p.name << ": " << p.reason;
    }
    RecordProperty(static_sets ? "seconds_static" : "seconds", std::to_string(result.seconds));
  }
}

TEST(Induction, FailsWithoutARequirement) {
  const ioasid::Bounds bounds{
      .ids = 2, .sets = 2, .data = 1, .clients = 2, .tokens = 1, .capacity = 2};
  const Both spec = ioasid_spec(bounds, sentence_with(bounds, "alloc_set succeeds only"));
  const Relation relation(spec.symbolic);
  const Induction result = prove_by_induction(relation);
  EXPECT_EQ(result.verdict, Verdict::unknown);
  for (const char* name : {"quotas-balance", "tokens-unique"}) {
    const PropertyProof& proof = proof_of(result, name);
    ASSERT_FALSE(proof.failures.empty()) << name;
    EXPECT_EQ(proof.failures[0].label, "ioasid_alloc_set");
    EXPECT_FALSE(proof.failures[0].changes.empty());
    expect_genuine(spec, proof.failures[0]);
  }
  EXPECT_EQ(proof_of(result, "free-id-is-clean").verdict, Verdict::proved);
}

}  // namespace
}  // namespace iommucheck::checker
