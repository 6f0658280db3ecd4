// SPDX-License-Identifier: MIT
// How many states and transitions the specification has within small bounds, and that every
// answer of every call is among them.
#include <gtest/gtest.h>

#include <set>

#include "spec/ioasid/oracle.h"
#include "tests/sanitized.h"
#include "tests/spec/explore.h"
#include "tests/spec/machine.h"

namespace iommucheck::ioasid {
namespace {

struct Pinned {
  const char* features;
  Bounds bounds;
  std::uint64_t states, transitions;
};

void PrintTo(const Pinned& p, std::ostream* out) { *out << p.features; }

class Counts : public testing::TestWithParam<Pinned> {};

// The explicit engine counts the same (tests/checker/explicit).
TEST_P(Counts, AreAsPinned) {
  if (kSanitized && GetParam().transitions > 100'000)
    GTEST_SKIP()
        << "takes a minute under a sanitizer; Coverage explores smaller bounds of that kind";
  const auto specification = concrete_spec(GetParam().bounds);
  Machine<Concrete>& machine = *specification;
  const Exploration found = explore(machine);
  EXPECT_EQ(found.states.size(), GetParam().states);
  EXPECT_EQ(found.transitions, GetParam().transitions);
  EXPECT_EQ(found.violations, 0U);
  for (const Packed& state : found.states) {
    const auto broken = broken_invariant(machine, state);
    ASSERT_FALSE(broken) << broken->detail << "\n" << machine.schema.print(state);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Specification, Counts,
    testing::Values(
        Pinned{"smallest", {.ids = 1, .sets = 0, .data = 0, .references = false}, 2, 13},
        Pinned{"tokens", small_bounds()[0], 3146, 443039},
        Pinned{"two clients", small_bounds()[1], 7347, 712677},
        Pinned{"spids", small_bounds()[2], 318, 21644},
        Pinned{"notifiers", small_bounds()[3], 97, 6402},
        Pinned{"ops", small_bounds()[4], 686, 43821},
        Pinned{"static sets", small_bounds()[5], 361, 41331},
        Pinned{"ops and notifiers", small_bounds()[6], 560, 46262},
        Pinned{"two ids, one set, two clients",
               {.ids = 2, .sets = 1, .data = 1, .clients = 2},
               28140,
               4348011}));

TEST(Coverage, EveryAnswerOfEveryCallIsTaken) {
  std::set<std::pair<CallKind, Err>> missing;
  for (unsigned k = 0; k < kCallKinds; ++k) {
    for (const Err err : answers(static_cast<CallKind>(k)))
      missing.emplace(static_cast<CallKind>(k), err);
  }
  for (const Bounds& bounds : small_bounds()) {
    const auto machine = concrete_spec(bounds);
    Oracle oracle{bounds};
    const Exploration found = explore(*machine);
    for (const Packed& state : found.states) {
      for (auto entry = missing.begin(); entry != missing.end();) {
        bool taken = false;
        if (in_scope(entry->first, bounds)) {
          for_each_call(entry->first, bounds, [&](const Call& call) {
            oracle.restore({state, true});
            if (taken || !oracle.would_keep_contract(call)) return;
            for (const Outcome& outcome : oracle.legal_outcomes(call)) {
              taken = taken || outcome.err == static_cast<std::uint32_t>(entry->second);
            }
          });
        }
        entry = taken ? missing.erase(entry) : std::next(entry);
      }
      if (missing.empty()) break;
    }
  }
  for (const auto& [kind, err] : missing)
    ADD_FAILURE() << name(kind) << " never answers " << name(err);
}

}  // namespace
}  // namespace iommucheck::ioasid
