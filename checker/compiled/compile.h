// SPDX-License-Identifier: MIT
// Making machine code of a machine's steps, with the C compiler of the machine it runs on.
#ifndef IOMMUCHECK_CHECKER_COMPILED_COMPILE_H
#define IOMMUCHECK_CHECKER_COMPILED_COMPILE_H

#include <stdexcept>

#include "checker/compiled/steps.h"
#include "checker/relation/relation.h"

namespace iommucheck::checker {

/// There is no compiler, it fails, or the code would be too large: the message says which.  The
/// machine can still be executed.
class CompileError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The compiler is $CC, or cc.  What was compiled before is taken from $XDG_CACHE_HOME/iommucheck
/// or ~/.cache/iommucheck (files named by a hash of their source, safe to delete).
/// Throws CompileError.
CompiledSteps compile_steps(const SymbolicFactory& factory);

}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_CHECKER_COMPILED_COMPILE_H
