// SPDX-License-Identifier: MIT
// Breadth first, then at random.
#include "checker/symmetry/samples.h"

#include <random>
#include <set>

namespace iommucheck::checker::symmetry {

namespace {

using State = std::vector<std::uint64_t>;

/// Collects the successors of a state; after a violation nothing goes on.
struct Successors {
  std::vector<State> next;
  void successor(ActionId, StateView state) { next.emplace_back(state.begin(), state.end()); }
  void violation(ActionId, const Failure&, StateView) {}
  void stuck(const Failure&) {}
};

/// Keeps one successor, each with the same probability.
struct RandomSuccessor {
  std::mt19937& random;
  State next = {};
  unsigned met = 0;
  void successor(ActionId, StateView state) {
    if (random() % ++met == 0) next.assign(state.begin(), state.end());
  }
  void violation(ActionId, const Failure&, StateView) {}
  void stuck(const Failure&) {}
};

std::vector<State> successors(Machine<Concrete>& machine, const State& state) {
  Successors found;
  expand(machine, state, found);
  return std::move(found.next);
}

}  // namespace

std::vector<State> sample_states(Machine<Concrete>& machine, std::size_t count) {
  std::vector<State> states;
  std::set<State> met;
  const auto add = [&](const State& state) {
    if (states.size() < count && met.insert(state).second) states.push_back(state);
  };
  initial_states(machine, [&](StateView state) { add(State{state.begin(), state.end()}); });
  const std::size_t starts = states.size();
  const std::size_t first = count / 2;
  std::size_t expanded = 0;
  for (; expanded < states.size() && states.size() < first; ++expanded) {
    // Copied: the list grows.
    const State state = states[expanded];
    for (const State& next : successors(machine, state)) add(next);
  }
  if (expanded == states.size()) return states;

  constexpr unsigned kSeed = 1;
  constexpr unsigned kWalk = 300;  // longer than the depth of the usual model
  std::mt19937 random(kSeed);
  // Walks meet known states, too: of small machines there are fewer samples than asked for.
  for (std::size_t steps = 0; states.size() < count && steps < 4 * count;) {
    State state = states[random() % starts];
    for (unsigned s = 0; s < kWalk; ++s, ++steps) {
      RandomSuccessor one{random};
      expand(machine, state, one);
      if (one.met == 0) break;
      state = std::move(one.next);
      add(state);
    }
    ++steps;
  }
  return states;
}

}  // namespace iommucheck::checker::symmetry
