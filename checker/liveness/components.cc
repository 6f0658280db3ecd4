// SPDX-License-Identifier: MIT
// Components by Boost.Graph, and the removal of states that strong fairness forbids to visit.
#include "checker/liveness/components.h"

#include <boost/graph/compressed_sparse_row_graph.hpp>
#include <boost/graph/strong_components.hpp>
#include <utility>

namespace iommucheck::checker::liveness {
namespace {

constexpr std::uint32_t kNowhere = ~std::uint32_t{0};

using BoostGraph =
    boost::compressed_sparse_row_graph<boost::directedS, boost::no_property, boost::no_property,
                                       boost::no_property, std::uint32_t, std::uint64_t>;

/// What the assumptions meet inside a component.
struct Inside {
  bool edge = false;                   ///< there is one
  FairMask taken = 0;                  ///< by an edge inside
  FairMask somewhere = 0;              ///< enabled in some state
  FairMask everywhere = ~FairMask{0};  ///< enabled in every state
};

/// `member(s)`: whether s belongs to the component.
template <class Member>
Inside look_inside(const FairGraph& graph, const States& component, Member member) {
  Inside inside;
  for (const StateNumber s : component) {
    const FairMask enabled = graph.enabled(s);
    inside.somewhere |= enabled;
    inside.everywhere &= enabled;
    for (const Edge& e : graph.out(s)) {
      if (!member(e.to)) continue;
      inside.edge = true;
      inside.taken |= graph.actions[e.action].fair;
    }
  }
  return inside;
}

}  // namespace

std::vector<States> components(const FairGraph& graph, const States& states,
                               std::vector<std::uint32_t>& place) {
  for (std::uint32_t i = 0; i < states.size(); ++i) place[states[i]] = i;
  const auto inside = [&](StateNumber s) {
    return place[s] < states.size() && states[place[s]] == s;
  };
  std::vector<std::pair<std::uint32_t, std::uint32_t>> edges;
  for (std::uint32_t i = 0; i < states.size(); ++i) {
    for (const Edge& e : graph.out(states[i])) {
      if (inside(e.to)) edges.emplace_back(i, place[e.to]);
    }
  }
  const BoostGraph subgraph(boost::edges_are_sorted, edges.begin(), edges.end(),
                            static_cast<std::uint32_t>(states.size()));
  std::vector<std::uint32_t> number(states.size());
  const auto count = boost::strong_components(
      subgraph,
      boost::make_iterator_property_map(number.begin(), get(boost::vertex_index, subgraph)));
  std::vector<States> result(count);
  for (std::size_t i = 0; i < states.size(); ++i) result[number[i]].push_back(states[i]);
  return result;
}

std::vector<States> fair_components(const FairGraph& graph, States states) {
  std::vector<std::uint32_t> place(graph.states(), kNowhere);
  std::vector<States> fair;
  std::vector<States> left;
  left.push_back(std::move(states));
  std::vector<std::uint32_t> of(graph.states(), kNowhere);
  std::uint32_t number = 0;
  while (!left.empty()) {
    const States part = std::move(left.back());
    left.pop_back();
    for (States& component : components(graph, part, place)) {
      const std::uint32_t mine = number++;
      for (const StateNumber s : component) of[s] = mine;
      const Inside in = look_inside(graph, component, [&](StateNumber s) { return of[s] == mine; });
      if (!in.edge) continue;
      // What is neither taken nor ever disabled here is so in every part of the component, too.
      if ((graph.weak & ~in.taken & in.everywhere) != 0) continue;
      const FairMask broken = graph.strong & ~in.taken & in.somewhere;
      if (broken == 0) {
        fair.push_back(std::move(component));
        continue;
      }
      // A fair run that stays here visits states with such an action only finitely often.
      States rest;
      for (const StateNumber s : component) {
        if ((graph.enabled(s) & broken) == 0) rest.push_back(s);
      }
      if (!rest.empty()) left.push_back(std::move(rest));
    }
  }
  return fair;
}

}  // namespace iommucheck::checker::liveness
