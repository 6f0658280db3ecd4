// SPDX-License-Identifier: MIT
// Whether a machine really is symmetric: its steps must not tell the elements of a sort apart.
//
// A reduction of a machine that is not symmetric could miss violations.  So before each one, this
// looks at states of the machine: what can be done in a state, and what can be done after two
// elements have changed places, must be the same but for the change of places.
#ifndef IOMMUCHECK_CHECKER_SYMMETRY_ASYMMETRY_H
#define IOMMUCHECK_CHECKER_SYMMETRY_ASYMMETRY_H

#include <optional>
#include <span>
#include <string>

#include "checker/symmetry/canonicalizer.h"
#include "core/machine.h"

namespace iommucheck::checker::symmetry {

/// Where a machine tells two elements of a sort apart.
struct Asymmetry {
  std::vector<std::uint64_t> state;
  std::string sort;
  unsigned element = 0;        ///< this one and the next
  std::string program, label;  ///< the step; empty if an invariant sees the difference
  std::string field;           ///< what the step leaves different, if that is it
  std::string sentence;
};

/// The first difference that the states and each exchange of neighbours show.
///
/// Compared are, up to the permutations of the canonicalizer: the set of steps that can be taken
/// and the states they lead to, failures, deadlocks, and broken invariants.  A set: how many
/// choices lead to the same state does not matter for what can be reached.
std::optional<Asymmetry> find_asymmetry(Machine<Concrete>& machine,
                                        const Canonicalizer& canonicalizer,
                                        std::span<const std::vector<std::uint64_t>> states);

}  // namespace iommucheck::checker::symmetry

#endif  // IOMMUCHECK_CHECKER_SYMMETRY_ASYMMETRY_H
