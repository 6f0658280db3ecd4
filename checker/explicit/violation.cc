// SPDX-License-Identifier: MIT
// The order of violations.
#include "checker/explicit/violation.h"

#include <algorithm>
#include <compare>
#include <cstring>

namespace iommucheck::checker::explicit_state {

namespace {

std::strong_ordering compare(StateView a, StateView b) {
  return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace

void FirstViolation::in_state(StateView state, const Failure& failure) {
  consider(false, state, ActionId{}, failure, {});
}

void FirstViolation::in_step(StateView state, ActionId action, const Failure& failure,
                             StateView after) {
  consider(true, state, action, failure, after);
}

void FirstViolation::merge(const FirstViolation& other) {
  if (!other.first_) return;
  const Violation& v = *other.first_;
  consider(v.in_step, v.state, v.action, v.failure, v.after);
}

void FirstViolation::consider(bool in_step, StateView state, ActionId action,
                              const Failure& failure, StateView after) {
  if (first_) {
    std::strong_ordering order = in_step <=> first_->in_step;
    if (order == 0) order = compare(state, first_->state);
    if (order == 0) order = action <=> first_->action;
    if (order == 0) order = failure.property <=> first_->failure.property;
    // By text: its address differs from machine to machine.
    if (order == 0) order = std::strcmp(failure.detail, first_->failure.detail) <=> 0;
    if (order == 0) order = compare(after, first_->after);
    if (order >= 0) return;
  }
  first_ = Violation{
      in_step, {state.begin(), state.end()}, failure, action, {after.begin(), after.end()}};
}

}  // namespace iommucheck::checker::explicit_state
