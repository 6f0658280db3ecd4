// SPDX-License-Identifier: MIT
// Compiles kernel files, the tree's own libraries and our glue into one user-space program.
#ifndef IOMMUCHECK_IMPL_LINUX_RUNNER_H
#define IOMMUCHECK_IMPL_LINUX_RUNNER_H

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "impl/linux/control_flow.h"
#include "impl/linux/prepare.h"

namespace iommucheck::linux_harness {

/// A file of impl/linux/glue/, which the build puts into the library (see CMakeLists.txt).
struct GlueFile {
  std::string_view name, text;
  /// It is compiled as a kernel file, for the targets that ask for it.
  bool has_kernel_headers() const {
    return name.starts_with("kernel_") || name.starts_with("target_");
  }
};
const std::vector<GlueFile>& glue_files();

struct RunnerParts {
  std::string under_test;                ///< the kernel file whose executed lines are traced
  std::vector<std::string> libraries;    ///< kernel files it needs; those a tree lacks are left out
  std::vector<std::string> kernel_glue;  ///< the glue files that include kernel headers
  /// Other targets have these files, too: each is compiled once for all of them.
  bool has_relatives = false;
  /// Static names that the glue uses: what the kernel reaches by tables of its linker's.
  std::vector<std::string> entries = {};

  bool uses(const GlueFile& file) const {
    return std::find(kernel_glue.begin(), kernel_glue.end(), file.name) != kernel_glue.end();
  }
};

struct Runner {
  SourceTree tree;
  std::filesystem::path build_directory;  ///< where the kernel's generated headers are
  std::filesystem::path program;
  std::vector<std::string> unmodelled;  ///< kernel symbols that trap when they are used
  ControlFlow flow;                     ///< of a scheduled runner: see Exploration::covered
};

/// Builds the program under AddressSanitizer, or finds it in the cache.  Throws HarnessError with
/// the compiler's words if the user's file does not compile.
Runner build_runner(Cache& cache, const KernelBuild& build, const RunnerParts& parts);

}  // namespace iommucheck::linux_harness

#endif  // IOMMUCHECK_IMPL_LINUX_RUNNER_H
