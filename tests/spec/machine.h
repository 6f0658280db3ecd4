// SPDX-License-Identifier: MIT
// The IOASID specification as a machine in either domain, for tests that ask no more of it: its
// templates are compiled once.
#ifndef IOMMUCHECK_TESTS_SPEC_MACHINE_H
#define IOMMUCHECK_TESTS_SPEC_MACHINE_H

#include <memory>

#include "core/machine.h"
#include "spec/ioasid/bounds.h"

namespace iommucheck::ioasid {

std::unique_ptr<Machine<Concrete>> concrete_spec(const Bounds& bounds);
/// While a TermArena is current.
std::unique_ptr<Machine<Symbolic>> symbolic_spec(const Bounds& bounds);

}  // namespace iommucheck::ioasid

#endif  // IOMMUCHECK_TESTS_SPEC_MACHINE_H
