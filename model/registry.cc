// SPDX-License-Identifier: MIT
// The list of designs, and what is said of bounds and bugs that are not there.
#include "model/registry.h"

#include <fmt/format.h>

#include "model/dma_resv/entries.h"
#include "model/ioasid/entries.h"
#include "model/iommu/entries.h"
#include "model/iopf/entries.h"
#include "model/mm/entries.h"
#include "model/reference/entries.h"
#include "model/vtd/entries.h"

namespace iommucheck::model {

const BoundInfo& find_bound(const std::vector<BoundInfo>& bounds, std::string_view owner,
                            std::string_view name) {
  std::string names;
  for (const auto& b : bounds) {
    if (b.name == name) return b;
    names += fmt::format("{}--{}", names.empty() ? "" : ", ", b.name);
  }
  throw UsageError(fmt::format("{} has no bound --{}; it has {}", owner, name, names));
}

BoundInfo memory_bound() {
  return {"memory",
          0,
          2,
          0,
          "sc: sequentially consistent; tso: stores wait in a buffer; pso: those to different "
          "locations in no order",
          {"sc", "tso", "pso"}};
}

BoundInfo stores_bound(unsigned standard) {
  return {"stores", 1, 4, standard, "stores of a CPU that wait at once, of --memory tso and pso"};
}

void check_stores(const BoundValues& values, unsigned standard) {
  if (values.at("memory") == 0 && values.at("stores") != standard)
    throw UsageError("--stores needs --memory tso or pso: with sc no store waits");
}

std::string memory_of(const BoundValues& values) {
  const auto memory = values.find("memory");
  switch (memory == values.end() ? 0 : memory->second) {
    case 1: return "total store order";
    case 2: return "partial store order";
    default: return "sequentially consistent";
  }
}

UsageError out_of_range(const BoundInfo& bound, std::string_view owner, std::string_view value) {
  return UsageError(fmt::format(
      "--{} {} is out of range: {} takes {} to {}{}", bound.name, value, owner, bound.min,
      bound.max, bound.words.empty() ? "" : fmt::format(", or {}", fmt::join(bound.words, ", "))));
}

BoundValues complete_bounds(const std::vector<BoundInfo>& bounds, std::string_view owner,
                            const BoundValues& values) {
  BoundValues all;
  for (const auto& b : bounds) all[b.name] = b.standard;
  for (const auto& [name, value] : values) {
    const BoundInfo& info = find_bound(bounds, owner, name);
    if (value < info.min || value > info.max)
      throw out_of_range(info, owner, fmt::format("{}", value));
    all[name] = value;
  }
  return all;
}

BoundValues DesignEntry::complete(const BoundValues& values) const {
  return complete_bounds(bounds(), name(), values);
}

const BugInfo& DesignEntry::bug(std::string_view bug_name) const {
  std::string names;
  for (const auto& b : bugs()) {
    if (b.name == bug_name) return b;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", b.name);
  }
  throw UsageError(fmt::format("{} has no bug '{}'; it has {}", name(), bug_name, names));
}

const std::vector<const DesignEntry*>& designs() {
  static const std::vector<const DesignEntry*> kDesigns{
      &ioasid_plain(),    &ioasid_refcounted(), &ioasid_sets(),       &sva_attach_handle(),
      &sva_mm_data(),     &sva_pasid_lib(),     &sva_intel_svm(),     &sva_rfc2(),
      &sva_enclosing(),   &attach_group(),      &dma_pasid_group(),   &dma_pasid_device(),
      &dma_resv_fences(), &vtd_pasid_entry(),   &vtd_attach_handle(), &sva_deferred(),
      &iopf_queue(),      &mm_lifecycle(),      &reference()};
  return kDesigns;
}

const DesignEntry& design(std::string_view name) {
  std::string names;
  for (const auto* d : designs()) {
    if (d->name() == name) return *d;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", d->name());
  }
  throw UsageError(fmt::format("there is no design '{}'; there are {}", name, names));
}

}  // namespace iommucheck::model
