// SPDX-License-Identifier: MIT
// Every outcome of a design whose threads make certain calls and no others.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <set>
#include <vector>

#include "core/machine.h"

namespace iommucheck::linux_harness {

struct OutcomesVisitor {
  std::function<void(StateView)> next;
  std::function<bool(const Failure&)> goes_on;
  void successor(ActionId, StateView state) const { next(state); }
  void violation(ActionId, const Failure& failure, StateView state) const {
    if (goes_on(failure)) next(state);
  }
  void stuck(const Failure&) const {}  // off the script
};

/// A search of our own: the engines do not keep states' values.  The machine says when its script
/// is_over(), and what the outcomes() are then.  `goes_on`: whether it does after a step that
/// violates the property of this name; `broken`: the invariants that states break, where asked for.
template <class Outcomes, class Scripted>
std::set<Outcomes> outcomes_where(
    Scripted& machine, const std::function<bool(const std::string&, const char*)>& goes_on,
    const std::function<void(const std::string&)>& broken = {}) {
  std::set<Outcomes> all;
  const auto property_goes_on = [&](const Failure& failure) {
    const auto& property = machine.properties().at(static_cast<std::size_t>(failure.property));
    return goes_on(property.name, failure.detail);
  };
  std::set<std::vector<std::uint64_t>> seen;
  std::deque<std::vector<std::uint64_t>> todo;
  const auto visit = [&](StateView state) {
    std::vector<std::uint64_t> words{state.begin(), state.end()};
    if (seen.insert(words).second) todo.push_back(std::move(words));
  };
  initial_states(machine, visit);
  while (!todo.empty()) {
    const std::vector<std::uint64_t> state = std::move(todo.front());
    todo.pop_front();
    std::ranges::copy(state, machine.context.words.begin());
    for (const auto& property : machine.properties()) {
      if (broken && property.holds && !property.holds().bit()) broken(property.name);
    }
    if (machine.is_over() && machine.may_rest().bit()) all.insert(machine.outcomes());
    expand(machine, state, OutcomesVisitor{visit, property_goes_on});
  }
  return all;
}

/// The same of a design that is right, or of one with a mistake: what the wrong answer is, is the
/// question then.
template <class Outcomes, class Scripted>
std::set<Outcomes> all_outcomes(Scripted& machine, bool is_mutant) {
  return outcomes_where<Outcomes>(machine, [&](const std::string& property, const char* detail) {
    EXPECT_TRUE(is_mutant) << property << ": " << detail;
    return true;
  });
}

}  // namespace iommucheck::linux_harness
