// SPDX-License-Identifier: MIT
// The designs of Intel VT-d.
#ifndef IOMMUCHECK_MODEL_VTD_ENTRIES_H
#define IOMMUCHECK_MODEL_VTD_ENTRIES_H

#include "model/registry.h"

namespace iommucheck::model {

const DesignEntry& vtd_pasid_entry();
const DesignEntry& vtd_attach_handle();

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_VTD_ENTRIES_H
