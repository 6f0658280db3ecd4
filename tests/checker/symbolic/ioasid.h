// SPDX-License-Identifier: MIT
// The IOASID specification in both domains, whole or without one of its requirements.
#ifndef IOMMUCHECK_TESTS_CHECKER_SYMBOLIC_IOASID_H
#define IOMMUCHECK_TESTS_CHECKER_SYMBOLIC_IOASID_H

#include <stdexcept>

#include "tests/checker/symbolic/machines.h"
#include "tests/spec/machine.h"

namespace iommucheck::checker {

/// `dropped` outlives the machines.
inline Both ioasid_spec(const ioasid::Bounds& bounds, const char* dropped = nullptr) {
  const auto without = [dropped](auto machine) {
    machine->context.requirements.dropped = dropped;
    return machine;
  };
  return {[=] { return without(ioasid::concrete_spec(bounds)); },
          [=] { return without(ioasid::symbolic_spec(bounds)); }};
}

/// The requirement or contract of the specification that contains `words`.
inline const char* sentence_with(const ioasid::Bounds& bounds, std::string_view words) {
  const Relation relation(ioasid_spec(bounds).symbolic);
  for (const char* sentence : relation.machine().context.sentences()) {
    if (std::string_view{sentence}.find(words) != std::string_view::npos) return sentence;
  }
  throw std::invalid_argument("the specification has no such sentence");
}

inline PropertyId property_named(const Relation& relation, std::string_view name) {
  const auto& properties = relation.machine().properties();
  for (std::size_t i = 0; i < properties.size(); ++i) {
    if (properties[i].name == name) return static_cast<PropertyId>(i);
  }
  throw std::invalid_argument("the machine has no such property");
}

}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_TESTS_CHECKER_SYMBOLIC_IOASID_H
