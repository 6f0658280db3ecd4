// SPDX-License-Identifier: MIT
// Configures a kernel for ARCH=um outside of its tree, and learns how it compiles a file.
//
// User-mode Linux has headers that make sense in a user program; the debug options push every
// lock, RCU and allocation primitive out of line, where the harness provides its own.
#ifndef IOMMUCHECK_IMPL_LINUX_PREPARE_H
#define IOMMUCHECK_IMPL_LINUX_PREPARE_H

#include <filesystem>
#include <string>
#include <vector>

#include "impl/linux/tree.h"

namespace iommucheck::linux_harness {

struct KernelBuild {
  SourceTree tree;
  std::filesystem::path directory;  ///< the O= directory; compilers run here
  std::string key;                  ///< changes with configuration, headers and compiler
};

/// What to compile and what the configuration cannot select for user-mode Linux.
struct KernelFiles {
  std::string name;                  ///< each has a build directory; targets may share one
  std::vector<std::string> files;    ///< "drivers/iommu/ioasid.c", ...
  std::vector<std::string> defines;  ///< "-DCONFIG_IOASID=1", ...
  std::string header = {};           ///< a glue file that is included before each; none: ""
};

/// Those of the files that the tree has.
KernelFiles present_files(const SourceTree& tree, std::string name,
                          const std::vector<std::string>& files, std::vector<std::string> defines);

/// Configures and prepares the tree (10 s, once for each state of its headers), and compiles each
/// file once the kernel's own way, so that its flags are known.
KernelBuild prepare(Cache& cache, const SourceTree& tree, const KernelFiles& wanted);

/// The compiler and the flags that the kernel's Makefiles use for `file`, without those that
/// concern warnings, optimisation, the memory model and output.
std::vector<std::string> compile_command(const KernelBuild& build, const std::string& file);

/// Splits a command as kbuild's .cmd files have it: quotes and backslashes, nothing else.
std::vector<std::string> split_command(std::string_view text);

}  // namespace iommucheck::linux_harness

#endif  // IOMMUCHECK_IMPL_LINUX_PREPARE_H
