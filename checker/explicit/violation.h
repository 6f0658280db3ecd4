// SPDX-License-Identifier: MIT
// Violations of one level, and which of them is reported: the same one for any number of workers.
#ifndef IOMMUCHECK_CHECKER_EXPLICIT_VIOLATION_H
#define IOMMUCHECK_CHECKER_EXPLICIT_VIOLATION_H

#include <optional>
#include <string>

#include "checker/report.h"

namespace iommucheck::checker::explicit_state {

/// What goes wrong in a state, or in a step that is taken from it.
struct Violation {
  bool in_step = false;
  PackedState state;
  Failure failure;  ///< its text belongs to a machine
  // Of a step:
  ActionId action;
  PackedState after;
};

/// Keeps the violation that comes first: states before steps, as their paths are shorter; then by
/// state, action, property, text and the state after.  For one thread.
class FirstViolation {
 public:
  void in_state(StateView state, const Failure& failure);
  void in_step(StateView state, ActionId action, const Failure& failure, StateView after);
  void merge(const FirstViolation& other);
  /// One of another process, as bytes() gave it; empty: none.
  void merge(const std::string& bytes);
  std::string bytes() const;

  const std::optional<Violation>& get() const { return first_; }

 private:
  void consider(bool in_step, StateView state, ActionId action, const Failure& failure,
                StateView after);

  std::optional<Violation> first_;
};

}  // namespace iommucheck::checker::explicit_state

#endif  // IOMMUCHECK_CHECKER_EXPLICIT_VIOLATION_H
