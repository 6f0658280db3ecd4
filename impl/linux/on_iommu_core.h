// SPDX-License-Identifier: MIT
// Targets on the whole of 6.12's iommu.c, with iommu-sva.c and io-pgfault.c.
#ifndef IOMMUCHECK_IMPL_LINUX_ON_IOMMU_CORE_H
#define IOMMUCHECK_IMPL_LINUX_ON_IOMMU_CORE_H

#include "impl/linux/target.h"

namespace iommucheck::linux_harness {

class OnIommuCore : public Target {
 public:
  /// `configuration`: -D options beside those of the core; `entries`: RunnerParts.
  OnIommuCore(std::string file, std::string calls, std::string name = "iommu",
              std::vector<std::string> configuration = {}, std::vector<std::string> entries = {});

  std::string_view versions() const override { return "6.12"; }
  std::string_view package() const override { return "linux-source-6.12"; }
  const RunnerParts& parts() const override { return parts_; }
  KernelBuild prepare(Cache& cache, const SourceTree& tree) const override;

 private:
  RunnerParts parts_;
  std::string prepared_as_;
  std::vector<std::string> configuration_;
};

}  // namespace iommucheck::linux_harness

#endif  // IOMMUCHECK_IMPL_LINUX_ON_IOMMU_CORE_H
