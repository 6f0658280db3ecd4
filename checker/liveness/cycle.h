// SPDX-License-Identifier: MIT
// CycleFinder: a short cycle inside a fair component that honours every assumption itself.
//
// Belongs to one thread.
#ifndef IOMMUCHECK_CHECKER_LIVENESS_CYCLE_H
#define IOMMUCHECK_CHECKER_LIVENESS_CYCLE_H

#include "checker/liveness/components.h"

namespace iommucheck::checker::liveness {

class CycleFinder {
 public:
  explicit CycleFinder(const FairGraph& graph);

  /// `component_of`: the number of the fair component of each state, 0 for none.  The cycle starts
  /// and ends at `start`, which has to be in one; it visits and takes what the assumptions want,
  /// one after the other, the nearest first.
  std::vector<Edge> cycle_from(StateNumber start, const std::vector<std::uint32_t>& component_of);

  /// States that all calls so far have looked at: what they cost.
  std::uint64_t looked_at() const { return looked_at_; }

 private:
  /// A walk that is being made: what it has met so far.
  struct Walk {
    StateNumber at = 0;
    std::vector<Edge> steps;
    FairMask pending = 0;  ///< not yet honoured
    FairMask met = 0;      ///< enabled in a state of the walk
    FairMask taken = 0;
  };
  void arrive(Walk& walk, StateNumber s) const;
  void go(Walk& walk, const Edge& edge) const;
  /// Appends a shortest way, of at least one step, that ends with an edge for which
  /// found(edge) holds.
  template <class Found>
  void go_on(Walk& walk, const std::vector<std::uint32_t>& component_of, Found found);

  struct Parent {
    StateNumber state = 0;
    Edge edge;
  };
  const FairGraph& graph_;
  std::vector<std::uint32_t> seen_;  ///< the number of the search that saw the state last
  std::uint32_t search_ = 0;
  std::vector<Parent> parent_;
  std::uint64_t looked_at_ = 0;
};

}  // namespace iommucheck::checker::liveness

#endif  // IOMMUCHECK_CHECKER_LIVENESS_CYCLE_H
