// SPDX-License-Identifier: MIT
// The reference model as an entry of the registry.
#ifndef IOMMUCHECK_MODEL_REFERENCE_ENTRIES_H
#define IOMMUCHECK_MODEL_REFERENCE_ENTRIES_H

#include "model/registry.h"

namespace iommucheck::model {

const DesignEntry& reference();

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_REFERENCE_ENTRIES_H
