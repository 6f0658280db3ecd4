// SPDX-License-Identifier: MIT
// Models as states, choices and faults.
#include "checker/symbolic/model.h"

namespace iommucheck::checker {

PackedState pack(const Relation& relation, Solver& solver, const std::vector<Term>& values,
                 unsigned copy) {
  std::vector<std::uint32_t> numbers;
  numbers.reserve(values.size());
  for (const Term value : values) numbers.push_back(solver.value(value, copy));
  return relation.schema().pack(numbers);
}

std::optional<Failure> first_fault(Solver& solver, const Transition& step, unsigned copy,
                                   std::optional<PropertyId> property) {
  for (const Fault& fault : step.faults) {
    if (property && fault.failure.property != *property) continue;
    if (solver.value(fault.condition, copy) != 0) return fault.failure;
  }
  return std::nullopt;
}

std::string choice_name(const Relation& relation, Term input) {
  std::string name = relation.variables().variables().at(input.node()->value).name;
  constexpr std::string_view kPrefix = "choice.";
  if (name.starts_with(kPrefix)) name.erase(0, kPrefix.size());
  return name;
}

}  // namespace iommucheck::checker
