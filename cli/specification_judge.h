// SPDX-License-Identifier: MIT
// Histories of kernel targets against the specification of domains.
#ifndef IOMMUCHECK_CLI_SPECIFICATION_JUDGE_H
#define IOMMUCHECK_CLI_SPECIFICATION_JUDGE_H

#include <functional>
#include <optional>

#include "conformance/iommu_history.h"
#include "impl/linux/target.h"

namespace iommucheck::cli {

/// How a target's calls are told to the specification.
struct Telling {
  conformance::IommuWorld world;
  /// What a call that was made does.  It may remember what it was told: it is copied for each
  /// history, and told the set-up's calls, then those of each thread.
  std::function<std::vector<conformance::IommuEffect>(const linux_harness::ScheduledCall& call,
                                                      bool in_setup)>
      effects;
};

/// None: the specification does not know the target, or a call of the scenario.
std::optional<Telling> telling(const linux_harness::Target& target,
                               const linux_harness::Scenario& scenario);

/// Of targets whose processes bind their address spaces (sva_calls.cc).
std::optional<Telling> tell_sva(const linux_harness::Target& target,
                                const linux_harness::Scenario& scenario);
/// Of the target iommu-group (group_calls.cc).
std::optional<Telling> tell_group(const linux_harness::Scenario& scenario);

/// What a result says: an error, or a number.  An error that the specification does not have is
/// one that it explains nowhere in these targets.
struct Answer {
  iommu::Err err = iommu::Err::ok;
  unsigned value = 0;
};
Answer answer(const std::string& result);

/// By the specification.  Throws std::runtime_error if already the set-up differs from it.
class SpecificationJudge {
 public:
  SpecificationJudge(Telling telling, const linux_harness::Scenario& scenario,
                     const linux_harness::Exploration& exploration)
      : telling_{std::move(telling)}, scenario_{scenario}, exploration_{exploration} {}
  conformance::Linearization operator()(const linux_harness::ScheduledHistory& history) const;

 private:
  Telling telling_;
  const linux_harness::Scenario& scenario_;
  const linux_harness::Exploration& exploration_;
};

/// Without the calls that were not made; `kept`, if given, says of further ones whether they count.
linux_harness::ScheduledHistory without_calls_not_made(
    const linux_harness::ScheduledHistory& history, const std::vector<bool>& kept = {});

}  // namespace iommucheck::cli

#endif  // IOMMUCHECK_CLI_SPECIFICATION_JUDGE_H
