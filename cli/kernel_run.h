// SPDX-License-Identifier: MIT
// A run of the conformance check on a kernel's ioasid.c, and its report.
#ifndef IOMMUCHECK_CLI_KERNEL_RUN_H
#define IOMMUCHECK_CLI_KERNEL_RUN_H

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace iommucheck::cli {

struct KernelRunOptions {
  std::uint64_t seed = 1;
  std::uint64_t calls = 100'000;  ///< executed and judged, over all windows
  std::uint64_t sequences = 0;    ///< at most so many; 0: as many as the calls need
  bool any_contract = false;      ///< execute calls that break their contract as well
};

/// One cause for which the kernel differs from the specification.
struct KernelDivergence {
  std::string cause;               ///< the call, and the sentence it breaks or the crash
  std::vector<std::string> calls;  ///< the shortest sequence, with what each call answered
  std::string allowed;             ///< what the specification allows for the last call
  std::string did;                 ///< what the code did
  std::string file;                ///< relative to the tree
  unsigned line = 0;
  bool contract_kept = true;
  std::string broken_contract;
  std::string report;  ///< of a crash: what the sanitizer said
  std::uint64_t hits = 0;
  unsigned window = 0;  ///< the IOASID that id 0 stands for
};

struct KernelRun {
  std::string source;  ///< the tree or package
  KernelRunOptions options;
  std::uint64_t calls = 0, sequences = 0, skipped = 0;
  double seconds = 0;
  std::vector<std::string> answers;  ///< "ioasid_find -ENOENT 1234": what was seen
  std::vector<KernelDivergence> divergences;
};

/// Builds the runner and checks.  Throws linux_harness::HarnessError.
KernelRun run_kernel(const std::optional<std::string>& tree,
                     const std::optional<std::string>& package, const KernelRunOptions& options,
                     const std::function<void(std::string_view)>& say);
nlohmann::ordered_json kernel_to_json(const KernelRun& run);
std::string print_kernel(const KernelRun& run);

}  // namespace iommucheck::cli

#endif  // IOMMUCHECK_CLI_KERNEL_RUN_H
