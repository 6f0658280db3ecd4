// SPDX-License-Identifier: MIT
// Successors: all that can happen in one state, and what is wrong with it.
//
// For one thread; it is used again for state after state.
#ifndef IOMMUCHECK_CHECKER_WALK_SUCCESSORS_H
#define IOMMUCHECK_CHECKER_WALK_SUCCESSORS_H

#include <optional>

#include "checker/report.h"

namespace iommucheck::checker::walking {

/// A step and which of its choices: 0, 1, ... in the order of expand().
struct Move {
  ActionId action;
  std::uint32_t choice = 0;
  friend bool operator==(const Move&, const Move&) = default;
};

/// Something is wrong in a state, or with a step that can be taken from it.
struct Wrong {
  Failure failure;               ///< its text belongs to the machine
  std::optional<PathStep> step;  ///< the step that fails
};

class Successors {
 public:
  /// Expands `state`.  An invariant that it breaks comes first, then steps that fail, then a
  /// deadlock; only what violates `only` counts, if that is given.
  void look(Machine<Concrete>& machine, StateView state,
            std::optional<PropertyId> only = std::nullopt);

  const std::optional<Wrong>& wrong() const { return wrong_; }
  /// Steps that do not fail, in the order of expand(): those of a process lie together.
  std::uint32_t size() const { return static_cast<std::uint32_t>(moves_.size()); }
  const Move& move(std::uint32_t i) const { return moves_[i]; }
  StateView state(std::uint32_t i) const { return {words_.data() + i * width_, width_}; }
  /// The number of the move; size() if it cannot be made.
  std::uint32_t find(const Move& move) const;

  // For expand():
  void successor(ActionId action, StateView next);
  void violation(ActionId action, const Failure& failure, StateView next);
  void stuck(const Failure& failure);

 private:
  std::uint32_t choice_of(ActionId action);
  bool counts(const Failure& failure) const {
    return !wrong_ && (!only_ || *only_ == failure.property);
  }

  std::size_t width_ = 0;
  std::optional<PropertyId> only_;
  std::vector<Move> moves_;
  std::vector<std::uint64_t> words_;
  ActionId last_;
  std::uint32_t choices_ = 0;  ///< of last_, so far
  std::optional<Wrong> wrong_;
};

}  // namespace iommucheck::checker::walking

#endif  // IOMMUCHECK_CHECKER_WALK_SUCCESSORS_H
