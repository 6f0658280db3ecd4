// SPDX-License-Identifier: MIT
// Targets: files of the kernel that scenarios drive under the scheduler.
#ifndef IOMMUCHECK_IMPL_LINUX_TARGET_H
#define IOMMUCHECK_IMPL_LINUX_TARGET_H

#include <string>
#include <string_view>
#include <vector>

#include "impl/linux/scheduled.h"
#include "impl/linux/scheduled_runner.h"

namespace iommucheck::linux_harness {

class Target {
 public:
  virtual ~Target() = default;

  virtual std::string_view name() const = 0;      ///< "ioasid"
  virtual std::string_view sentence() const = 0;  ///< what is driven
  virtual std::string_view versions() const = 0;  ///< of Linux: "6.1"
  virtual std::string_view package() const = 0;   ///< of Debian, with a tree that has it
  /// What is compiled; `under_test` is the file whose lines reports and coverage name.
  virtual const RunnerParts& parts() const = 0;
  const std::string& file() const { return parts().under_test; }

  /// A tree that has been prepared to compile the target's files.  Throws HarnessError.
  virtual KernelBuild prepare(Cache& cache, const SourceTree& tree) const = 0;
  /// A runner for ScheduledKernel.
  Runner build(Cache& cache, const KernelBuild& build, const Changed& changed = {}) const {
    return build_scheduled_runner(cache, build, parts(), changed);
  }

  /// In the order in which they are listed.
  virtual const std::vector<Scenario>& written() const = 0;
  /// All ways to let `threads` (2 or 3) threads make one call each, out of a small set of calls,
  /// over several set-ups.  Names: "pair-7", "triple-12"; the sentence lists the calls.
  virtual std::vector<Scenario> generated(unsigned threads) const = 0;

  /// Whether the API lets `refused` answer what it does because `beside` is under way at the same
  /// time, so that no sequential order need show it.  Such a call counts as not made.
  virtual bool may_refuse(const ScheduledCall& refused, const ScheduledCall& beside) const {
    static_cast<void>(refused);
    static_cast<void>(beside);
    return false;
  }
};

const std::vector<const Target*>& targets();
/// Null: there is none.
const Target* find_target(std::string_view name);

/// Calls of a target whose calls are C functions: their names, with spaces between.
std::vector<TargetCall> calls(const std::string& names);
/// A scenario of them: the set-up's, and those of each thread.
Scenario scenario(std::string name, std::string sentence, const std::string& setup,
                  const std::vector<std::string>& threads);

/// Combines calls, one for each thread, over set-ups; `keeps` leaves combinations out.
std::vector<Scenario> combinations(const std::vector<std::vector<TargetCall>>& setups,
                                   const std::vector<TargetCall>& calls, unsigned threads,
                                   bool (*keeps)(const Scenario&) = nullptr);

const Target& arm_smmu_v3_sva_target();
const Target& dma_resv_target();
const Target& dma_iommu_target();
const Target& intel_pasid_target();
const Target& intel_svm_target();
const Target& iommu_group_target();
const Target& ioasid_target();
const Target& iommufd_device_target();
const Target& iommufd_fault_target();
const Target& iommufd_ioas_target();
const Target& iommufd_target();
const Target& iopf_target();
const Target& mmu_notifier_target();
const Target& sva_lib_target();
const Target& sva_target();

}  // namespace iommucheck::linux_harness

#endif  // IOMMUCHECK_IMPL_LINUX_TARGET_H
