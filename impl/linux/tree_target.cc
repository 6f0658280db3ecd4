// SPDX-License-Identifier: MIT
#include "impl/linux/tree_target.h"

#include <algorithm>

#include <fmt/format.h>

#include "impl/linux/tree.h"

namespace iommucheck::linux_harness {
namespace {

/// A file that the other version has not: what a target drives may be in both, and its interface
/// another one.
const char* file_that_tells(const std::string& version) {
  return version == "6.1" ? "drivers/iommu/iommu-sva-lib.c" : "drivers/iommu/iommufd/fault.c";
}

}  // namespace

TreeTarget::TreeTarget(std::string name, std::string sentence, TreeFiles files)
    : name_{std::move(name)},
      sentence_{std::move(sentence)},
      package_{"linux-source-" + files.version},
      files_{std::move(files)},
      compiled_{files_.parts.libraries} {
  if (std::erase(files_.parts.libraries, file()) == 0) compiled_.push_back(file());
}

KernelBuild TreeTarget::prepare(Cache& cache, const SourceTree& tree) const {
  for (const std::string& needed : {file(), std::string{file_that_tells(files_.version)}}) {
    require_file(tree, needed,
                 fmt::format("this target is made for Linux {}; on Debian: apt-get install {}, "
                             "then --package {}",
                             files_.version, package_, package_));
  }
  KernelFiles wanted = present_files(tree, files_.prepared_as, compiled_, files_.configuration);
  wanted.header = files_.header;
  return linux_harness::prepare(cache, tree, wanted);
}

}  // namespace iommucheck::linux_harness
