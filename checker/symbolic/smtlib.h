// SPDX-License-Identifier: MIT
// Certificates: the proof by induction as SMT-LIB 2 files that any solver can re-check.
//
// A file is printed from the terms as they are: the shortcuts that the prover takes (what is kept
// trivially, words cut to their ranges) and Z3 itself are not trusted.  proofs/recheck runs a
// solver over a directory of them.
#ifndef IOMMUCHECK_CHECKER_SYMBOLIC_SMTLIB_H
#define IOMMUCHECK_CHECKER_SYMBOLIC_SMTLIB_H

#include <filesystem>
#include <string>
#include <vector>

#include "checker/relation/relation.h"

namespace iommucheck::checker {

/// One obligation; `step` is a transition of the relation, or its initial().  Unsatisfiable if and
/// only if the step leads from states that satisfy the invariants (the set-up: from nowhere) only
/// to such states, all values in their ranges, without a fault.
std::string smtlib_obligation(const Relation& relation, const Transition& step,
                              const std::string& title);

/// Writes an obligation for the set-up and for each transition into `directory`, which is made if
/// it is not there, and their names into its file `index`.  Gives the names.  Throws
/// std::runtime_error where it cannot write.
std::vector<std::string> write_certificate(const Relation& relation, const std::string& title,
                                           const std::filesystem::path& directory);

}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_CHECKER_SYMBOLIC_SMTLIB_H
