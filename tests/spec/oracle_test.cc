// SPDX-License-Identifier: MIT
// The oracle: judging, explaining, snapshots, and outcomes that make no sense.
#include "spec/ioasid/oracle.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "conformance/generator.h"

namespace iommucheck::ioasid {
namespace {

constexpr Bounds kSmall{.ids = 4,
                        .sets = 2,
                        .data = 2,
                        .clients = 2,
                        .ops = 2,
                        .notifiers = 2,
                        .spids = 2,
                        .tokens = 2,
                        .capacity = 3};

Call allocation(std::uint32_t set, std::uint32_t min, std::uint32_t max) {
  return {CallKind::alloc, {.set = set, .min = min, .max = max}};
}
Outcome answer(Err err, std::uint32_t value = 0) {
  return {static_cast<std::uint32_t>(err), value};
}

TEST(Oracle, SaysWhatIsAllowed) {
  Oracle oracle{{.ids = 8}};
  EXPECT_EQ(oracle.print_allowed(allocation(0, 0, 1)), "id 0 or id 1");
  EXPECT_EQ(oracle.print_allowed(allocation(0, 0, 7)), "id 0 .. id 7");
  EXPECT_EQ(oracle.print_allowed(allocation(0, 3, 2)), "INVALID_IOASID");
  Call failing = allocation(0, 5, 6);
  failing.args.nomem = 1;
  EXPECT_EQ(oracle.print_allowed(failing), "id 5, id 6 or INVALID_IOASID");
  EXPECT_EQ(oracle.first_legal(allocation(0, 5, 6))->value, 5U);
}

TEST(Oracle, MovesOnLegalAnswersOnly) {
  Oracle oracle{kSmall};
  const auto before = oracle.snapshot();
  const Judgement wrong = oracle.judge(allocation(0, 1, 2), answer(Err::ok, 3));
  EXPECT_FALSE(wrong.legal);
  EXPECT_EQ(wrong.reason, "alloc gives an id of [min, max], or the one that the callback answered");
  EXPECT_EQ(oracle.snapshot(), before);
  EXPECT_TRUE(oracle.judge(allocation(0, 1, 2), answer(Err::ok, 2)).legal);
  EXPECT_NE(oracle.snapshot(), before);
  EXPECT_NE(oracle.print_state().find("id[2].state=idle"), std::string::npos);
  oracle.restore(before);
  EXPECT_EQ(oracle.snapshot(), before);
}

TEST(Oracle, CopiesAreIndependent) {
  Oracle one{kSmall};
  ASSERT_TRUE(one.judge(allocation(0, 0, 0), answer(Err::ok, 0)).legal);
  Oracle other = one;
  EXPECT_EQ(other.snapshot(), one.snapshot());
  ASSERT_TRUE(other.judge({CallKind::free, {.id = 0}}, answer(Err::ok)).legal);
  EXPECT_NE(other.snapshot(), one.snapshot());
  one = other;
  EXPECT_EQ(other.snapshot(), one.snapshot());
  one.reset();
  EXPECT_EQ(one.snapshot(), Oracle{kSmall}.snapshot());
}

TEST(Oracle, NotesABrokenContract) {
  Oracle oracle{kSmall};
  const Call put{CallKind::set_put, {.client = 0, .set = 1}};
  EXPECT_EQ(oracle.contract_broken_by(put), "set_put: the client holds a reference on the set");
  EXPECT_TRUE(oracle.in_contract());
  const Judgement judgement = oracle.judge(put, answer(Err::ok));
  EXPECT_TRUE(judgement.legal);
  EXPECT_FALSE(judgement.contract_kept);
  EXPECT_EQ(judgement.broken_contract, "set_put: the client holds a reference on the set");
  EXPECT_FALSE(oracle.in_contract());
  EXPECT_TRUE(oracle.would_keep_contract(allocation(0, 0, 0)));
}

TEST(Oracle, LeavesOutEffectsOnRequest) {
  const Call free{CallKind::free, {.id = 0}};
  Outcome notified = answer(Err::ok);
  notified.notified = 1;
  Outcome called_back = answer(Err::ok);
  called_back.allocator = 1;
  EXPECT_FALSE(Oracle{kSmall}.judge(free, notified).legal);
  EXPECT_FALSE(Oracle{kSmall}.judge(free, called_back).legal);
  Oracle oracle(kSmall, {.allocator = false, .getter = false, .notified = false});
  EXPECT_TRUE(oracle.judge(free, notified).legal);
  EXPECT_TRUE(oracle.judge(free, called_back).legal);
}

TEST(Oracle, CallsHaveNoEffectsOfOtherSorts) {
  for (const CallKind kind : {CallKind::detach_data, CallKind::free, CallKind::detach_spid}) {
    Outcome shown = answer(Err::ok);
    shown.getter_on = 1;
    const Judgement judgement = Oracle{kSmall}.judge({kind, {.id = 0}}, shown);
    EXPECT_EQ(judgement.reason, "getter: it runs on the data that is found, and never on NULL");
  }
}

TEST(Oracle, RefusesCallsBeyondItsBounds) {
  Oracle oracle{kSmall};
  for (const Call& call :
       {Call{CallKind::alloc, {.set = 3}}, Call{CallKind::alloc, {.data = 9}},
        Call{CallKind::register_notifier, {.nb = 0}},
        Call{CallKind::install_capacity, {.quota = 4}}, Call{static_cast<CallKind>(99), {}}}) {
    EXPECT_FALSE(oracle.accepts(call));
    EXPECT_FALSE(oracle.judge(call, answer(Err::ok)).legal);
    EXPECT_FALSE(oracle.would_keep_contract(call));
    EXPECT_TRUE(oracle.legal_outcomes(call).empty());
  }
  // An id beyond the space is an unknown id.
  EXPECT_EQ(oracle.print_allowed({CallKind::get, {.id = 4'000'000'000}}), "-EINVAL");
}

/// Legal outcomes are exactly those that are judged legal, in and out of contract.
RC_GTEST_PROP(Oracle, AllowsWhatItJudgesLegal, ()) {
  const auto calls = *conformance::calls(kSmall, {12, {}});
  Oracle oracle{kSmall};
  for (const Call& call : calls) {
    const auto legal = oracle.legal_outcomes(call);
    RC_ASSERT(!legal.empty());
    const auto before = oracle.snapshot();
    unsigned count = 0;
    for (std::uint32_t err = 0; err < kErrs; ++err) {
      for (std::uint32_t value = 0; value < 5; ++value) {
        Outcome outcome{err, value, legal[0].allocator, legal[0].getter_on, legal[0].notified};
        count += oracle.judge(call, outcome).legal ? 1U : 0U;
        oracle.restore(before);
      }
    }
    RC_ASSERT(count >= 1U);
    RC_ASSERT(count <= legal.size());
    for (const Outcome& outcome : legal) {
      RC_ASSERT(oracle.judge(call, outcome).legal);
      oracle.restore(before);
    }
    const auto index = *rc::gen::inRange<std::size_t>(0, legal.size());
    oracle.judge(call, legal[index]);
  }
}

/// Whatever numbers come back, they are judged, and printed.
RC_GTEST_PROP(Oracle, JudgesGarbage, ()) {
  const auto calls = *conformance::calls(kSmall, {8, {}});
  Oracle oracle{kSmall};
  const auto number =
      rc::gen::oneOf(rc::gen::inRange<std::uint32_t>(0, 6), rc::gen::arbitrary<std::uint32_t>(),
                     rc::gen::element<std::uint32_t>(0xffff, 0x10000, 0x10001, 0x3fff, 0xffffffff));
  for (const Call& call : calls) {
    const Outcome garbage{*number, *number, *number, *number, *number};
    const auto before = oracle.snapshot();
    const Judgement judgement = oracle.judge(call, garbage);
    RC_ASSERT(!print(call, garbage).empty());
    if (judgement.legal) continue;
    RC_ASSERT(!judgement.reason.empty());
    RC_ASSERT(oracle.snapshot() == before);
  }
}

}  // namespace
}  // namespace iommucheck::ioasid
