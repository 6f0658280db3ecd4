// SPDX-License-Identifier: MIT
// What the calls of impl/linux/glue/target_sva.c are to the specification.
#include "cli/sva_judge.h"

#include <fmt/format.h>

#include <map>
#include <stdexcept>

#include "conformance/sva_history.h"

namespace iommucheck::cli {
namespace {

using conformance::SvaCall;
using conformance::SvaEffect;
using conformance::SvaWorld;
using iommu::Err;
using linux_harness::ScheduledCall;

constexpr unsigned kProcess = 0, kOther = 1;  // the mms
constexpr unsigned kDevices = 3, kOtherFile = kDevices;

/// The target's world: devices 0 and 2 share a group, there is one PASID, and each device's file
/// holds bonds, as does the other process's.
SvaWorld world(std::size_t threads) {
  return {.bounds = {.devices = kDevices,
                     .groups = 2,
                     .pasids = 1,
                     .tables = 0,
                     .pages = 0,
                     .mms = 2,
                     .clients = kDevices + 1,
                     .bonds = 8,
                     .default_domains = false,
                     .dma_pasid = false,
                     .hotplug = true},
          .users = {static_cast<unsigned>(threads), 1},
          .held_elsewhere = {false, true}};
}

/// The error that a result stands for, and the number that it is otherwise.
std::pair<Err, unsigned> answer(const std::string& result) {
  static const std::map<std::string, Err> kErrors{{"-ENOMEM", Err::enomem},
                                                  {"-EIO", Err::enomem},  // the driver refuses
                                                  {"-ENOSPC", Err::enospc},
                                                  {"-EBUSY", Err::ebusy}};
  const auto found = kErrors.find(result);
  if (found != kErrors.end()) return {found->second, 0};
  // Another error is none that the specification knows: -EINVAL is not legal for any of the calls.
  if (result.starts_with('-')) return {Err::einval, 0};
  return {Err::ok, static_cast<unsigned>(std::stoul(result))};
}

std::vector<SvaEffect> effects_of(const ScheduledCall& call) {
  using Kind = SvaEffect::Kind;
  const std::string& name = call.call.words;
  const auto [err, value] = answer(call.result);
  const bool nomem = call.nomem || call.result == "-EIO";
  const auto bind = [&, e = err, v = value](unsigned file, unsigned device, unsigned mm) {
    return std::vector<SvaEffect>{{.kind = Kind::may_have, .mm = mm},
                                  {.kind = Kind::bind,
                                   .client = file,
                                   .device = device,
                                   .mm = mm,
                                   .err = e,
                                   .value = v,
                                   .nomem = nomem}};
  };
  const auto unbind = [](unsigned file) { return SvaEffect{.kind = Kind::unbind, .client = file}; };
  const auto number = [&] { return static_cast<unsigned>(name.back() - '0'); };
  if (name.starts_with("bind")) return bind(number(), number(), kProcess);
  if (name.starts_with("unbind")) return {unbind(number())};
  if (name.starts_with("pasid")) {
    auto all = bind(number(), number(), kProcess);
    if (err == Err::ok) all.push_back(unbind(number()));
    return all;
  }
  if (name == "exit") return {{.kind = Kind::put, .mm = kProcess}};
  if (name == "other0") {
    auto all = bind(kOtherFile, 0, kOther);
    all.insert(all.begin(), {.kind = Kind::get, .mm = kOther});
    all.push_back({.kind = Kind::put, .mm = kOther});
    return all;
  }
  if (name == "other_exit") return {{.kind = Kind::put, .mm = kOther}};
  if (name == "other_close") return {unbind(kOtherFile)};
  if (name == "unplug0") return {{.kind = Kind::release, .device = 0}};
  if (name.starts_with("tlp")) return {};  // no call of the API
  throw std::logic_error(fmt::format("the specification is not told what {} is", name));
}

SvaCall call_of(const ScheduledCall& call) {
  return {{call.thread, call.begins_before_my_end},
          fmt::format("{} = {}", call.call.text, call.result),
          effects_of(call)};
}

}  // namespace

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

SvaJudge::SvaJudge(const linux_harness::Scenario& scenario,
                   const linux_harness::Exploration& exploration)
    : scenario_{scenario}, exploration_{exploration} {}

conformance::Linearization SvaJudge::operator()(
    const linux_harness::ScheduledHistory& history) const {
  std::vector<SvaCall> setup, calls;
  for (const ScheduledCall& call : exploration_.setup) {
    if (call.result != linux_harness::kNotMade) setup.push_back(call_of(call));
  }
  for (const ScheduledCall& call : without_calls_not_made(history).calls)
    calls.push_back(call_of(call));
  try {
    return conformance::linearize(world(scenario_.threads.size()), setup, calls);
  } catch (const std::invalid_argument& e) {
    throw std::runtime_error(fmt::format("scenario {}: {}", scenario_.name, e.what()));
  }
}

}  // namespace iommucheck::cli
