// SPDX-License-Identifier: MIT
// The canonical form against brute force over all permutations.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "tests/checker/symmetry/random_schema.h"

namespace iommucheck::checker::symmetry {
namespace {

using State = std::vector<std::uint64_t>;

/// The images of every declared sort: those of the chosen ones, and the identity.
std::vector<std::vector<unsigned>> images(const Schema& schema, const Canonicalizer& canonicalizer,
                                          const Permutation& permutation) {
  std::vector<std::vector<unsigned>> all;
  for (const SortInfo& s : schema.sorts()) {
    all.emplace_back();
    for (unsigned e = 0; e < s.size; ++e) all.back().push_back(e);
  }
  for (std::size_t k = 0; k < permutation.size(); ++k) {
    const Sort sort = canonicalizer.levels()[k];
    for (unsigned e = 0; e < sort.size; ++e) all[sort.number][e] = permutation[k][e];
  }
  return all;
}

State canonical(const Canonicalizer& canonicalizer, State state) {
  canonicalizer(state.data());
  return state;
}

/// Some of the sorts, in any order.
SortNames some(const SortNames& all) {
  SortNames names = *rc::gen::container<SortNames>(rc::gen::elementOf(all));
  if (names.empty()) names = all;
  return names;
}

RC_GTEST_PROP(Canonical, AgreesWithBruteForce, ()) {
  RandomSchema random(*rc::gen::arbitrary<unsigned>());
  const Canonicalizer canonicalizer(random.schema(), some(random.sorts()));
  const auto group = canonicalizer.group();
  RC_ASSERT(group.size() == canonicalizer.group_order());
  RC_CLASSIFY(group.size() >= 12U, "12 permutations or more");
  RC_CLASSIFY(random.schema().words() > 1, "more than one word");
  for (int i = 0; i < 3; ++i) {
    const State state = random.random_state();
    const State form = canonical(canonicalizer, state);
    std::set<State> orbit;
    for (const Permutation& p : group) {
      const State permuted = random.permute(state, images(random.schema(), canonicalizer, p));
      State moved = state;
      canonicalizer.permute(moved.data(), p);
      RC_ASSERT(moved == permuted);
      RC_ASSERT(canonical(canonicalizer, permuted) == form);
      orbit.insert(permuted);
    }
    // It is one of them: so other orbits have other forms, and a form is its own.
    RC_ASSERT(orbit.contains(form));
    RC_ASSERT(canonicalizer.orbit_size(state.data()) == orbit.size());
    RC_CLASSIFY(orbit.size() < group.size(), "a state with symmetries");
  }
}

RC_GTEST_PROP(Canonical, GeneratorsSwapNeighbours, ()) {
  RandomSchema random(*rc::gen::arbitrary<unsigned>());
  const Canonicalizer canonicalizer(random.schema(), random.sorts());
  const State state = random.random_state();
  std::size_t expected = 0;
  for (const Sort& sort : canonicalizer.levels()) expected += sort.size - 1U;
  const auto generators = canonicalizer.generators();
  RC_ASSERT(generators.size() == expected);
  for (const auto& swap : generators) {
    Permutation p(canonicalizer.levels().size());
    p[swap.level].set(swap.element, swap.element + 1);
    p[swap.level].set(swap.element + 1, swap.element);
    State moved = state, swapped = state;
    canonicalizer.permute(moved.data(), p);
    canonicalizer.swap(swapped.data(), swap);
    RC_ASSERT(moved == swapped);
  }
}

TEST(Canonical, LargeSortsWithoutEnumeration) {
  Machine<Concrete> machine;
  const Sort seven = machine.sort("seven", 7), eight = machine.sort("eight", 8);
  const Array<Concrete, Var<Concrete>> a(machine.root(), "a", over(seven), 1U);
  const Array<Concrete, Var<Concrete>> b(machine.root(), "b", over(eight), 1U);
  const Canonicalizer one(machine.schema, {"eight"});
  machine.context.begin_step();
  for (const unsigned i : {0U, 3U, 6U}) b[i] = 1;
  State state(machine.context.words.begin(), machine.context.words.begin() + 1);
  EXPECT_EQ(one.orbit_size(state.data()), 56U);  // 8 over 3
  for (const unsigned i : {0U, 3U, 6U}) b[i] = 0;
  for (const unsigned i : {1U, 2U, 7U}) b[i] = 1;
  const State other(machine.context.words.begin(), machine.context.words.begin() + 1);
  EXPECT_NE(state, other);
  EXPECT_EQ(canonical(one, state), canonical(one, other));
}

TEST(Canonical, RefusesWhatItCannotDo) {
  Machine<Concrete> machine;
  machine.sort("threads", 4);
  machine.sort("pasids", 8);
  machine.sort("objects", 7);
  machine.sort("many", 9);
  const auto error = [&](const SortNames& names) -> std::string {
    try {
      const Canonicalizer canonicalizer(machine.schema, names);
    } catch (const std::invalid_argument& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_EQ(error({"threads", "pasids"}), "");
  EXPECT_NE(error({"pasid"}).find("there is no sort 'pasid'; there are threads (4), pasids (8)"),
            std::string::npos);
  EXPECT_NE(error({"many"}).find("at most 8"), std::string::npos);
  EXPECT_NE(error({"threads", "pasids", "objects"}).find("leave out one of"), std::string::npos);
  Scope<Concrete> scope = machine.root();
  const Var<Concrete> narrow(scope, "pointer", 3, Format{Format::Kind::handle, {"threads"}});
  EXPECT_NE(error({"threads"}).find("pointer is 0 .. 3"), std::string::npos);
}

TEST(Canonical, WithoutSortsNothingHappens) {
  Machine<Concrete> machine;
  const Canonicalizer none(machine.schema, {});
  EXPECT_EQ(none.group_order(), 1U);
  EXPECT_EQ(none.group().size(), 1U);
}

}  // namespace
}  // namespace iommucheck::checker::symmetry
