// SPDX-License-Identifier: MIT
// The first states of a machine as a graph, and who is wedged in it.
#include "checker/wedged.h"

#include <algorithm>
#include <unordered_map>

namespace iommucheck::checker {
namespace {

struct StateHash {
  std::size_t operator()(const PackedState& state) const {
    std::uint64_t hash = 0x9e3779b97f4a7c15ULL;
    for (const std::uint64_t word : state)
      hash = (hash ^ word) * 0xff51afd7ed558ccdULL ^ hash >> 29U;
    return hash ^ hash >> 32U;
  }
};

class Graph {
 public:
  Graph(Machine<Concrete>& machine, std::uint64_t max_states)
      : machine_(machine), max_states_(max_states) {}

  void begin(StateView state) { static_cast<void>(number_of(state, kNone, {})); }
  /// Breadth first, until there is nothing left or there are max_states.
  void grow() {
    for (std::uint32_t i = 0; i < states_.size(); ++i) {
      at_ = i;
      expand(machine_, *states_[i].state, *this);
    }
  }
  /// The first state in which some process is wedged.
  std::optional<std::uint32_t> first_wedged() const {
    std::optional<std::uint32_t> first;
    for (std::size_t p = 0; p < machine_.processes().size(); ++p) {
      const std::vector<bool> free = helped(p);
      const auto found = std::find(free.begin(), free.end(), false);
      const auto number = static_cast<std::uint32_t>(found - free.begin());
      if (found != free.end() && (!first || number < *first)) first = number;
    }
    return first;
  }
  bool all() const { return !cut_; }
  std::uint64_t size() const { return states_.size(); }
  Path path_to(std::uint32_t state) const {
    Path path{{}, {}, {*machine_.deadlock, kWedged}};
    for (; states_[state].parent != kNone; state = states_[state].parent)
      path.steps.push_back({states_[state].action, *states_[state].state});
    path.initial = *states_[state].state;
    std::reverse(path.steps.begin(), path.steps.end());
    return path;
  }

  // For expand():
  void successor(ActionId action, StateView next) {
    const std::uint32_t to = number_of(next, at_, action);
    if (to == kNone) {
      states_[at_].open = true;
      cut_ = true;
    } else {
      edges_.emplace_back(to, at_);
    }
  }
  /// What comes behind a failure is not looked at.
  void violation(ActionId, const Failure&, StateView) { states_[at_].open = true; }
  void stuck(const Failure&) { states_[at_].open = true; }
  void blocked(ActionId action) { states_[at_].blocked |= 1U << action.process; }

 private:
  static constexpr std::uint32_t kNone = ~0U;
  struct Node {
    const PackedState* state;
    std::uint32_t parent;
    ActionId action;
    std::uint32_t blocked = 0;  ///< processes in the middle of a call that cannot move
    bool open = false;          ///< something follows that is not looked at
  };

  std::uint32_t number_of(StateView state, std::uint32_t parent, ActionId action) {
    PackedState words{state.begin(), state.end()};
    if (const auto known = numbers_.find(words); known != numbers_.end()) return known->second;
    if (states_.size() == max_states_) return kNone;
    const auto number = static_cast<std::uint32_t>(states_.size());
    const auto made = numbers_.emplace(std::move(words), number).first;
    states_.push_back({&made->first, parent, action});
    return number;
  }
  /// For each state: whether some state from which process p moves, or which is not in the middle
  /// of one of its calls, can follow.
  std::vector<bool> helped(std::size_t p) const {
    std::vector<bool> free(states_.size());
    std::vector<std::uint32_t> todo;
    for (std::uint32_t i = 0; i < states_.size(); ++i) {
      free[i] = states_[i].open || (states_[i].blocked >> p & 1U) == 0;
      if (free[i]) todo.push_back(i);
    }
    if (todo.size() == states_.size()) return free;
    sort_edges();
    while (!todo.empty()) {
      const std::uint32_t to = todo.back();
      todo.pop_back();
      auto edge = std::lower_bound(edges_.begin(), edges_.end(), std::pair{to, 0U});
      for (; edge != edges_.end() && edge->first == to; ++edge) {
        if (free[edge->second]) continue;
        free[edge->second] = true;
        todo.push_back(edge->second);
      }
    }
    return free;
  }
  void sort_edges() const {
    if (sorted_) return;
    std::sort(edges_.begin(), edges_.end());
    sorted_ = true;
  }

  Machine<Concrete>& machine_;
  std::uint64_t max_states_;
  std::unordered_map<PackedState, std::uint32_t, StateHash> numbers_;
  std::vector<Node> states_;
  mutable std::vector<std::pair<std::uint32_t, std::uint32_t>> edges_;  ///< (to, from)
  mutable bool sorted_ = false;
  std::uint32_t at_ = 0;
  bool cut_ = false;
};

}  // namespace

WedgeSearch find_wedged(Machine<Concrete>& machine, std::uint64_t max_states) {
  Graph graph{machine, max_states};
  initial_states(machine, [&](StateView state) { graph.begin(state); });
  graph.grow();
  WedgeSearch search{{}, graph.size(), graph.all()};
  if (const auto wedged = graph.first_wedged()) search.path = graph.path_to(*wedged);
  return search;
}

bool is_wedged(Machine<Concrete>& machine, const PackedState& state, std::uint64_t max_states) {
  Graph graph{machine, max_states};
  graph.begin(state);
  graph.grow();
  return graph.first_wedged() == 0U;
}

}  // namespace iommucheck::checker
