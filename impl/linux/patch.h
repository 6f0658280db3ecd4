// SPDX-License-Identifier: MIT
// A patch to a tree that is not touched: the files it changes, as they would be.
#ifndef IOMMUCHECK_IMPL_LINUX_PATCH_H
#define IOMMUCHECK_IMPL_LINUX_PATCH_H

#include <filesystem>
#include <map>
#include <string>

#include "impl/linux/tree.h"

namespace iommucheck::linux_harness {

/// Applies a unified diff (`git format-patch`, `diff -u`; paths with one leading component) to
/// copies of the files that it names.  Gives the new text of each, by its path in the tree.
/// Throws HarnessError: no such file, not a patch, it does not apply (with patch's own words).
std::map<std::string, std::string> apply_patch(Cache& cache, const SourceTree& tree,
                                               const std::filesystem::path& patch);

/// The tree with these texts: links to all other files.  For changes that reach beyond the file
/// under test.
SourceTree changed_tree(Cache& cache, const SourceTree& tree,
                        const std::map<std::string, std::string>& texts);

}  // namespace iommucheck::linux_harness

#endif  // IOMMUCHECK_IMPL_LINUX_PATCH_H
