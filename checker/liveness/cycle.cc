// SPDX-License-Identifier: MIT
// Walking through a fair component until every assumption is honoured, and back.
#include "checker/liveness/cycle.h"

#include <algorithm>
#include <stdexcept>

namespace iommucheck::checker::liveness {

CycleFinder::CycleFinder(const FairGraph& graph)
    : graph_(graph), seen_(graph.states(), 0), parent_(graph.states()) {}

void CycleFinder::arrive(Walk& walk, StateNumber s) const {
  const FairMask enabled = graph_.enabled(s);
  walk.at = s;
  walk.met |= enabled;
  // Weak fairness is honoured where nothing of the set is enabled.
  walk.pending &= ~(graph_.weak & ~enabled);
}

void CycleFinder::go(Walk& walk, const Edge& edge) const {
  walk.taken |= graph_.actions[edge.action].fair;
  walk.pending &= ~walk.taken;
  walk.steps.push_back(edge);
  arrive(walk, edge.to);
}

template <class Found>
void CycleFinder::go_on(Walk& walk, const std::vector<std::uint32_t>& component_of, Found found) {
  ++search_;
  const std::uint32_t home = component_of[walk.at];
  std::vector<StateNumber> queue{walk.at};
  seen_[walk.at] = search_;
  for (std::size_t i = 0; i < queue.size(); ++i) {
    const StateNumber s = queue[i];
    ++looked_at_;
    for (const Edge& e : graph_.out(s)) {
      if (component_of[e.to] != home) continue;
      if (found(e)) {
        std::vector<Edge> way{e};
        for (StateNumber back = s; back != walk.at; back = parent_[back].state)
          way.push_back(parent_[back].edge);
        std::reverse(way.begin(), way.end());
        for (const Edge& step : way) go(walk, step);
        return;
      }
      if (seen_[e.to] == search_) continue;
      seen_[e.to] = search_;
      parent_[e.to] = {s, e};
      queue.push_back(e.to);
    }
  }
  throw std::logic_error("a fair component has no cycle that honours its assumptions");
}

std::vector<Edge> CycleFinder::cycle_from(StateNumber start,
                                          const std::vector<std::uint32_t>& component_of) {
  FairMask must_take = 0;  // strong assumptions whose actions cannot be kept clear of
  for (;;) {
    Walk walk;
    walk.pending = graph_.weak | must_take;
    arrive(walk, start);
    while (walk.pending != 0) {
      go_on(walk, component_of, [&](const Edge& e) {
        const FairMask by_state = graph_.weak & ~graph_.enabled(e.to);
        return ((graph_.actions[e.action].fair | by_state) & walk.pending) != 0;
      });
    }
    if (walk.steps.empty() || walk.at != start)
      go_on(walk, component_of, [&](const Edge& e) { return e.to == start; });
    const FairMask broken = graph_.strong & walk.met & ~walk.taken;
    if (broken == 0) return walk.steps;
    must_take |= broken;
  }
}

}  // namespace iommucheck::checker::liveness
