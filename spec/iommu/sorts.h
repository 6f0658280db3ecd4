// SPDX-License-Identifier: MIT
// What the things of the IOMMU specification are elements of, where they are interchangeable.
#ifndef IOMMUCHECK_SPEC_IOMMU_SORTS_H
#define IOMMUCHECK_SPEC_IOMMU_SORTS_H

#include "core/var.h"

namespace iommucheck::iommu {

/// Sorts of the machine that the state is part of.
struct Sorts {
  Sort pasids = {}, mms = {}, clients = {};
};

}  // namespace iommucheck::iommu

#endif  // IOMMUCHECK_SPEC_IOMMU_SORTS_H
