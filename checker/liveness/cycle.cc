// SPDX-License-Identifier: MIT
// Walking through a fair component until every assumption is honoured, and back.
#include "checker/liveness/cycle.h"

#include <algorithm>
#include <set>
#include <stdexcept>

namespace iommucheck::checker::liveness {

CycleFinder::CycleFinder(const FairGraph& graph, const std::vector<std::uint32_t>& component_of,
                         std::size_t places)
    : graph_(graph),
      component_of_(component_of),
      places_(places),
      seen_(graph.states(), 0),
      parent_(graph.states()) {}

FairMask CycleFinder::left(FairMask pending, const Edge& edge) const {
  return pending & ~graph_.actions[edge.action].fair & ~not_enabled(edge.to);
}

FairMask CycleFinder::broken(StateNumber start, const std::vector<Edge>& cycle) const {
  FairMask met = graph_.enabled(start);
  FairMask taken = 0;
  for (const Edge& e : cycle) {
    met |= graph_.enabled(e.to);
    taken |= graph_.actions[e.action].fair;
  }
  return graph_.strong & met & ~taken;
}

CycleFinder::Search CycleFinder::shortest(StateNumber start, FairMask pending, std::size_t most,
                                          std::vector<Edge>& cycle) {
  struct Place {
    StateNumber state;
    FairMask pending;
    std::size_t depth, parent;
    Edge edge;
  };
  const std::uint32_t home = component_of_[start];
  std::vector<Place> places{{start, pending, 0, 0, {}}};
  // The start is left out, so that a cycle can come back to it.
  std::set<std::pair<StateNumber, FairMask>> seen;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const Place at = places[i];
    if (at.depth == most) return Search::none;
    if (places.size() > places_) return Search::given_up;
    ++looked_at_;
    for (const Edge& e : graph_.out(at.state)) {
      if (component_of_[e.to] != home) continue;
      const FairMask rest = left(at.pending, e);
      if (!seen.insert({e.to, rest}).second) continue;
      places.push_back({e.to, rest, at.depth + 1, i, e});
      if (e.to != start || rest != 0) continue;
      for (std::size_t p = places.size() - 1; p != 0; p = places[p].parent)
        cycle.push_back(places[p].edge);
      std::reverse(cycle.begin(), cycle.end());
      return Search::found;
    }
  }
  return Search::none;
}

template <class Found>
void CycleFinder::go_on(StateNumber from, std::vector<Edge>& walk, Found found) {
  ++search_;
  const std::uint32_t home = component_of_[from];
  std::vector<StateNumber> queue{from};
  seen_[from] = search_;
  for (std::size_t i = 0; i < queue.size(); ++i) {
    const StateNumber s = queue[i];
    ++looked_at_;
    for (const Edge& e : graph_.out(s)) {
      if (component_of_[e.to] != home) continue;
      if (found(e)) {
        std::vector<Edge> way{e};
        for (StateNumber back = s; back != from; back = parent_[back].state)
          way.push_back(parent_[back].edge);
        walk.insert(walk.end(), way.rbegin(), way.rend());
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

std::vector<Edge> CycleFinder::greedy(StateNumber start, FairMask pending) {
  std::vector<Edge> walk;
  StateNumber at = start;
  while (pending != 0) {
    const std::size_t before = walk.size();
    go_on(at, walk, [&](const Edge& e) { return left(pending, e) != pending; });
    for (std::size_t i = before; i < walk.size(); ++i) pending = left(pending, walk[i]);
    at = walk.back().to;
  }
  if (walk.empty() || at != start) go_on(at, walk, [&](const Edge& e) { return e.to == start; });
  return walk;
}

std::optional<std::vector<Edge>> CycleFinder::cycle_from(StateNumber start, std::size_t most) {
  FairMask must_take = 0;  // strong assumptions that were met and not honoured
  for (;;) {
    const FairMask pending = (graph_.weak & ~not_enabled(start)) | must_take;
    std::vector<Edge> cycle;
    switch (shortest(start, pending, most, cycle)) {
      case Search::found: break;
      case Search::none: return std::nullopt;
      case Search::given_up: cycle = greedy(start, pending); break;
    }
    if (cycle.size() > most) return std::nullopt;
    // In a fair component, what is met is taken somewhere.
    const FairMask owed = broken(start, cycle);
    if (owed == 0) return cycle;
    must_take |= owed;
  }
}

}  // namespace iommucheck::checker::liveness
