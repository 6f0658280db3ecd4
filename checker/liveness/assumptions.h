// SPDX-License-Identifier: MIT
// Assumptions: the fairness that is assumed of a machine, as masks over its steps.
//
// Constant after construction.
#ifndef IOMMUCHECK_CHECKER_LIVENESS_ASSUMPTIONS_H
#define IOMMUCHECK_CHECKER_LIVENESS_ASSUMPTIONS_H

#include "checker/liveness/graph.h"
#include "checker/liveness/liveness.h"

namespace iommucheck::checker::liveness {

class Assumptions {
 public:
  /// Throws std::length_error beyond kMaxFairness, std::out_of_range for a process that is not
  /// there.
  Assumptions(const Machine<Concrete>& machine, Assume assume);

  FairMask weak() const { return weak_; }
  FairMask strong() const { return strong_; }
  std::size_t size() const { return names_.size(); }
  /// "CPU0", or "RCU: kfree(...)" where it is about one step.
  const std::string& name(std::size_t i) const { return names_[i]; }

  /// Steps are numbered through all processes, each twice: taken by an idle process, or not.
  std::uint32_t actions() const { return 2 * steps_; }
  std::uint32_t number(ActionId id, bool idle) const {
    return 2 * (base_[id.process] + id.step) + (idle ? 1 : 0);
  }
  ActionId id(std::uint32_t number) const;
  Action action(std::uint32_t number) const { return actions_[number]; }

 private:
  std::uint32_t steps_ = 0;
  std::vector<std::uint32_t> base_;  ///< the number of each process's first step
  std::vector<Action> actions_;
  std::vector<std::string> names_;
  FairMask weak_ = 0, strong_ = 0;
};

/// Which processes are idle in `state`: bits by place in processes().  Idle ones may begin a call,
/// but need not.
std::uint32_t idle_processes(Machine<Concrete>& machine, StateView state);

}  // namespace iommucheck::checker::liveness

#endif  // IOMMUCHECK_CHECKER_LIVENESS_ASSUMPTIONS_H
