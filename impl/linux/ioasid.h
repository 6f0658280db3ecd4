// SPDX-License-Identifier: MIT
// Runs sequences of IOASID calls on the ioasid.c of the user's kernel, unmodified, in user space.
//
// Not thread-safe; each object has a runner process of its own.
#ifndef IOMMUCHECK_IMPL_LINUX_IOASID_H
#define IOMMUCHECK_IMPL_LINUX_IOASID_H

#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "impl/linux/ioasid_words.h"
#include "impl/linux/report.h"
#include "impl/linux/runner.h"
#include "spec/ioasid/call.h"

namespace iommucheck::linux_harness {

/// The file of this target, relative to the tree.
inline constexpr std::string_view kIoasidFile = "drivers/iommu/ioasid.c";

/// What the targets of its time compile, iommu-sva-lib.c included: they share a configured kernel.
KernelFiles ioasid_kernel_files(const SourceTree& tree);
/// A tree that has been prepared to compile the target's files.  Throws HarnessError.
KernelBuild prepare_ioasid(Cache& cache, const SourceTree& tree);
/// A runner for KernelIoasid.
Runner build_ioasid(Cache& cache, const KernelBuild& build);

/// All in one: from a tree, or from a Debian source package.
Runner build_ioasid_tree(Cache& cache, const std::filesystem::path& tree);
Runner build_ioasid_package(Cache& cache, const std::string& package,
                            const std::filesystem::path& directory = "/usr/src");

struct IoasidOptions {
  /// Id 0 of a call is this IOASID.  Around multiples of 64 the xarray grows and shrinks most.
  std::uint32_t first_id = 0;
  /// A grace period after each call (any later use of a freed object is an error then), or only
  /// in synchronize_rcu() and at the end.
  bool grace_after_each_call = true;
  /// Report what nothing points to any more, after each call.
  bool leak_check = true;
  /// An ops that unregister has returned must not be touched: its driver may have freed it.
  bool poison_unregistered_ops = false;
  /// Record which lines of ioasid.c each call executes (slower: for one sequence, not for all).
  bool trace = false;
  /// CPU time after which a sequence counts as an endless loop.
  unsigned cpu_ms = 300;
};

/// A message of printk, and the line that printed it.
struct LogLine {
  std::string text;
  Frame where;
};

struct Step {
  ioasid::Outcome outcome;       ///< meaningful only if `returned`
  bool returned = false;         ///< false: the call crashed; there is a fatal report
  std::optional<Report> report;  ///< the fatal one, else the first
  std::vector<Report> others;    ///< what else was found during the call
  std::vector<LogLine> log;
  std::vector<unsigned> lines;  ///< with `trace`: lines of ioasid.c in the order of execution
};

class KernelIoasid {
 public:
  explicit KernelIoasid(Runner runner, IoasidOptions options = {});
  ~KernelIoasid();
  KernelIoasid(const KernelIoasid&) = delete;
  KernelIoasid& operator=(const KernelIoasid&) = delete;

  /// alloc, free, find, set_data, register_allocator, unregister_allocator.
  static bool supports(ioasid::CallKind kind);

  /// Executes the calls in fresh kernel state.  Ends with the first call that crashes: as many
  /// steps as calls were begun.  Calls that break their contract are executed as well.
  /// `client` and free()'s `set` do not exist in this kernel and are ignored.  `nomem`: 1 fails
  /// every allocation, n + 1 only the nth.  An id of the outcome that lies before the window wraps
  /// around; an allocator of kMaxOps + 1 and data of kMaxNumber + 1 are pointers nobody gave.
  /// Throws std::invalid_argument for a call that is not supported or whose numbers are too large.
  std::vector<Step> run(std::span<const ioasid::Call> calls);

  /// Where the tree defines the function, e.g. drivers/iommu/ioasid.c:389.
  Frame locate(ioasid::CallKind kind) const;

  const Runner& runner() const { return runner_; }
  IoasidOptions& options() { return options_; }

 private:
  class Impl;
  Runner runner_;
  IoasidOptions options_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace iommucheck::linux_harness

#endif  // IOMMUCHECK_IMPL_LINUX_IOASID_H
