// SPDX-License-Identifier: MIT
// Cycles in the lock graph, by Boost.Graph.
#include "checker/schedule/lock_order.h"

#include <map>

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/breadth_first_search.hpp>
#include <boost/graph/visitors.hpp>

namespace iommucheck::schedule {

std::optional<LockOrder::Edge> LockOrder::add(const Edge& edge) {
  if (edge.held == edge.taken) return std::nullopt;
  if (!edges_.try_emplace({edge.held, edge.taken}, edge).second) return std::nullopt;

  using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS>;
  std::map<std::uintptr_t, std::size_t> number;
  std::vector<std::uintptr_t> lock;
  const auto vertex = [&](std::uintptr_t address) {
    const auto [place, is_new] = number.try_emplace(address, lock.size());
    if (is_new) lock.push_back(address);
    return place->second;
  };
  Graph graph;
  for (const auto& [ends, unused] : edges_) {
    boost::add_edge(vertex(ends.first), vertex(ends.second), graph);
  }
  // A way from `taken` back to `held`; the first edge of it is shown.
  constexpr std::size_t kNone = ~std::size_t{0};
  std::vector<std::size_t> parent(boost::num_vertices(graph), kNone);
  const std::size_t from = vertex(edge.taken);
  boost::breadth_first_search(
      graph, from,
      boost::visitor(boost::make_bfs_visitor(
          boost::record_predecessors(parent.data(), boost::on_tree_edge()))));
  std::size_t at = vertex(edge.held);
  if (parent[at] == kNone) return std::nullopt;
  while (parent[at] != from) at = parent[at];
  return edges_.at({edge.taken, lock[at]});
}

}  // namespace iommucheck::schedule
