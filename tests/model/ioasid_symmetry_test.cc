// SPDX-License-Identifier: MIT
// The designs are symmetric in the sorts they declare: the orbits add up to all states, every bug
// is found at the same depth, and no sampled state tells elements apart.
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "checker/symmetry/asymmetry.h"
#include "checker/symmetry/samples.h"
#include "model/registry.h"
#include "tests/model/pinned.h"
#include "tests/sanitized.h"

namespace iommucheck::model {
namespace {

using checker::Verdict;

/// The sorts of a machine that have permutations; with or without the slots of its heap.
std::vector<std::string> sorts_of(const Machine<Concrete>& machine, bool slots = true) {
  std::vector<std::string> names;
  for (const SortInfo& s : machine.schema.sorts()) {
    const bool slot =
        s.name == "ioasid_data" || s.name == "private" || s.name == "ioasid_allocator_data";
    if (s.size > 1 && (slots || !slot)) names.push_back(s.name);
  }
  return names;
}

checker::Exploration explore_orbits(const DesignEntry& d, const BoundValues& bounds,
                                    const std::string& bug, std::vector<std::string> sorts) {
  checker::Options options;
  options.symmetry = std::move(sorts);
  return checker::explore([&] { return d.concrete(bounds, bug); }, options);
}

// The counts without symmetry are pinned, and the solver's, too (ioasid_designs_test.cc).
TEST(DesignSymmetry, TheOrbitsTogetherAreAllStates) {
  const std::vector<Pinned> rows{
#include "tests/model/ioasid_counts.inc"
  };
  for (const auto& row : rows) {
    if (row.states > share(10'000'000U, 100'000U)) continue;
    const DesignEntry& d = design(row.design);
    const auto sorts = sorts_of(*d.concrete(row.bounds, ""), false);
    if (sorts.empty()) continue;
    SCOPED_TRACE(fmt::format("{} {} {}", row.design, row.states, fmt::join(sorts, ",")));
    const auto result = explore_orbits(d, row.bounds, "", sorts);
    EXPECT_EQ(result.verdict, Verdict::holds) << result.reason;
    EXPECT_EQ(result.states_without_symmetry, row.states);
    EXPECT_EQ(result.depth, row.depth);
    EXPECT_LT(result.states, row.states * 6 / 10);
  }
}

/// The canonical forms of all states that are reachable without symmetry.
class Orbits {
 public:
  Orbits(Machine<Concrete>& machine, const checker::symmetry::Canonicalizer& canonicalizer) {
    initial_states(machine, [&](StateView state) { successor({}, state); });
    // NOLINTNEXTLINE(modernize-loop-convert): expand() adds states
    for (std::size_t i = 0; i < states_.size(); ++i) {
      const State state = states_[i];
      expand(machine, state, *this);
      State form = state;
      canonicalizer(form.data());
      forms_.insert(std::move(form));
    }
  }
  std::size_t states() const { return states_.size(); }
  std::size_t orbits() const { return forms_.size(); }

  // For expand():
  void successor(ActionId, StateView next) {
    State state(next.begin(), next.end());
    if (met_.insert(state).second) states_.push_back(std::move(state));
  }
  void violation(ActionId, const Failure&, StateView) { ADD_FAILURE(); }
  void stuck(const Failure&) { ADD_FAILURE(); }

 private:
  using State = std::vector<std::uint64_t>;
  std::set<State> met_, forms_;
  std::vector<State> states_;
};

// The first free slot of a pool is taken, so not all permutations of a state are reachable; but one
// of each orbit is.
TEST(DesignSymmetry, WithSlotsOneStateOfEachReachableOrbitIsVisited) {
  const std::vector<std::pair<const char*, BoundValues>> instances{
      {"ioasid/plain",
       {{"threads", 2}, {"pasids", 1}, {"sets", 1}, {"data", 0}, {"allocators", 1}}},
      {"ioasid/plain", {{"threads", 2}, {"pasids", 1}, {"sets", 1}, {"data", 2}, {"calls", 2}}},
      {"ioasid/plain", {{"threads", 1}, {"pasids", 2}, {"sets", 2}, {"interrupts", 1}}},
      {"ioasid/refcounted", {{"threads", 2}, {"calls", 2}}},
      {"ioasid/sets", {{"threads", 2}, {"calls", 2}}},
  };
  for (const auto& [name, bounds] : instances) {
    SCOPED_TRACE(name);
    const DesignEntry& d = design(name);
    const auto machine = d.concrete(bounds, "");
    const auto sorts = sorts_of(*machine);
    const Orbits truth(*machine, {machine->schema, sorts});
    const auto result = explore_orbits(d, bounds, "", sorts);
    EXPECT_EQ(result.verdict, Verdict::holds) << result.reason;
    EXPECT_EQ(result.states, truth.orbits());
    EXPECT_GE(result.states_without_symmetry, truth.states());
    EXPECT_LT(result.states, truth.states());
    fmt::print("{} {} states, {} orbits\n", name, truth.states(), truth.orbits());
  }
}

TEST(DesignSymmetry, EveryBugIsFoundAtTheSameDepth) {
  unsigned number = 0;
  for (const auto* d : designs()) {
    for (const auto& bug : d->bugs()) {
      if (number++ % share(1U, 4U) != 0) continue;
      SCOPED_TRACE(d->name() + " " + bug.name);
      const auto sorts = sorts_of(*d->concrete(bug.bounds, bug.name));
      const auto full = explore_orbits(*d, bug.bounds, bug.name, {});
      const auto reduced = explore_orbits(*d, bug.bounds, bug.name, sorts);
      // What no state shows is for liveness to find.
      ASSERT_EQ(reduced.path.has_value(), full.path.has_value());
      if (!full.path) {
        EXPECT_EQ(bug.kind, "liveness");
        continue;
      }
      EXPECT_EQ(reduced.path->failure.property, full.path->failure.property);
      EXPECT_EQ(reduced.path->steps.size(), full.path->steps.size());
    }
  }
}

bool has(const DesignEntry& d, const std::string& bound) {
  const auto& all = d.bounds();
  return std::any_of(all.begin(), all.end(), [&](const BoundInfo& b) { return b.name == bound; });
}

/// Larger instances than can be counted without symmetry; also of designs with bugs.
TEST(DesignSymmetry, NoSampledStateTellsElementsApart) {
  for (const auto* d : designs()) {
    std::map<std::string, BoundValues> bugs{{"", {}}};
    for (const auto& bug : d->bugs()) bugs[bug.name] = bug.bounds;
    for (auto& [bug, bounds] : bugs) {
      SCOPED_TRACE(d->name() + " " + bug);
      // Each bond of a thread has an object, and not too many can be permuted.
      const unsigned threads = has(*d, "bonds") ? 2 : 3;
      for (const auto& [bound, value] :
           BoundValues{{"threads", threads}, {"pasids", 3}, {"sets", 2}}) {
        if (has(*d, bound))
          bounds[bound] = std::min(value, find_bound(d->bounds(), d->name(), bound).max);
      }
      if (has(*d, "data")) bounds.emplace("data", 2);
      const auto machine = d->concrete(bounds, bug);
      const checker::symmetry::Canonicalizer canonicalizer(machine->schema, sorts_of(*machine));
      const std::size_t count = bug.empty() ? share(3000, 300) : share(300, 30);
      const auto states = checker::symmetry::sample_states(*machine, count);
      const auto found = checker::symmetry::find_asymmetry(*machine, canonicalizer, states);
      EXPECT_FALSE(found) << found->sentence << "\n" << machine->schema.print(found->state);
    }
  }
}

}  // namespace
}  // namespace iommucheck::model
