// SPDX-License-Identifier: MIT
// Collecting what expand() gives.
#include "checker/walk/successors.h"

#include <algorithm>

namespace iommucheck::checker::walking {

void Successors::look(Machine<Concrete>& machine, StateView state, std::optional<PropertyId> only) {
  width_ = state.size();
  only_ = only;
  moves_.clear();
  words_.clear();
  choices_ = 0;
  wrong_.reset();
  if (const auto broken = broken_invariant(machine, state)) stuck(*broken);
  expand(machine, state, *this);
}

std::uint32_t Successors::find(const Move& move) const {
  return static_cast<std::uint32_t>(std::find(moves_.begin(), moves_.end(), move) - moves_.begin());
}

std::uint32_t Successors::choice_of(ActionId action) {
  // expand() gives all choices of a step one after the other.
  if (action != last_) choices_ = 0;
  last_ = action;
  return choices_++;
}

void Successors::successor(ActionId action, StateView next) {
  moves_.push_back({action, choice_of(action)});
  words_.insert(words_.end(), next.begin(), next.end());
}

void Successors::violation(ActionId action, const Failure& failure, StateView next) {
  static_cast<void>(choice_of(action));
  if (counts(failure)) wrong_ = {failure, PathStep{action, {next.begin(), next.end()}}};
}

void Successors::stuck(const Failure& failure) {
  if (counts(failure)) wrong_ = {failure, std::nullopt};
}

}  // namespace iommucheck::checker::walking
