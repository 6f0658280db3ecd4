// SPDX-License-Identifier: MIT
// Telling the specification of domains what the kernel was asked and what it answered.
#include "cli/specification_judge.h"

#include <fmt/format.h>

#include <map>
#include <stdexcept>

namespace iommucheck::cli {

using iommu::Err;
using linux_harness::ScheduledCall;

Answer answer(const std::string& result) {
  static const std::map<std::string, Err> kErrors{
      {"-ENOMEM", Err::enomem}, {"-EIO", Err::enomem},  // the driver refuses
      {"-ENOSPC", Err::enospc}, {"-EBUSY", Err::ebusy},
      {"-EINVAL", Err::einval}, {"-EPERM", Err::eperm}};
  const auto found = kErrors.find(result);
  if (found != kErrors.end()) return {found->second, 0};
  // Only unmap() has it, which no target calls.
  if (result.starts_with('-')) return {Err::enoent, 0};
  return {Err::ok, static_cast<unsigned>(std::stoul(result))};
}

std::optional<Telling> telling(const linux_harness::Target& target,
                               const linux_harness::Scenario& scenario) {
  if (&target == &linux_harness::iommu_group_target()) return tell_group(scenario);
  return tell_sva(target, scenario);
}

linux_harness::ScheduledHistory without_calls_not_made(
    const linux_harness::ScheduledHistory& history, const std::vector<bool>& kept) {
  linux_harness::ScheduledHistory made = history;
  made.calls.clear();
  std::vector<std::size_t> from;
  for (std::size_t i = 0; i < history.calls.size(); ++i) {
    const ScheduledCall& call = history.calls[i];
    if (call.result == linux_harness::kNotMade || (!kept.empty() && !kept[i])) continue;
    from.push_back(i);
    made.calls.push_back(call);
  }
  for (ScheduledCall& call : made.calls) {
    std::uint32_t mask = 0;
    for (std::size_t i = 0; i < from.size(); ++i)
      mask |= (call.begins_before_my_end >> from[i] & 1U) << i;
    call.begins_before_my_end = mask;
  }
  return made;
}

conformance::Linearization SpecificationJudge::operator()(
    const linux_harness::ScheduledHistory& history) const {
  auto effects = telling_.effects;
  const auto tell = [&](const ScheduledCall& call, bool in_setup) {
    return conformance::IommuCall{{call.thread, call.begins_before_my_end},
                                  fmt::format("{} = {}", call.call.text, call.result),
                                  effects(call, in_setup)};
  };
  std::vector<conformance::IommuCall> setup, calls;
  for (const ScheduledCall& call : exploration_.setup) {
    if (call.result != linux_harness::kNotMade) setup.push_back(tell(call, true));
  }
  for (const ScheduledCall& call : without_calls_not_made(history).calls)
    calls.push_back(tell(call, false));
  try {
    return conformance::linearize(telling_.world, setup, calls);
  } catch (const std::invalid_argument& e) {
    throw std::runtime_error(fmt::format("scenario {}: {}", scenario_.name, e.what()));
  }
}

}  // namespace iommucheck::cli
