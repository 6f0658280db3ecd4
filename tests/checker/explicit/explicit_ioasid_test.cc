// SPDX-License-Identifier: MIT
// The specification of IOASIDs, as a large machine with many choices in a step.
#include <gtest/gtest.h>

#include "checker/explicit/explicit.h"
#include "tests/checker/explicit/oracle.h"
#include "tests/sanitized.h"
#include "tests/spec/machine.h"

namespace iommucheck::checker {
namespace {

ConcreteFactory factory(const ioasid::Bounds& bounds) {
  return [bounds] { return ioasid::concrete_spec(bounds); };
}

ioasid::Bounds bounds(unsigned clients) {
  ioasid::Bounds b;
  b.ids = 2;
  b.sets = 1;
  b.data = 1;
  b.clients = clients;
  b.capacity = 2;
  return b;
}

/// Two clients, and what the tests of the specification pin for them
/// (tests/spec/reachable_test.cc).
struct TwoClients {
  ioasid::Bounds bounds;
  std::uint64_t states, transitions;
};
TwoClients two_clients() {
  return kSanitized ? TwoClients{{.ids = 2, .sets = 1, .data = 0, .clients = 2, .capacity = 2},
                                 7347,
                                 712677}
                    : TwoClients{bounds(2), 28140, 4348011};
}

TEST(Ioasid, AgreesWithTheOracle) {
  const auto f = factory(bounds(1));
  Options options;
  options.jobs = 2;
  EXPECT_EQ(answer(explore(f, options)), Oracle(*f()).run());
}

TEST(Ioasid, TwoClients) {
  const Exploration e = explore(factory(two_clients().bounds));
  EXPECT_EQ(e.verdict, Verdict::holds);
  EXPECT_EQ(e.states, two_clients().states);
  EXPECT_EQ(e.transitions, two_clients().transitions);
}

// The counts are those without symmetry: clients, ids, sets, data, tokens, set-private ids,
// notifiers; also under custom allocators, which are no sort.
TEST(Ioasid, TheOrbitsTogetherAreAllStates) {
  struct Instance {
    ioasid::Bounds bounds;
    std::uint64_t states, depth;
  };
  const std::vector<Instance> instances{
      {two_clients().bounds, two_clients().states, 0},
      {{.ids = 2, .sets = 0, .data = 2, .clients = 2, .notifiers = 2}, 7396, 10},
      {{.ids = 2, .sets = 0, .data = 1, .clients = 2, .ops = 3}, 11774, 11},
      {{.ids = 2, .sets = 2, .data = 0, .clients = 1, .notifiers = 1, .spids = 2, .tokens = 2},
       17416,
       11},
  };
  for (const Instance& instance : instances) {
    const auto f = factory(instance.bounds);
    Options options;
    const auto machine = f();
    for (const SortInfo& sort : machine->schema.sorts()) options.symmetry.push_back(sort.name);
    options.symmetry_samples = share(500, 50);
    const Exploration e = explore(f, options);
    EXPECT_EQ(e.verdict, Verdict::holds) << e.reason;
    EXPECT_EQ(e.states_without_symmetry, instance.states);
    EXPECT_LT(2 * e.states, instance.states);
    if (instance.depth != 0) {
      EXPECT_EQ(e.depth, instance.depth);
    }
  }
}

}  // namespace
}  // namespace iommucheck::checker
