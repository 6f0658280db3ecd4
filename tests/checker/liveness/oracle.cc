// SPDX-License-Identifier: MIT
// The slow second implementation, and the third that looks at one lasso.
#include "tests/checker/liveness/oracle.h"

#include <fmt/format.h>

#include <array>

namespace iommucheck::checker::liveness {
namespace {

/// Sets of states as bits.
using Bits = unsigned;

/// The graph as a relation: can[s] has the states to which an edge of s leads.
struct Matrix {
  explicit Matrix(const FairGraph& graph) : n(graph.states()) {
    for (unsigned s = 0; s < n; ++s) {
      for (std::uint64_t e = graph.first[s]; e < graph.first[s + 1]; ++e)
        can[s] |= 1U << graph.edges[e].to;
    }
  }
  /// All states that are reached from `from` without leaving `within`; `from` itself included.
  Bits reach(Bits from, Bits within) const {
    Bits all = from & within;
    for (unsigned round = 0; round < n; ++round) {
      for (unsigned s = 0; s < n; ++s) {
        if ((all >> s & 1U) != 0) all |= can[s] & within;
      }
    }
    return all;
  }
  unsigned n;
  std::array<Bits, 8> can{};
};

/// Whether a run can visit exactly the states of `set` again and again, and be fair: it takes every
/// edge inside, since taking more can only help.
bool can_be_visited_for_ever(const FairGraph& graph, const Matrix& matrix, Bits set) {
  for (unsigned s = 0; s < matrix.n; ++s) {
    if ((set >> s & 1U) == 0) continue;
    // From each state one can get to each, by at least one step.
    if (matrix.reach(matrix.can[s], set) != set) return false;
  }
  for (unsigned i = 0; i < kMaxFairness; ++i) {
    const FairMask bit = FairMask{1} << i;
    if (((graph.weak | graph.strong) & bit) == 0) continue;
    bool taken = false, once = false, always = true;
    for (unsigned s = 0; s < matrix.n; ++s) {
      if ((set >> s & 1U) == 0) continue;
      bool enabled = false;
      for (std::uint64_t e = graph.first[s]; e < graph.first[s + 1]; ++e) {
        const Edge& edge = graph.edges[e];
        if ((graph.actions[edge.action].fair & bit) == 0) continue;
        enabled = true;
        if ((set >> edge.to & 1U) != 0) taken = true;
      }
      once = once || enabled;
      always = always && enabled;
    }
    if (taken) continue;
    if ((graph.weak & bit) != 0 && always) return false;
    if ((graph.strong & bit) != 0 && once) return false;
  }
  return true;
}

bool can_be_rested_in(const FairGraph& graph, unsigned s) {
  for (std::uint64_t e = graph.first[s]; e < graph.first[s + 1]; ++e) {
    const Action& action = graph.actions[graph.edges[e].action];
    if (!action.optional || (action.fair & (graph.weak | graph.strong)) != 0) return false;
  }
  return true;
}

}  // namespace

bool oracle_finds_lasso(const FairGraph& graph, const StateSet& p, const StateSet& q) {
  const Matrix matrix(graph);
  const Bits everything = (1U << matrix.n) - 1;
  Bits initial = 0, without_q = 0, begins = 0;
  for (const StateNumber s : graph.initial) initial |= 1U << s;
  for (unsigned s = 0; s < matrix.n; ++s) {
    if (!q[s]) without_q |= 1U << s;
    if (!q[s] && p[s]) begins |= 1U << s;
  }
  const Bits pending = matrix.reach(matrix.reach(initial, everything) & begins, without_q);
  for (unsigned s = 0; s < matrix.n; ++s) {
    if ((pending >> s & 1U) != 0 && can_be_rested_in(graph, s)) return true;
  }
  for (Bits set = 1; set <= everything; ++set) {
    if ((set & ~pending) == 0 && can_be_visited_for_ever(graph, matrix, set)) return true;
  }
  return false;
}

std::string wrong_with(const GraphLasso& lasso, const FairGraph& graph, const StateSet& p,
                       const StateSet& q) {
  bool starts = false;
  for (const StateNumber s : graph.initial) starts = starts || s == lasso.initial;
  if (!starts) return "it does not begin in an initial state";

  std::vector<StateNumber> visited{lasso.initial};
  std::vector<Edge> all = lasso.stem;
  all.insert(all.end(), lasso.cycle.begin(), lasso.cycle.end());
  for (std::size_t i = 0; i < all.size(); ++i) {
    bool there = false;
    for (const Edge& e : graph.out(visited.back())) there = there || e == all[i];
    if (!there) return fmt::format("step {} is no edge", i);
    visited.push_back(all[i].to);
  }
  const std::size_t knot = lasso.stem.size();
  if (visited.back() != visited[knot]) return "the cycle does not close";

  // Positions from the last q on; if the cycle has a q, there are infinitely many.
  for (std::size_t i = knot; i < visited.size(); ++i) {
    if (q[visited[i]]) return "q holds on the cycle";
  }
  bool since_p = false;
  for (const StateNumber s : visited) since_p = !q[s] && (since_p || p[s]);
  if (!since_p) return "p does not hold after the last q";

  for (unsigned i = 0; i < kMaxFairness; ++i) {
    const FairMask bit = FairMask{1} << i;
    if (((graph.weak | graph.strong) & bit) == 0) continue;
    bool taken = false, once = false, always = true;
    for (const Edge& e : lasso.cycle) taken = taken || (graph.actions[e.action].fair & bit) != 0;
    for (std::size_t k = knot; k < visited.size(); ++k) {
      bool enabled = false;
      for (const Edge& e : graph.out(visited[k]))
        enabled = enabled || (graph.actions[e.action].fair & bit) != 0;
      once = once || enabled;
      always = always && enabled;
    }
    if ((graph.weak & bit) != 0 && always && !taken)
      return fmt::format("weak assumption {} is not honoured on the cycle", i);
    if ((graph.strong & bit) != 0 && once && !taken)
      return fmt::format("strong assumption {} is not honoured on the cycle", i);
  }
  if (lasso.cycle.empty() && !can_be_rested_in(graph, visited.back()))
    return "it rests where a step has to be taken";
  return "";
}

}  // namespace iommucheck::checker::liveness
