// SPDX-License-Identifier: MIT
// The search for a lasso: where q can be avoided for ever, a shortest way there, and a short cycle.
#include <algorithm>
#include <limits>
#include <stdexcept>

#include "checker/liveness/cycle.h"

namespace iommucheck::checker::liveness {

FairMask FairGraph::enabled(StateNumber s) const {
  FairMask mask = 0;
  for (const Edge& e : out(s)) mask |= actions[e.action].fair;
  return mask;
}

bool FairGraph::may_rest(StateNumber s) const {
  const auto edges_of_s = out(s);
  return (enabled(s) & (weak | strong)) == 0 &&
         std::all_of(edges_of_s.begin(), edges_of_s.end(),
                     [&](const Edge& e) { return actions[e.action].optional; });
}

namespace {

/// Starts of cycles are tried until this many places have been looked at: about a second.
constexpr std::uint64_t kEffort = 2'000'000;

constexpr StateNumber kNone = std::numeric_limits<StateNumber>::max();

/// The states in which a run can be that has met p, and q neither then nor since.
States pending_states(const FairGraph& graph, const StateSet& p, const StateSet& q) {
  std::vector<bool> seen(graph.states());
  States queue;
  for (StateNumber s = 0; s < graph.states(); ++s) {
    if (!p[s] || q[s]) continue;
    seen[s] = true;
    queue.push_back(s);
  }
  for (std::size_t i = 0; i < queue.size(); ++i) {
    for (const Edge& e : graph.out(queue[i])) {
      if (q[e.to] || seen[e.to]) continue;
      seen[e.to] = true;
      queue.push_back(e.to);
    }
  }
  std::sort(queue.begin(), queue.end());
  return queue;
}

/// Shortest ways from the initial states through a graph of two layers: the second one is entered
/// where p holds, and never sees q.
class Stems {
 public:
  Stems(const FairGraph& graph, const StateSet& p, const StateSet& q)
      : graph_(graph), p_(p), q_(q) {
    for (auto& layer : layers_) layer.resize(graph.states());
    for (const StateNumber s : graph.initial) reach(s, kStart);
    // NOLINTNEXTLINE(modernize-loop-convert): reach() adds to the queue
    for (std::size_t i = 0; i < queue_.size(); ++i) {
      const Node from = queue_[i];
      for (const Edge& e : graph.out(from.state)) {
        if (from.layer == 0) {
          reach(e.to, from);
        } else if (!q[e.to]) {
          reach(e.to, from, 1);
        }
      }
    }
  }

  static constexpr std::uint32_t kFar = std::numeric_limits<std::uint32_t>::max();
  /// Steps to s with p behind (or here), and no q since; kFar: there is no such way.
  std::uint32_t distance(StateNumber s) const { return layers_[1][s].distance; }

  /// The initial state and the steps of such a way.
  GraphLasso way_to(StateNumber s) const {
    GraphLasso lasso;
    Node at{s, 1};
    for (;;) {
      const Entry& entry = layers_[at.layer][at.state];
      if (entry.distance == 0) break;
      const auto edges = graph_.out(entry.from);
      lasso.stem.push_back(*std::find_if(edges.begin(), edges.end(),
                                         [&](const Edge& e) { return e.to == at.state; }));
      at = {entry.from, entry.from_layer};
    }
    lasso.initial = at.state;
    std::reverse(lasso.stem.begin(), lasso.stem.end());
    return lasso;
  }

 private:
  struct Node {
    StateNumber state;
    std::uint8_t layer;
  };
  struct Entry {
    std::uint32_t distance = kFar;
    StateNumber from = kNone;
    std::uint8_t from_layer = 0;
  };
  static constexpr Node kStart{kNone, 0};

  void reach(StateNumber s, Node from) {
    reach(s, from, 0);
    if (p_[s] && !q_[s]) reach(s, from, 1);
  }
  void reach(StateNumber s, Node from, std::uint8_t layer) {
    Entry& entry = layers_[layer][s];
    if (entry.distance != kFar) return;
    entry = {from.state == kNone ? 0 : layers_[from.layer][from.state].distance + 1, from.state,
             from.layer};
    queue_.push_back({s, layer});
  }

  const FairGraph& graph_;
  const StateSet &p_, &q_;
  std::vector<Entry> layers_[2];
  std::vector<Node> queue_;
};

}  // namespace

std::optional<GraphLasso> find_lasso(const FairGraph& graph, const StateSet& p, const StateSet& q) {
  const States pending = pending_states(graph, p, q);
  const auto fair = fair_components(graph, pending);
  std::vector<std::uint32_t> component_of(graph.states(), 0);
  for (std::uint32_t c = 0; c < fair.size(); ++c) {
    for (const StateNumber s : fair[c]) component_of[s] = c + 1;
  }
  States goals;
  for (const StateNumber s : pending) {
    if (component_of[s] != 0 || graph.may_rest(s)) goals.push_back(s);
  }
  if (goals.empty()) return std::nullopt;

  const Stems stems(graph, p, q);
  // States that cannot be reached at all are no part of any run.
  goals.erase(std::remove_if(goals.begin(), goals.end(),
                             [&](StateNumber s) { return stems.distance(s) == Stems::kFar; }),
              goals.end());
  if (goals.empty()) return std::nullopt;
  std::stable_sort(goals.begin(), goals.end(), [&](StateNumber a, StateNumber b) {
    return stems.distance(a) < stems.distance(b);
  });

  CycleFinder finder(graph, component_of);
  StateNumber best = kNone;
  std::vector<Edge> best_cycle;
  std::size_t fewest = std::numeric_limits<std::size_t>::max();
  for (const StateNumber s : goals) {
    const std::size_t stem = stems.distance(s);
    if (stem >= fewest || (best != kNone && finder.looked_at() > kEffort)) break;
    std::vector<Edge> cycle;
    if (!graph.may_rest(s)) {
      auto found = finder.cycle_from(s, fewest - stem - 1);
      if (!found) continue;
      cycle = std::move(*found);
    }
    fewest = stem + cycle.size();
    best = s;
    best_cycle = std::move(cycle);
  }
  if (best == kNone) throw std::logic_error("a fair component without a fair cycle");
  GraphLasso lasso = stems.way_to(best);
  lasso.cycle = std::move(best_cycle);
  return lasso;
}

}  // namespace iommucheck::checker::liveness
