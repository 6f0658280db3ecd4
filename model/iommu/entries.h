// SPDX-License-Identifier: MIT
// The designs of domains, attachments and SVA.
#ifndef IOMMUCHECK_MODEL_IOMMU_ENTRIES_H
#define IOMMUCHECK_MODEL_IOMMU_ENTRIES_H

#include "model/registry.h"

namespace iommucheck::model {

struct IommuBounds;

/// The bounds that the SVA designs share, and what they mean.  Throws UsageError where they
/// contradict one another.
std::vector<BoundInfo> common_iommu_bounds();
IommuBounds to_iommu_bounds(const BoundValues& values);

const DesignEntry& sva_attach_handle();
const DesignEntry& sva_mm_data();
const DesignEntry& sva_pasid_lib();

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOMMU_ENTRIES_H
