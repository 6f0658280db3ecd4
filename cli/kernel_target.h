// SPDX-License-Identifier: MIT
// The kernel's own ioasid.c as a target of the conformance check.
#ifndef IOMMUCHECK_CLI_KERNEL_TARGET_H
#define IOMMUCHECK_CLI_KERNEL_TARGET_H

#include "conformance/check.h"
#include "impl/linux/ioasid.h"

namespace iommucheck::cli {

/// The bounds of the specification for a kernel with static sets and no references.
ioasid::Bounds kernel_bounds();

class KernelTarget : public conformance::Target {
 public:
  explicit KernelTarget(linux_harness::KernelIoasid& kernel) : runner_(kernel), target_(runner_) {}
  /// Calls as this kernel can make them: free() takes no set, and no id lies beyond the window.
  conformance::Execution execute(std::span<const ioasid::Call> calls, ioasid::Oracle& oracle,
                                 conformance::ContractMode mode) override;
  bool supports(ioasid::CallKind kind) const override { return target_.supports(kind); }

 private:
  class Runner : public conformance::SequenceRunner {
   public:
    explicit Runner(linux_harness::KernelIoasid& kernel) : kernel_(kernel) {}
    std::vector<conformance::Step> run(std::span<const ioasid::Call> calls) override;
    bool supports(ioasid::CallKind kind) const override {
      return linux_harness::KernelIoasid::supports(kind);
    }

   private:
    linux_harness::KernelIoasid& kernel_;
  };
  Runner runner_;
  conformance::RunnerTarget target_;
};

}  // namespace iommucheck::cli

#endif  // IOMMUCHECK_CLI_KERNEL_TARGET_H
