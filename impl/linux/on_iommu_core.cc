// SPDX-License-Identifier: MIT
#include "impl/linux/on_iommu_core.h"

namespace iommucheck::linux_harness {
namespace {

const std::vector<std::string> kCoreFiles{"drivers/iommu/iommu-sva.c",
                                          "drivers/iommu/io-pgfault.c",
                                          "drivers/iommu/iommu.c",
                                          "drivers/iommu/iommu-traces.c",
                                          "lib/xarray.c",
                                          "lib/radix-tree.c",
                                          "lib/idr.c",
                                          "lib/find_bit.c",
                                          "lib/bitmap.c",
                                          "lib/refcount.c",
                                          "mm/mmap_lock.c"};

}  // namespace

TreeFiles on_iommu_core(std::string file, std::string calls) {
  return {.version = "6.12",
          .prepared_as = "iommu",
          .parts = {std::move(file),
                    kCoreFiles,
                    {"kernel_facts.c", "kernel_base.c", std::move(calls)},
                    true},
          .configuration = {"-DCONFIG_IOMMU_API=1", "-DCONFIG_IOMMU_SVA=1",
                            "-DCONFIG_IOMMU_MM_DATA=1", "-DCONFIG_IOMMU_IOPF=1"}};
}

}  // namespace iommucheck::linux_harness
