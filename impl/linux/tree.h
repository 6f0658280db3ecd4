// SPDX-License-Identifier: MIT
// Finds the kernel source that the user means: a directory, or a Debian source package.
//
// The user's tree is only read.  A tree that was built in place cannot be used as it is (kbuild
// refuses to build elsewhere from it): it is seen through a copy made of symbolic links.
#ifndef IOMMUCHECK_IMPL_LINUX_TREE_H
#define IOMMUCHECK_IMPL_LINUX_TREE_H

#include <filesystem>
#include <string>

#include "impl/linux/cache.h"

namespace iommucheck::linux_harness {

struct SourceTree {
  std::filesystem::path root;    ///< what is compiled: the user's tree, or the links, or the cache
  std::filesystem::path origin;  ///< what the user named
  std::string version;           ///< "6.1.158"
  std::string key;               ///< stays the same while the tree is edited
};

/// `--tree DIR`.  Throws HarnessError if it is no kernel tree.
SourceTree open_tree(Cache& cache, const std::filesystem::path& directory);

/// `--package linux-source-6.1`: DIRECTORY/NAME if it is unpacked, else DIRECTORY/NAME.tar.xz,
/// unpacked into the cache without the drivers and architectures that nobody here compiles.
SourceTree open_package(Cache& cache, const std::string& name,
                        const std::filesystem::path& directory = "/usr/src");

/// Throws HarnessError unless the tree has the file; says which kernels have it.
void require_file(const SourceTree& tree, const std::string& file, const std::string& advice);

}  // namespace iommucheck::linux_harness

#endif  // IOMMUCHECK_IMPL_LINUX_TREE_H
