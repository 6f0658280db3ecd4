// SPDX-License-Identifier: MIT
// Our allocator against the specification: random calls, each answer judged by the oracle.
#include "spec/ioasid/oracle.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <ostream>
#include <string>

#include "impl/ioasid/subject.h"
#include "tests/impl/ioasid/threads.h"
#include "tests/sanitized.h"

namespace iommucheck::ioasid {
namespace {

struct Case {
  const char* name;
  Bounds bounds;
  std::uint32_t first_id;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

std::unique_ptr<AllocatorSubject> make_subject(const Case& c) {
  const Bounds& b = c.bounds;
  return std::make_unique<AllocatorSubject>(SubjectConfig{.first_id = c.first_id,
                                                          .ids = b.ids,
                                                          .sets = b.sets,
                                                          .data = b.data,
                                                          .ops = b.ops,
                                                          .clients = b.clients,
                                                          .notifiers = b.notifiers,
                                                          .tokens = b.tokens,
                                                          .capacity = b.capacity,
                                                          .static_sets = b.static_sets});
}

Call random_call(impl::Dice& dice, const Bounds& b) {
  Call call;
  call.kind = static_cast<CallKind>(dice.roll(kCallKinds));
  // What takes things down is rolled less often, or nothing is ever up.
  const bool down = call.kind == CallKind::set_put || call.kind == CallKind::free ||
                    call.kind == CallKind::put || call.kind == CallKind::detach_spid;
  if (down && dice.roll(2) == 0) call.kind = CallKind::attach_spid;
  call.args = {.client = dice.roll(b.clients),
               .set = dice.roll(b.sets + 1),
               .id = dice.roll(b.ids + 1),
               .min = dice.roll(3) == 0 ? dice.roll(b.ids) : 0,
               .max = dice.roll(b.ids + 1),
               .data = dice.roll(b.data + 1),
               .token = dice.roll(b.tokens + 1),
               .quota = dice.roll(b.capacity + 2),
               .ops = b.ops == 0 ? 0 : 1 + dice.roll(b.ops),
               .spid = dice.roll(b.spids + 1),
               .nb = b.notifiers == 0 ? 0 : 1 + dice.roll(b.notifiers),
               .getter = dice.roll(3),
               .take = dice.roll(2),
               .callback = dice.roll(b.ids + 1),
               .nomem = dice.roll(8) == 0 ? 1U : 0U};
  // Only what the call has: the oracle accepts nothing else.
  Call trimmed;
  trimmed.kind = call.kind;
  for (const ArgumentInfo& argument : arguments(call.kind)) {
    trimmed.args.*argument.field = call.args.*argument.field;
  }
  return trimmed;
}

class AgainstOracle : public testing::TestWithParam<Case> {};

TEST_P(AgainstOracle, EveryAnswerIsLegal) {
  const Bounds& bounds = GetParam().bounds;
  Oracle oracle{bounds};
  std::array<unsigned, kCallKinds> seen{};
  std::array<unsigned, kCallKinds> succeeded{};
  for (unsigned run = 0; run < share(300U, 60U); ++run) {
    oracle.reset();
    const auto subject = make_subject(GetParam());
    impl::Dice dice{run};
    std::string history;
    for (unsigned step = 0; step < 200; ++step) {
      const Call call = random_call(dice, bounds);
      if (!oracle.accepts(call) || !oracle.would_keep_contract(call)) continue;
      const Outcome outcome = subject->execute(call);
      ++seen[static_cast<unsigned>(call.kind)];
      succeeded[static_cast<unsigned>(call.kind)] += static_cast<Err>(outcome.err) == Err::ok;
      history += print(call) + " = " + print(call, outcome) + "\n";
      const Judgement judgement = oracle.judge(call, outcome);
      ASSERT_TRUE(judgement.legal)
          << judgement.reason << "\nallowed: " << oracle.print_allowed(call) << "\n"
          << history;
    }
  }
  // The dice reach something with every kind of call that there is within the bounds.
  for (unsigned kind = 0; kind < kCallKinds; ++kind) {
    EXPECT_TRUE(seen[kind] == 0 || succeeded[kind] > share(10U, 2U))
        << name(static_cast<CallKind>(kind));
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, AgainstOracle,
    testing::Values(
        Case{"plain", {.ids = 4, .sets = 2, .data = 2, .clients = 2, .static_sets = true}, 0},
        Case{"custom", {.ids = 3, .sets = 2, .data = 1, .clients = 2, .ops = 4}, 62},
        Case{
            "sets", {.ids = 4, .sets = 3, .data = 2, .clients = 3, .tokens = 2, .capacity = 5}, 30},
        Case{"spids",
             {.ids = 3, .sets = 2, .data = 1, .clients = 2, .spids = 2, .capacity = 4},
             2047},
        Case{"everything",
             {.ids = 4,
              .sets = 2,
              .data = 2,
              .clients = 2,
              .ops = 3,
              .notifiers = 3,
              .spids = 2,
              .tokens = 2,
              .capacity = 4},
             (1U << 20U) - 4}),
    [](const auto& instance) { return std::string{instance.param.name}; });

}  // namespace
}  // namespace iommucheck::ioasid
