// SPDX-License-Identifier: MIT
// FairGraph: a finite state graph with fairness assumptions, and what a violation looks like in it.
//
// Nothing here knows about machines, so that random graphs can be checked as well.  Constant while
// it is searched: several threads may search one graph.
#ifndef IOMMUCHECK_CHECKER_LIVENESS_GRAPH_H
#define IOMMUCHECK_CHECKER_LIVENESS_GRAPH_H

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace iommucheck::checker::liveness {

using StateNumber = std::uint32_t;

/// Sets of fairness assumptions are masks of 64 bits.
using FairMask = std::uint64_t;
inline constexpr unsigned kMaxFairness = 64;

struct Edge {
  StateNumber to = 0;
  std::uint32_t action = 0;
  friend bool operator==(const Edge&, const Edge&) = default;
};

struct Action {
  FairMask fair = 0;      ///< the assumptions that have this action in their set
  bool optional = false;  ///< nobody has to take it: a run may end where nothing else is enabled
};

/// States are 0 .. states()-1.  An action is enabled in a state if an edge of it leaves the state.
struct FairGraph {
  std::vector<std::uint64_t> first{0};  ///< edges of s: first[s] .. first[s+1]-1
  std::vector<Edge> edges;
  std::vector<StateNumber> initial;
  std::vector<Action> actions;
  /// Weak: if an action of the set is enabled in every state from some time on, one of the set is
  /// taken again and again.  Strong: if in infinitely many states.
  FairMask weak = 0, strong = 0;

  StateNumber states() const { return static_cast<StateNumber>(first.size() - 1); }
  std::span<const Edge> out(StateNumber s) const {
    return std::span{edges}.subspan(first[s], first[s + 1] - first[s]);
  }
  /// The assumptions that have an enabled action in s.
  FairMask enabled(StateNumber s) const;
  /// Whether a run may stay in s for ever: nothing but optional actions is enabled, and no
  /// assumption wants one of those.
  bool may_rest(StateNumber s) const;
};

/// By state.
using StateSet = std::vector<bool>;

/// A run from an initial state: the stem, and then the cycle for ever.
struct GraphLasso {
  StateNumber initial = 0;
  std::vector<Edge> stem;
  std::vector<Edge> cycle;  ///< back to where the stem ends; empty: the run rests there
};

/// A fair run on which p holds at some time, and q neither then nor later.  The stem is a shortest
/// one to the cycle that is reported; of several cycles, one with a short stem and few steps is
/// taken, the same every time.  Nothing: on every fair run p leads to q.
std::optional<GraphLasso> find_lasso(const FairGraph& graph, const StateSet& p, const StateSet& q);

}  // namespace iommucheck::checker::liveness

#endif  // IOMMUCHECK_CHECKER_LIVENESS_GRAPH_H
