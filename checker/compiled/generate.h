// SPDX-License-Identifier: MIT
// Generating C: the steps of a machine's relation as one function over packed states.
#ifndef IOMMUCHECK_CHECKER_COMPILED_GENERATE_H
#define IOMMUCHECK_CHECKER_COMPILED_GENERATE_H

#include <string>

#include "checker/relation/relation.h"

namespace iommucheck::checker {

struct Generated {
  std::string source;      ///< defines iommucheck_expand(), a CompiledSteps::Expand
  std::uint32_t room = 0;  ///< of CompiledSteps
};

/// The same steps as expand() (core/machine.h) takes: every process, step and choice.  What is the
/// same for several idle processes is computed once; a step's choices are unrolled where they are
/// few, so that what is chosen is a constant in its code.
///
/// While the relation's arena is current.  Throws std::length_error where a state has more
/// successors than code should be written for.
Generated generate(const Relation& relation);

}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_CHECKER_COMPILED_GENERATE_H
