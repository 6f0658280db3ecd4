// SPDX-License-Identifier: MIT
// What the calls of targets for shared virtual addressing are to the specification: those on
// impl/linux/glue/sva_world.h, and those on svm_world.h.
#include <algorithm>
#include <array>
#include <ranges>

#include "cli/specification_judge.h"

namespace iommucheck::cli {
namespace {

using conformance::IommuEffect;
using conformance::IommuWorld;
using iommu::CallKind;
using iommu::Err;
using linux_harness::Scenario;
using linux_harness::ScheduledCall;
using linux_harness::Target;
using Kind = IommuEffect::Kind;

constexpr unsigned kProcess = 0, kOther = 1;  // the mms

/// What the specification does not know, and what makes no difference to its answers.
constexpr std::array kNoCalls{"tlp",       "dma0",     "dma1",    "unmap",    "fault0",
                              "partial0",  "stray0",   "discard", "request0", "irq0",
                              "enable1",   "disable1", "stall0",  "watch",    "unload",
                              "same_asid", "own_",     "domain1", "one_task"};
constexpr std::array kCalls{"bind",   "unbind",     "pasid0",      "exit",     "other0",
                            "other1", "other_exit", "other_close", "no_table1"};

template <std::size_t N>
bool begins_with_any(const std::string& word, const std::array<const char*, N>& beginnings) {
  return std::ranges::any_of(beginnings,
                             [&](const char* beginning) { return word.starts_with(beginning); });
}

bool makes(const Scenario& scenario, std::string_view word) {
  return std::ranges::any_of(scenario.setup, [&](const auto& call) { return call.words == word; });
}

struct Teller {
  unsigned devices;
  bool has_table1;  ///< else a bind of device 1 may fail, for want of memory

  std::vector<IommuEffect> bind(const ScheduledCall& call, unsigned file, unsigned device,
                                unsigned mm) const {
    auto [err, value] = answer(call.result);
    const bool nomem = call.nomem || call.result == "-EIO" || (device == 1 && !has_table1);
    // Drivers have other words for it: -ENODEV, Intel's, and -ESRCH, Arm's.
    if (nomem && err == Err::enoent) err = Err::enomem;
    return {{.kind = Kind::may_have, .mm = mm},
            {.call = CallKind::bind,
             .client = file,
             .device = device,
             .mm = mm,
             .err = err,
             .value = value,
             .nomem = nomem}};
  }
  static IommuEffect unbind(unsigned file) { return {.call = CallKind::unbind, .client = file}; }
  std::vector<IommuEffect> bind_other(const ScheduledCall& call, unsigned device) const {
    auto all = bind(call, devices + device, device, kOther);
    all.insert(all.begin(), {.kind = Kind::get, .mm = kOther});
    all.push_back({.kind = Kind::put, .mm = kOther});
    return all;
  }

  std::vector<IommuEffect> operator()(const ScheduledCall& call, bool) const {
    const std::string& name = call.call.words;
    const auto number = static_cast<unsigned>(name.back() - '0');
    if (name.starts_with("bind")) return bind(call, number, number, kProcess);
    if (name.starts_with("unbind")) return {unbind(number)};
    if (name.starts_with("pasid")) {
      auto all = bind(call, number, number, kProcess);
      if (all.back().err == Err::ok) all.push_back(unbind(number));
      return all;
    }
    if (name == "exit") return {{.kind = Kind::put, .mm = kProcess}};
    if (name == "other_exit") return {{.kind = Kind::put, .mm = kOther}};
    if (name == "other_close") return {unbind(devices)};
    if (name.starts_with("other")) return bind_other(call, number);
    if (name == "unplug0") return {{.call = CallKind::release_device, .device = 0}};
    return {};
  }
};

}  // namespace

std::optional<Telling> tell_sva(const Target& target, const Scenario& scenario) {
  const bool has_sva_world =
      &target == &linux_harness::sva_target() || &target == &linux_harness::iopf_target();
  const bool has_svm_world = &target == &linux_harness::intel_svm_target() ||
                             &target == &linux_harness::arm_smmu_v3_sva_target();
  if (!has_sva_world && !has_svm_world) return {};
  const auto knows = [&](const linux_harness::TargetCall& call) {
    if (begins_with_any(call.words, kNoCalls) || begins_with_any(call.words, kCalls)) return true;
    // Under io-pgfault a device leaves its queue, under arm-smmu-v3-sva it binds no more.
    return has_sva_world && (call.words == "enable0" || call.words == "disable0" ||
                             call.words == "disable0_undrained" || call.words == "unplug0");
  };
  if (!std::ranges::all_of(scenario.setup, knows)) return {};
  for (const auto& calls : scenario.threads) {
    if (!std::ranges::all_of(calls, knows)) return {};
  }
  // Devices 0 and 2 share a group in one world.  Each device's file holds bonds, and one of the
  // other process's, or each of them.
  const unsigned devices = has_sva_world ? 3 : 2;
  const bool is_intel = &target == &linux_harness::intel_svm_target();
  const unsigned pasids = has_sva_world ? 1 : is_intel ? 3 : 2;
  const bool one_task = makes(scenario, "one_task") || makes(scenario, "exit");
  return Telling{{.bounds = {.devices = devices,
                             .groups = 2,
                             .pasids = pasids,
                             .tables = 0,
                             .pages = 0,
                             .mms = 2,
                             .clients = has_sva_world ? devices + 1 : 2 * devices,
                             .bonds = 8,
                             .default_domains = false,
                             .dma_pasid = false,
                             .hotplug = has_sva_world},
                  .users = {one_task ? 1 : static_cast<unsigned>(scenario.threads.size()), 1},
                  .held_elsewhere = {false, true}},
                 Teller{devices, !makes(scenario, "no_table1")}};
}

}  // namespace iommucheck::cli
