// SPDX-License-Identifier: MIT
// The designs of DMA-BUF reservation objects.
#ifndef IOMMUCHECK_MODEL_DMA_RESV_ENTRIES_H
#define IOMMUCHECK_MODEL_DMA_RESV_ENTRIES_H

#include "model/registry.h"

namespace iommucheck::model {

const DesignEntry& dma_resv_fences();

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_DMA_RESV_ENTRIES_H
