// SPDX-License-Identifier: MIT
// Targets on files of one kernel version, most of them compiled as they are: what remains to be
// said are the scenarios.
#ifndef IOMMUCHECK_IMPL_LINUX_TREE_TARGET_H
#define IOMMUCHECK_IMPL_LINUX_TREE_TARGET_H

#include "impl/linux/target.h"

namespace iommucheck::linux_harness {

/// What a target compiles.
struct TreeFiles {
  std::string version;      ///< of Linux: "6.1" or "6.12"
  std::string prepared_as;  ///< targets with the same files and configuration may share a tree
  RunnerParts parts;        ///< the libraries may have the file under test among them
  std::vector<std::string> configuration;  ///< "-DCONFIG_IOMMU_API=1", ...
  std::string header = {};                 ///< KernelFiles::header
};

class TreeTarget : public Target {
 public:
  TreeTarget(std::string name, std::string sentence, TreeFiles files);

  std::string_view name() const override { return name_; }
  std::string_view sentence() const override { return sentence_; }
  std::string_view versions() const override { return files_.version; }
  std::string_view package() const override { return package_; }
  const RunnerParts& parts() const override { return files_.parts; }
  KernelBuild prepare(Cache& cache, const SourceTree& tree) const override;

 private:
  const std::string name_, sentence_, package_;
  TreeFiles files_;
  std::vector<std::string> compiled_;
};

}  // namespace iommucheck::linux_harness

#endif  // IOMMUCHECK_IMPL_LINUX_TREE_TARGET_H
