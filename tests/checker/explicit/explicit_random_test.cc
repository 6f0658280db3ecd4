// SPDX-License-Identifier: MIT
// Random machines: the engine and the oracle agree on every number and on the whole path.
#include <gtest/gtest.h>

#include "checker/explicit/explicit.h"
#include "tests/checker/explicit/oracle.h"
#include "tests/checker/explicit/random_machine.h"
#include "tests/sanitized.h"

namespace iommucheck::checker {
namespace {

constexpr unsigned kMachines = share(300, 60);

TEST(Random, AgreesWithTheOracle) {
  unsigned violated = 0, deep = 0;
  for (unsigned seed = 0; seed < kMachines; ++seed) {
    for (const bool stop : {true, false}) {
      RandomMachine<Concrete> machine(seed);
      const Answer expected = Oracle(machine).run(stop);
      Options options;
      options.stop_at_violation = stop;
      options.jobs = 1 + seed % 3;
      options.initial_slots = 1;
      ASSERT_EQ(answer(explore(make<RandomMachine<Concrete>>(seed), options)), expected)
          << "seed " << seed;
      violated += expected.violated;
      deep += expected.depth > 5;
    }
  }
  // The machines are worth it.
  EXPECT_GT(violated, kMachines / 2);
  EXPECT_LT(violated, kMachines * 3 / 2);
  EXPECT_GT(deep, kMachines / share(3, 10));
}

}  // namespace
}  // namespace iommucheck::checker
