// SPDX-License-Identifier: MIT
// What targets compile that are on the whole of 6.12's iommu.c, with iommu-sva.c and io-pgfault.c.
#ifndef IOMMUCHECK_IMPL_LINUX_ON_IOMMU_CORE_H
#define IOMMUCHECK_IMPL_LINUX_ON_IOMMU_CORE_H

#include "impl/linux/tree_target.h"

namespace iommucheck::linux_harness {

/// `file`: under test; `calls`: the glue file with the target's calls.
TreeFiles on_iommu_core(std::string file, std::string calls);

}  // namespace iommucheck::linux_harness

#endif  // IOMMUCHECK_IMPL_LINUX_ON_IOMMU_CORE_H
