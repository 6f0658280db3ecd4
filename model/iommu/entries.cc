// SPDX-License-Identifier: MIT
// The bounds that the designs of domains, attachments and SVA share.
#include "model/iommu/entries.h"

#include <algorithm>

#include "model/iommu/attach_records.h"
#include "model/iommu/records.h"

namespace iommucheck::model {

std::vector<BoundInfo> common_iommu_bounds() {
  return {
      {"threads", 1, 4, 2, "threads, each on a CPU of its own"},
      {"devices", 1, 3, 1, "devices"},
      {"groups", 0, 3, 0, "IOMMU groups; device d is in group d modulo N; 0: one each"},
      {"kinds", 1, 2, 1, "kinds of IOMMU; group g is behind kind g modulo N"},
      {"pasids", 1, 3, 1, "PASIDs: 1 to N"},
      {"mms", 1, 3, 1, "processes"},
      {"bonds", 1, 3, 1, "bonds that a thread holds at most"},
      {"calls", 0, 15, 0, "calls that each thread makes at most; 0: no limit"},
      {"caches", 0, 1, 0, "1: IOMMU and devices cache translations"},
      {"faults", 0, 1, 0, "1: devices send page requests, and two kernel threads handle them"},
      {"forks", 0, 1, 0, "1: processes fork"},
      {"untrusted", 0, 1, 0,
       "1: devices go on using a PASID that their driver has begun to give up"},
  };
}

std::vector<BoundInfo> common_attach_bounds() {
  return {
      {"threads", 1, 4, 2, "threads, each on a CPU of its own"},
      {"devices", 1, 3, 1, "devices"},
      {"groups", 0, 3, 0, "IOMMU groups; device d is in group d modulo N; 0: one each"},
      {"kinds", 1, 2, 1, "kinds of IOMMU; group g is behind kind g modulo N"},
      {"domains", 1, 3, 2, "domains in memory at once, beside the default ones"},
      {"resets", 0, 1, 1, "1: devices are reset"},
      {"calls", 0, 15, 0, "calls that each thread makes at most; 0: no limit"},
      {"caches", 0, 1, 0, "1: IOMMU and devices cache translations"},
  };
}

namespace {

/// 0 for a bound that the design does not have.
unsigned value_of(const BoundValues& values, const char* name) {
  const auto found = values.find(name);
  return found == values.end() ? 0U : found->second;
}
void check_groups(const iommu::Bounds& b) {
  if (b.groups > b.devices) throw UsageError("--groups: there are no more groups than --devices");
  if (b.kinds > b.group_count())
    throw UsageError("--kinds: there are no more kinds of IOMMU than groups");
}

}  // namespace

IommuBounds to_iommu_bounds(const BoundValues& values) {
  const auto get = [&](const char* name) { return value_of(values, name); };
  IommuBounds b;
  b.threads = get("threads");
  b.calls = get("calls");
  b.devices = get("devices");
  b.groups = get("groups");
  b.kinds = std::max(get("kinds"), 1U);
  b.pasids = get("pasids");
  b.mms = get("mms");
  b.bonds = get("bonds");
  b.caches = get("caches") != 0;
  b.faults = get("faults") != 0;
  b.untrusted = get("untrusted") != 0;
  b.forks = get("forks") != 0;
  b.enqcmd = get("enqcmd") != 0;
  b.tagging = get("tagging") != 0;
  b.hotplug = get("hotplug") != 0;
  if (b.hotplug && b.untrusted)
    throw UsageError(
        "--hotplug and --untrusted: a device that is unplugged sends nothing more; use one of them");
  b.pages = get("pages") != 0;
  b.memory = static_cast<MemoryModel>(get("memory"));
  b.stores = std::max(get("stores"), 1U);
  b.threads_told_apart = b.memory != MemoryModel::sc;
  check_groups(b.spec());
  return b;
}

AttachBounds to_attach_bounds(const BoundValues& values) {
  const auto get = [&](const char* name) { return value_of(values, name); };
  AttachBounds b;
  b.threads = get("threads");
  b.calls = get("calls");
  b.devices = get("devices");
  b.groups = get("groups");
  b.kinds = std::max(get("kinds"), 1U);
  b.pasids = get("pasids");
  b.domains = std::max(get("domains"), 1U);
  b.resets = get("resets") != 0;
  b.misuse = get("misuse") != 0;
  b.hotplug = get("hotplug") != 0;
  b.owners = get("owners") != 0;
  b.caches = get("caches") != 0;
  check_groups(b.spec());
  return b;
}

}  // namespace iommucheck::model
