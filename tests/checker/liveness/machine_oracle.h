// SPDX-License-Identifier: MIT
// Liveness of a machine by fixpoints over sets of its states: slow, and shares nothing with the
// engine but the machine itself.
#ifndef IOMMUCHECK_TESTS_CHECKER_LIVENESS_MACHINE_ORACLE_H
#define IOMMUCHECK_TESTS_CHECKER_LIVENESS_MACHINE_ORACLE_H

#include "checker/liveness/liveness.h"

namespace iommucheck::checker {

/// Throws std::length_error beyond `most` states.
Verdict oracle_verdict(Machine<Concrete>& machine, std::size_t property, Assume assume,
                       std::size_t most);

}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_TESTS_CHECKER_LIVENESS_MACHINE_ORACLE_H
