// SPDX-License-Identifier: MIT
// What threads may do at once: calls that keep their contracts in whatever order the threads run.
#ifndef IOMMUCHECK_SPEC_IOASID_ORDERS_H
#define IOMMUCHECK_SPEC_IOASID_ORDERS_H

#include <span>
#include <vector>

#include "spec/ioasid/oracle.h"

namespace iommucheck::ioasid {

/// Whether the set-up, and then the threads one after the other in every order, keep every call's
/// contract, each call with the first outcome that is legal.  `oracle` is left as it was.
bool keeps_contract_in_every_order(Oracle& oracle, std::span<const Call> setup,
                                   std::span<const std::vector<Call>> threads);

}  // namespace iommucheck::ioasid

#endif  // IOMMUCHECK_SPEC_IOASID_ORDERS_H
