// SPDX-License-Identifier: MIT
// Builds a runner that explores schedules: kernel files whose memory accesses are scheduling
// points, our primitives, and the engine.
#ifndef IOMMUCHECK_IMPL_LINUX_SCHEDULED_RUNNER_H
#define IOMMUCHECK_IMPL_LINUX_SCHEDULED_RUNNER_H

#include <optional>
#include <string>
#include <string_view>

#include "impl/linux/runner.h"

namespace iommucheck::linux_harness {

/// Another text in place of the file under test: a mutant, or the file with a patch.
struct Changed {
  std::string kind = "scheduled";   ///< runners of one kind replace one another in the cache
  std::optional<std::string> text;  ///< none: the tree's own
};

/// Or finds it in the cache.  Throws HarnessError: with the compiler's words if the user's file
/// does not compile; or because this iommucheck was built with a sanitizer, which excludes the
/// engine's instrumentation.
Runner build_scheduled_runner(Cache& cache, const KernelBuild& build, const RunnerParts& parts,
                              const Changed& changed = {});

/// The engine and our primitives, as an archive to link with; empty in a build with a sanitizer.
std::string_view scheduled_archive();
/// What is included before each kernel file.
std::string_view scheduled_barriers();

}  // namespace iommucheck::linux_harness

#endif  // IOMMUCHECK_IMPL_LINUX_SCHEDULED_RUNNER_H
