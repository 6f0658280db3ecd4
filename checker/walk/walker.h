// SPDX-License-Identifier: MIT
// Walker: makes walks, one at a time, on a machine of its own.
//
// Each belongs to one thread.
#ifndef IOMMUCHECK_CHECKER_WALK_WALKER_H
#define IOMMUCHECK_CHECKER_WALK_WALKER_H

#include <functional>

#include "checker/explicit/coverage.h"
#include "checker/walk/random.h"
#include "checker/walk/sketch.h"
#include "checker/walk/successors.h"

namespace iommucheck::checker::walking {

/// What one walk came across, or several.
struct Tally {
  std::uint64_t walks = 0, steps = 0, longest = 0, ended = 0;
  Sketch states;
  std::vector<std::uint64_t> taken;  ///< of each step of the code, by StepIndex
  std::optional<Path> path;          ///< its failure's text outlives the machine

  void merge(const Tally& other);
};

class Walker {
 public:
  /// Throws std::logic_error if an initial state fails.
  explicit Walker(std::unique_ptr<Machine<Concrete>> machine);

  bool can_start() const { return !starts_.empty(); }
  const Machine<Concrete>& machine() const { return *machine_; }
  /// One walk of at most `depth` steps; it ends early where `late` says so.
  Tally walk(Random random, std::uint64_t depth, const std::function<bool()>& late);

 private:
  /// One of the successors: a process, then a step of it.
  std::uint32_t choose(Random& random) const;
  Path path_to(const Wrong& wrong) const;

  std::unique_ptr<Machine<Concrete>> machine_;
  explicit_state::StepIndex steps_;
  std::vector<PackedState> starts_;
  Successors successors_;
  // The walk at hand.
  PackedState initial_, state_;
  std::vector<ActionId> actions_;
  std::vector<std::uint64_t> words_;  ///< of the states after them
};

}  // namespace iommucheck::checker::walking

#endif  // IOMMUCHECK_CHECKER_WALK_WALKER_H
