// SPDX-License-Identifier: MIT
// Cycles in the lock graph, by Boost.Graph.
#include "checker/schedule/lock_order.h"

#include <algorithm>

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/breadth_first_search.hpp>
#include <boost/graph/visitors.hpp>

namespace iommucheck::schedule {

bool LockOrder::knows(const LockName& held, const LockName& taken, std::uint64_t execution) {
  const auto place = edges_.find({held, taken});
  if (place == edges_.end()) return false;
  place->second.execution = execution;
  return true;
}

std::vector<LockOrder::Edge> LockOrder::add(Edge edge) {
  const LockName held = edge.held, taken = edge.taken;
  if (held == taken) return {};
  edges_.emplace(std::pair{held, taken}, std::move(edge));

  using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS>;
  std::map<LockName, std::size_t> number;
  std::vector<LockName> lock;
  const auto vertex = [&](const LockName& name) {
    const auto [place, is_new] = number.try_emplace(name, lock.size());
    if (is_new) lock.push_back(name);
    return place->second;
  };
  Graph graph;
  for (const auto& [ends, unused] : edges_) {
    boost::add_edge(vertex(ends.first), vertex(ends.second), graph);
  }
  constexpr std::size_t kNone = ~std::size_t{0};
  std::vector<std::size_t> parent(boost::num_vertices(graph), kNone);
  boost::breadth_first_search(graph, vertex(taken),
                              boost::visitor(boost::make_bfs_visitor(boost::record_predecessors(
                                  parent.data(), boost::on_tree_edge()))));
  std::vector<Edge> back;
  for (std::size_t at = vertex(held); parent[at] != kNone; at = parent[at]) {
    back.push_back(edges_.at({lock[parent[at]], lock[at]}));
  }
  std::reverse(back.begin(), back.end());
  return back;
}

}  // namespace iommucheck::schedule
