// SPDX-License-Identifier: MIT
// Bounded model checking finds the shortest violation, and the concrete machine confirms it.
#include <gtest/gtest.h>

#include "checker/symbolic/bmc.h"
#include "tests/checker/symbolic/ioasid.h"
#include "tests/checker/symbolic/search.h"

namespace iommucheck::checker {
namespace {

BoundedOptions up_to(unsigned depth) {
  BoundedOptions options;
  options.depth = depth;
  return options;
}

/// The violation has this length, replays, and no shorter one exists: an explicit search and the
/// solver with a smaller bound both say so.
void expect_violation(const Both& both, unsigned length, PropertyId property) {
  const Relation relation(both.symbolic);
  const BoundedCheck result = bounded_check(relation, up_to(length + 3));
  ASSERT_EQ(result.verdict, Verdict::violated) << result.reason;
  ASSERT_TRUE(result.path);
  EXPECT_EQ(result.path->steps.size(), length);
  EXPECT_EQ(result.path->failure.property, property);
  const auto machine = both.concrete();
  std::string why;
  EXPECT_TRUE(replays(*machine, *result.path, &why)) << why;
  EXPECT_EQ(reach(*machine).violation, length);
  if (length == 0) return;
  const BoundedCheck shorter = bounded_check(relation, up_to(length - 1));
  EXPECT_EQ(shorter.verdict, Verdict::holds);
  EXPECT_EQ(shorter.depth, length - 1);
  EXPECT_FALSE(shorter.path);
}

PropertyId property_of(const Both& both, std::string_view name) {
  return property_named(Relation(both.symbolic), name);
}

TEST(Bmc, FindsABrokenInvariantAtItsDepth) {
  StriderOptions o;
  o.forbidden = 8;
  const Both strider = both<Strider>(o);
  expect_violation(strider, 4, property_of(strider, "not-forbidden"));
}

TEST(Bmc, FindsATornTestAndSet) {
  const Both threads = both<Threads>(2U, 2U, true);
  // Both test, both set; with the second set, the first holder is no owner any more, and
  // "exclusive" is the first property that this breaks.
  expect_violation(threads, 4, property_of(threads, "exclusive"));
}

TEST(Bmc, FindsAStepThatLeavesARange) { expect_violation(both<Climber>(6U), 7, kInRange); }

TEST(Bmc, FindsAFailingStep) {
  const Both heap = both<Heap>(2U, 3U);
  expect_violation(heap, 1, property_of(heap, "followed"));
}

TEST(Bmc, FindsABrokenInitialState) {
  StriderOptions o;
  o.from = 3;
  o.forbidden = 2;
  const Both strider = both<Strider>(o);
  expect_violation(strider, 0, property_of(strider, "not-forbidden"));
}

TEST(Bmc, LooksForOnePropertyIfAsked) {
  const Both heap = both<Heap>(2U, 3U);
  const Relation relation(heap.symbolic);
  BoundedOptions options = up_to(8);
  options.property = kInRange;
  const BoundedCheck result = bounded_check(relation, options);
  ASSERT_EQ(result.verdict, Verdict::violated);
  EXPECT_EQ(result.path->failure.property, kInRange);
  std::string why;
  EXPECT_TRUE(replays(*heap.concrete(), *result.path, &why)) << why;
}

TEST(Bmc, LooksForWhatTheMachineChecks) {
  const Both threads{[] {
                       auto machine = std::make_unique<Threads<Concrete>>(2U, 1U, true);
                       EXPECT_TRUE(machine->check_only("owned"));
                       return machine;
                     },
                     [] {
                       auto machine = std::make_unique<Threads<Symbolic>>(2U, 1U, true);
                       EXPECT_TRUE(machine->check_only("owned"));
                       return machine;
                     }};
  expect_violation(threads, 4, property_of(threads, "owned"));
}

TEST(Bmc, SaysHowFarItLooked) {
  const Relation relation(both<Threads>(3U, 2U, false).symbolic);
  const BoundedCheck result = bounded_check(relation, up_to(9));
  EXPECT_EQ(result.verdict, Verdict::holds);
  EXPECT_EQ(result.depth, 9U);
  EXPECT_GE(result.queries, 10U);
}

TEST(Bmc, HoldsForTheSpecification) {
  const ioasid::Bounds bounds{.ids = 2,
                              .sets = 2,
                              .data = 1,
                              .clients = 2,
                              .ops = 2,
                              .notifiers = 1,
                              .spids = 1,
                              .tokens = 1,
                              .capacity = 2};
  const Relation relation(ioasid_spec(bounds).symbolic);
  EXPECT_EQ(bounded_check(relation, up_to(5)).verdict, Verdict::holds);
}

TEST(Bmc, FindsADroppedRequirement) {
  const ioasid::Bounds bounds{
      .ids = 1, .sets = 2, .data = 1, .clients = 1, .tokens = 1, .capacity = 2};
  const Both spec = ioasid_spec(bounds, sentence_with(bounds, "alloc_set succeeds only"));
  // Two sets that take all of the capacity, or one that takes more than there is.
  const Relation relation(spec.symbolic);
  const BoundedCheck result = bounded_check(relation, up_to(4));
  ASSERT_EQ(result.verdict, Verdict::violated);
  std::string why;
  EXPECT_TRUE(replays(*spec.concrete(), *result.path, &why)) << why;
  EXPECT_EQ(reach(*spec.concrete()).violation, result.path->steps.size());
}

TEST(Bmc, AdmitsThatTimeRanOut) {
  const ioasid::Bounds bounds{.ids = 3,
                              .sets = 2,
                              .data = 2,
                              .clients = 2,
                              .ops = 3,
                              .notifiers = 1,
                              .spids = 1,
                              .tokens = 1,
                              .capacity = 3};
  const Relation relation(ioasid_spec(bounds).symbolic);
  BoundedOptions options = up_to(40);
  options.query_seconds = 0.001;
  const BoundedCheck result = bounded_check(relation, options);
  EXPECT_EQ(result.verdict, Verdict::unknown);
  EXPECT_NE(result.reason.find("more time"), std::string::npos) << result.reason;
}

}  // namespace
}  // namespace iommucheck::checker
