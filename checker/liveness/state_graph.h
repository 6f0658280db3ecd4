// SPDX-License-Identifier: MIT
// StateGraph: every reachable state of a machine, and the steps between them.
#ifndef IOMMUCHECK_CHECKER_LIVENESS_STATE_GRAPH_H
#define IOMMUCHECK_CHECKER_LIVENESS_STATE_GRAPH_H

#include "checker/liveness/assumptions.h"

namespace iommucheck::checker::liveness {

/// States of equal size, each once, numbered as they come.  Exact: whole states are compared.
class StateTable {
 public:
  explicit StateTable(unsigned words);

  /// The state's number, and whether it is new.
  std::pair<StateNumber, bool> insert(StateView state);
  StateView operator[](StateNumber s) const {
    return StateView{words_}.subspan(std::size_t{s} * width_, width_);
  }
  StateNumber size() const { return size_; }
  std::uint64_t bytes() const;

 private:
  std::uint64_t hash(StateView state) const;
  void grow();

  std::size_t width_;
  StateNumber size_ = 0;
  std::vector<std::uint64_t> words_;
  std::vector<StateNumber> slots_;  ///< 1 + the number; 0: empty
};

struct StateGraph {
  StateTable table;
  FairGraph graph;
  std::uint64_t transitions = 0;  ///< enabled steps, each once per choice
  std::string stopped;            ///< why the graph is not complete; "" if it is
  double seconds = 0;

  std::uint64_t bytes() const;
};

/// Breadth first, so that a state's number grows with its distance.
StateGraph build_graph(Machine<Concrete>& machine, const Assumptions& assumptions,
                       const LivenessOptions& options);

}  // namespace iommucheck::checker::liveness

#endif  // IOMMUCHECK_CHECKER_LIVENESS_STATE_GRAPH_H
