// SPDX-License-Identifier: MIT
// Histories of the target iommu-sva against the specification of domains.
#ifndef IOMMUCHECK_CLI_SVA_JUDGE_H
#define IOMMUCHECK_CLI_SVA_JUDGE_H

#include "conformance/linearize.h"
#include "impl/linux/scheduled.h"

namespace iommucheck::cli {

/// By the specification.  Throws std::runtime_error if already the set-up differs from it.
class SvaJudge {
 public:
  SvaJudge(const linux_harness::Scenario& scenario, const linux_harness::Exploration& exploration);
  conformance::Linearization operator()(const linux_harness::ScheduledHistory& history) const;

 private:
  const linux_harness::Scenario& scenario_;
  const linux_harness::Exploration& exploration_;
};

/// Without the calls that were not made; `kept`, if given, says of further ones whether they count.
linux_harness::ScheduledHistory without_calls_not_made(
    const linux_harness::ScheduledHistory& history, const std::vector<bool>& kept = {});

}  // namespace iommucheck::cli

#endif  // IOMMUCHECK_CLI_SVA_JUDGE_H
