// SPDX-License-Identifier: MIT
// The designs of page request queues.
#ifndef IOMMUCHECK_MODEL_IOPF_ENTRIES_H
#define IOMMUCHECK_MODEL_IOPF_ENTRIES_H

#include "model/registry.h"

namespace iommucheck::model {

const DesignEntry& iopf_queue();

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOPF_ENTRIES_H
