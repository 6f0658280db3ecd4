// SPDX-License-Identifier: MIT
// The solver alone finds the states that a search finds.
#include <gtest/gtest.h>

#include "checker/symbolic/count.h"
#include "tests/checker/symbolic/ioasid.h"
#include "tests/checker/symbolic/search.h"

namespace iommucheck::checker {
namespace {

/// Counts, compares with the search, gives the number.
std::uint64_t agreed_count(const Both& both) {
  const Relation relation(both.symbolic);
  const StateCount count = count_states(relation);
  EXPECT_TRUE(count.complete) << count.reason;
  EXPECT_EQ(count.states, count.found.size());
  EXPECT_EQ((std::set<PackedState>{count.found.begin(), count.found.end()}),
            reach(*both.concrete()).states);
  return count.states;
}

TEST(Count, OfANumber) {
  EXPECT_EQ(agreed_count(both<Strider>(StriderOptions{})), 5U);
  StriderOptions o;
  o.from = 4;
  EXPECT_EQ(agreed_count(both<Strider>(o)), 10U);
}

TEST(Count, OfThreads) {
  // Nobody holds the lock, or one of three by one of two ways.
  EXPECT_EQ(agreed_count(both<Threads>(3U, 2U, false)), 7U);
  EXPECT_GT(agreed_count(both<Threads>(3U, 2U, true)), 7U);
}

TEST(Count, LeavesFailingStepsOut) { EXPECT_EQ(agreed_count(both<Climber>(6U)), 7U); }

TEST(Count, OfAHeap) { EXPECT_EQ(agreed_count(both<Heap>(2U, 1U)), 184U); }

TEST(Count, OfASmallSpecification) {
  const ioasid::Bounds bounds{.ids = 1, .sets = 1, .data = 1, .clients = 1, .capacity = 1};
  EXPECT_GT(agreed_count(ioasid_spec(bounds)), 20U);
}

TEST(Count, OfAllKindsOfCalls) {
  const ioasid::Bounds bounds{.ids = 1,
                              .sets = 1,
                              .data = 1,
                              .clients = 1,
                              .ops = 1,
                              .notifiers = 1,
                              .spids = 1,
                              .tokens = 1,
                              .capacity = 1};
  EXPECT_GT(agreed_count(ioasid_spec(bounds)), 200U);
}

TEST(Count, OfStaticSets) {
  const ioasid::Bounds bounds{.ids = 2,
                              .sets = 2,
                              .data = 2,
                              .clients = 1,
                              .capacity = 0,
                              .static_sets = true,
                              .references = false};
  EXPECT_GT(agreed_count(ioasid_spec(bounds)), 50U);
}

TEST(Count, ChangesWithADroppedRequirement) {
  const ioasid::Bounds bounds{.ids = 1, .sets = 1, .data = 1, .clients = 2, .capacity = 1};
  const std::uint64_t whole = agreed_count(ioasid_spec(bounds));
  for (const char* words : {"install_capacity: no set", "alloc gives an id that nobody has"}) {
    const char* dropped = sentence_with(bounds, words);
    EXPECT_GT(agreed_count(ioasid_spec(bounds, dropped)), whole) << dropped;
  }
}

TEST(Count, StopsAtItsLimit) {
  const Relation relation(both<Threads>(3U, 2U, false).symbolic);
  CountOptions options;
  options.limit = 4;
  const StateCount count = count_states(relation, options);
  EXPECT_FALSE(count.complete);
  EXPECT_EQ(count.states, 4U);
  EXPECT_NE(count.reason, "");
}

}  // namespace
}  // namespace iommucheck::checker
