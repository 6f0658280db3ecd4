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
  /// A search for a shortest cycle gives up after this many places: some ten milliseconds.
  static constexpr std::size_t kPlaces = 50'000;

  /// `component_of`: the number of the fair component of each state, 0 for none.
  CycleFinder(const FairGraph& graph, const std::vector<std::uint32_t>& component_of,
              std::size_t places = kPlaces);

  /// A cycle of at most `most` steps that starts and ends at `start`, which has to be in a fair
  /// component.  Nothing: there is none that is as short.  It is a shortest one as long as the
  /// search for it is small; else it goes to the nearest thing that an assumption wants, and on.
  std::optional<std::vector<Edge>> cycle_from(StateNumber start, std::size_t most);

  /// Places that all calls so far have looked at: what they cost.
  std::uint64_t looked_at() const { return looked_at_; }

 private:
  /// What of `pending` is left after a step: it may be taken, or weak and not enabled.
  FairMask left(FairMask pending, const Edge& edge) const;
  FairMask not_enabled(StateNumber s) const { return graph_.weak & ~graph_.enabled(s); }
  /// The strong assumptions that the cycle owes a step.
  FairMask broken(StateNumber start, const std::vector<Edge>& cycle) const;

  enum class Search : std::uint8_t { found, none, given_up };
  /// A shortest cycle that honours `pending`, over states and what is pending there.
  Search shortest(StateNumber start, FairMask pending, std::size_t most, std::vector<Edge>& cycle);
  std::vector<Edge> greedy(StateNumber start, FairMask pending);
  /// Appends a shortest way, of at least one step, that ends with an edge for which
  /// found(edge) holds.
  template <class Found>
  void go_on(StateNumber from, std::vector<Edge>& walk, Found found);

  struct Parent {
    StateNumber state = 0;
    Edge edge;
  };
  const FairGraph& graph_;
  const std::vector<std::uint32_t>& component_of_;
  std::size_t places_;
  std::vector<std::uint32_t> seen_;  ///< the number of the search that saw the state last
  std::uint32_t search_ = 0;
  std::vector<Parent> parent_;
  std::uint64_t looked_at_ = 0;
};

}  // namespace iommucheck::checker::liveness

#endif  // IOMMUCHECK_CHECKER_LIVENESS_CYCLE_H
