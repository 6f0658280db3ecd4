// SPDX-License-Identifier: MIT
#include "impl/linux/on_iommu_core.h"

#include "impl/linux/tree.h"

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

OnIommuCore::OnIommuCore(std::string file, std::string calls, std::string name,
                         std::vector<std::string> configuration, std::vector<std::string> entries)
    : parts_{std::move(file),
             kCoreFiles,
             {"kernel_facts.c", "kernel_base.c", std::move(calls)},
             true,
             std::move(entries)},
      prepared_as_{std::move(name)},
      configuration_{std::move(configuration)} {
  std::erase(parts_.libraries, parts_.under_test);
  for (const char* option : {"-DCONFIG_IOMMU_API=1", "-DCONFIG_IOMMU_SVA=1",
                             "-DCONFIG_IOMMU_MM_DATA=1", "-DCONFIG_IOMMU_IOPF=1"})
    configuration_.emplace_back(option);
}

KernelBuild OnIommuCore::prepare(Cache& cache, const SourceTree& tree) const {
  for (const std::string& needed : {kCoreFiles[0], kCoreFiles[1]}) {
    require_file(tree, needed,
                 "this target is made for Linux 6.12; on Debian: apt-get install "
                 "linux-source-6.12, then --package linux-source-6.12");
  }
  return linux_harness::prepare(cache, tree,
                                present_files(tree, prepared_as_, kCoreFiles, configuration_));
}

}  // namespace iommucheck::linux_harness
