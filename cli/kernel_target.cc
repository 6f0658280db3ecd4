// SPDX-License-Identifier: MIT
// Running call sequences on the kernel's code for the conformance check.
#include "cli/kernel_target.h"

#include <algorithm>
#include <stdexcept>

#include "impl/linux/ioasid_scenarios.h"

namespace iommucheck::cli {

ioasid::Bounds kernel_bounds() { return linux_harness::ioasid_harness_bounds(); }

conformance::Execution KernelTarget::execute(std::span<const ioasid::Call> calls,
                                             ioasid::Oracle& oracle,
                                             conformance::ContractMode mode) {
  std::vector<ioasid::Call> fitting(calls.begin(), calls.end());
  const std::uint32_t last = oracle.bounds().ids - 1;
  for (auto& call : fitting) {
    if (call.kind == ioasid::CallKind::free) call.args.set = 0;
    if (call.kind == ioasid::CallKind::alloc) call.args.max = std::min(call.args.max, last);
  }
  return target_.execute(fitting, oracle, mode);
}

std::vector<conformance::Step> KernelTarget::Runner::run(std::span<const ioasid::Call> calls) {
  std::vector<conformance::Step> steps;
  for (auto& step : kernel_.run(calls)) {
    conformance::Step result{step.outcome, std::nullopt};
    if (step.report) {
      const auto& report = *step.report;
      if (report.kind == "unmodelled kernel symbol" || report.kind == "runner died") {
        throw std::runtime_error("a gap of the harness, not of the kernel: " + print(report));
      }
      result.crash =
          conformance::Crash{report.kind, report.in_file.file, report.in_file.line, print(report)};
    }
    steps.push_back(std::move(result));
    // What follows a report is not to be trusted.
    if (steps.back().crash) break;
  }
  return steps;
}

}  // namespace iommucheck::cli
