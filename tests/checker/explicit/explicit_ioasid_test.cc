// SPDX-License-Identifier: MIT
// The specification of IOASIDs, as a large machine with many choices in a step.
#include <gtest/gtest.h>

#include "checker/explicit/explicit.h"
#include "spec/ioasid/spec_machine.h"
#include "tests/checker/explicit/oracle.h"

namespace iommucheck::checker {
namespace {

ConcreteFactory factory(const ioasid::Bounds& bounds) {
  return [bounds] { return std::make_unique<ioasid::SpecMachine<Concrete>>(bounds); };
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

TEST(Ioasid, AgreesWithTheOracle) {
  const auto f = factory(bounds(1));
  Options options;
  options.jobs = 2;
  EXPECT_EQ(answer(explore(f, options)), Oracle(*f()).run());
}

TEST(Ioasid, TwoClients) {
  const Exploration e = explore(factory(bounds(2)));
  EXPECT_EQ(e.verdict, Verdict::holds);
  EXPECT_EQ(e.states, 28140);
  EXPECT_EQ(e.transitions, 4348011);
}

}  // namespace
}  // namespace iommucheck::checker
