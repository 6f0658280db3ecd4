// SPDX-License-Identifier: MIT
// A breadth-first search and a random walk on a concrete machine, as simple as they can be.
#ifndef IOMMUCHECK_TESTS_CHECKER_SYMBOLIC_SEARCH_H
#define IOMMUCHECK_TESTS_CHECKER_SYMBOLIC_SEARCH_H

#include <map>
#include <optional>
#include <random>
#include <set>

#include "checker/report.h"

namespace iommucheck::checker {

/// What one state leads to, by action.
struct Successors {
  std::map<ActionId, std::set<PackedState>> next;
  std::map<ActionId, std::set<std::pair<PropertyId, std::string>>> failures;

  void successor(ActionId action, StateView state) {
    next[action].emplace(state.begin(), state.end());
  }
  void violation(ActionId action, const Failure& failure, StateView) {
    failures[action].emplace(failure.property, failure.detail);
  }
  void stuck(const Failure&) {}
};

inline Successors successors(Machine<Concrete>& machine, const PackedState& state) {
  Successors result;
  expand(machine, state, result);
  return result;
}

inline std::set<PackedState> initial_set(Machine<Concrete>& machine) {
  std::set<PackedState> states;
  initial_states(machine, [&](StateView s) { states.emplace(s.begin(), s.end()); });
  return states;
}

struct Reached {
  std::set<PackedState> states;
  std::optional<unsigned> violation;  ///< the length of a shortest path to one
};

/// All states, level by level.
inline Reached reach(Machine<Concrete>& machine) {
  Reached result{initial_set(machine), {}};
  std::set<PackedState> level = result.states;
  const auto violated = [&](unsigned depth) {
    if (!result.violation) result.violation = depth;
  };
  for (unsigned depth = 0; !level.empty(); ++depth) {
    std::set<PackedState> next;
    for (const PackedState& state : level) {
      if (broken_invariant(machine, state)) violated(depth);
    }
    for (const PackedState& state : level) {
      const Successors all = successors(machine, state);
      if (!all.failures.empty()) violated(depth + 1);
      for (const auto& [action, states] : all.next) {
        for (const PackedState& s : states) {
          if (result.states.insert(s).second) next.insert(s);
        }
      }
    }
    level = std::move(next);
  }
  return result;
}

/// States along a walk of `steps` steps that `seed` decides; it starts anew where it is stuck.
inline std::vector<PackedState> walk(Machine<Concrete>& machine, unsigned steps, unsigned seed) {
  std::mt19937 random(seed);
  const auto pick = [&](const auto& set) {
    return *std::next(set.begin(), static_cast<std::ptrdiff_t>(random() % set.size()));
  };
  const std::set<PackedState> starts = initial_set(machine);
  std::vector<PackedState> path{pick(starts)};
  while (path.size() <= steps) {
    const Successors all = successors(machine, path.back());
    // An action first, so that calls with many answers do not crowd out the others.
    path.push_back(all.next.empty() ? pick(starts) : pick(pick(all.next).second));
  }
  return path;
}

}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_TESTS_CHECKER_SYMBOLIC_SEARCH_H
