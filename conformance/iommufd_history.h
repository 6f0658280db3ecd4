// SPDX-License-Identifier: MIT
// Whether the specification of /dev/iommu explains what several threads were answered.
#ifndef IOMMUCHECK_CONFORMANCE_IOMMUFD_HISTORY_H
#define IOMMUCHECK_CONFORMANCE_IOMMUFD_HISTORY_H

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "conformance/linearize.h"
#include "spec/iommufd/call.h"

namespace iommucheck::conformance {

/// Something that a call does at one instant.
struct IommufdEffect {
  iommufd::Call call;
  std::optional<iommufd::Err> err;  ///< none: an error that the specification does not have
  bool if_attached = false;         ///< only where the device is attached
};

struct IommufdCall {
  CallTiming timing;
  std::string text;                    ///< "destroy0 = -EBUSY"
  std::vector<IommufdEffect> effects;  ///< in their order; none: nothing that is specified
};

/// `setup` came before, one call after the other.  The clients keep contracts: an order in which a
/// call breaks its own is none.  Throws std::invalid_argument if already the set-up is not legal.
Linearization linearize(const iommufd::Bounds& bounds, std::span<const IommufdCall> setup,
                        std::span<const IommufdCall> calls);

}  // namespace iommucheck::conformance

#endif  // IOMMUCHECK_CONFORMANCE_IOMMUFD_HISTORY_H
