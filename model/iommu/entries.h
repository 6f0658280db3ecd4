// SPDX-License-Identifier: MIT
// The designs of domains, attachments and SVA.
#ifndef IOMMUCHECK_MODEL_IOMMU_ENTRIES_H
#define IOMMUCHECK_MODEL_IOMMU_ENTRIES_H

#include "model/registry.h"

namespace iommucheck::model {

struct AttachBounds;
struct IommuBounds;

/// The bounds that the SVA designs share, and what they mean.  Throws UsageError where they
/// contradict one another.
std::vector<BoundInfo> common_iommu_bounds();
IommuBounds to_iommu_bounds(const BoundValues& values);

/// The same for the designs of attachments and of the DMA-API PASID.
std::vector<BoundInfo> common_attach_bounds();
AttachBounds to_attach_bounds(const BoundValues& values);

const DesignEntry& sva_attach_handle();
const DesignEntry& sva_deferred();
const DesignEntry& sva_mm_data();
const DesignEntry& sva_pasid_lib();
const DesignEntry& sva_intel_svm();
const DesignEntry& sva_rfc2();
const DesignEntry& sva_enclosing();
const DesignEntry& attach_group();
const DesignEntry& dma_pasid_group();
const DesignEntry& dma_pasid_device();

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOMMU_ENTRIES_H
