// SPDX-License-Identifier: MIT
// The only instances of the specification's machine that most tests need.
#include "tests/spec/machine.h"

#include "spec/ioasid/spec_machine.h"

namespace iommucheck::ioasid {

std::unique_ptr<Machine<Concrete>> concrete_spec(const Bounds& bounds) {
  return std::make_unique<SpecMachine<Concrete>>(bounds);
}

std::unique_ptr<Machine<Symbolic>> symbolic_spec(const Bounds& bounds) {
  return std::make_unique<SpecMachine<Symbolic>>(bounds);
}

}  // namespace iommucheck::ioasid
