// SPDX-License-Identifier: MIT
// The design of address spaces.
#ifndef IOMMUCHECK_MODEL_MM_ENTRIES_H
#define IOMMUCHECK_MODEL_MM_ENTRIES_H

#include "model/registry.h"

namespace iommucheck::model {

const DesignEntry& mm_lifecycle();

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_MM_ENTRIES_H
