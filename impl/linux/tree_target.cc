// SPDX-License-Identifier: MIT
#include "impl/linux/tree_target.h"

#include <algorithm>

#include <fmt/format.h>

#include "impl/linux/tree.h"

namespace iommucheck::linux_harness {

TreeTarget::TreeTarget(std::string name, std::string sentence, TreeFiles files)
    : name_{std::move(name)},
      sentence_{std::move(sentence)},
      package_{"linux-source-" + files.version},
      files_{std::move(files)},
      compiled_{files_.parts.libraries} {
  if (std::erase(files_.parts.libraries, file()) == 0) compiled_.push_back(file());
}

KernelBuild TreeTarget::prepare(Cache& cache, const SourceTree& tree) const {
  std::vector<std::string> needed{file()};
  needed.insert(needed.end(), files_.needed.begin(), files_.needed.end());
  for (const std::string& one : needed) {
    require_file(tree, one,
                 fmt::format("this target is made for Linux {}; on Debian: apt-get install {}, "
                             "then --package {}",
                             files_.version, package_, package_));
  }
  KernelFiles wanted = present_files(tree, files_.prepared_as, compiled_, files_.configuration);
  wanted.header = files_.header;
  return linux_harness::prepare(cache, tree, wanted);
}

}  // namespace iommucheck::linux_harness
