// SPDX-License-Identifier: MIT
// A view of a tree that was built in place, without what the build left in it.
//
// kbuild refuses `make O=` from such a tree, because make would find the old products in it.
// `make mrproper` would remove them, and is the user's decision.
#ifndef IOMMUCHECK_IMPL_LINUX_OVERLAY_H
#define IOMMUCHECK_IMPL_LINUX_OVERLAY_H

#include <filesystem>
#include <string>

#include "impl/linux/cache.h"

namespace iommucheck::linux_harness {

/// kbuild's own test.
bool is_built_in_place(const std::filesystem::path& root);

/// Directories with symbolic links to all source files of `root`; made anew when a file was added
/// or removed.  Edits of files show through.
std::filesystem::path link_overlay(Cache& cache, const std::filesystem::path& root,
                                   const std::string& key);

/// Links to all source files of `root`, in the empty directory `view`.
void link_sources(const std::filesystem::path& root, const std::filesystem::path& view);

}  // namespace iommucheck::linux_harness

#endif  // IOMMUCHECK_IMPL_LINUX_OVERLAY_H
