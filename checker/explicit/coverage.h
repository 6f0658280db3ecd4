// SPDX-License-Identifier: MIT
// StepIndex: numbers the steps of a machine's code, so that workers count them in one array.
//
// Constant after construction.
#ifndef IOMMUCHECK_CHECKER_EXPLICIT_COVERAGE_H
#define IOMMUCHECK_CHECKER_EXPLICIT_COVERAGE_H

#include <cstdint>
#include <span>
#include <vector>

#include "checker/report.h"

namespace iommucheck::checker::explicit_state {

class StepIndex {
 public:
  /// Any machine of the factory has the same index.
  explicit StepIndex(const Machine<Concrete>& machine);

  /// Steps of all code; processes that share code share its steps.
  std::size_t size() const { return size_; }
  /// The number of the first step of each process's code.
  const std::vector<std::uint32_t>& base() const { return base_; }
  /// What is reported, in the order of the processes that have the code first.
  static std::vector<StepCoverage> report(const Machine<Concrete>& machine,
                                          std::span<const std::uint64_t> taken);

 private:
  std::size_t size_ = 0;
  std::vector<std::uint32_t> base_;
};

}  // namespace iommucheck::checker::explicit_state

#endif  // IOMMUCHECK_CHECKER_EXPLICIT_COVERAGE_H
