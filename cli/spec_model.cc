// SPDX-License-Identifier: MIT
// The specifications with bounds from the command line.
#include "cli/spec_model.h"

#include "spec/ioasid/spec_machine.h"
#include "spec/iommu/spec_machine.h"
#include "spec/iommufd/spec_machine.h"

namespace iommucheck::cli {
namespace {

using model::BoundInfo;
using model::BoundValues;

/// A specification, SpecMachine<D> constructed from `Bounds`, as an entry.
template <template <class> class SpecMachine, class Bounds>
class Specification : public model::DesignEntry {
 public:
  using ToBounds = Bounds (*)(const BoundValues&);
  Specification(std::string name, std::string sentence, std::string source,
                std::vector<BoundInfo> bounds, ToBounds to_bounds)
      : name_(std::move(name)),
        sentence_(std::move(sentence)),
        source_(std::move(source)),
        bounds_(std::move(bounds)),
        to_bounds_(to_bounds) {}
  const std::string& name() const override { return name_; }
  const std::string& sentence() const override { return sentence_; }
  const std::string& source() const override { return source_; }
  const std::vector<BoundInfo>& bounds() const override { return bounds_; }
  const std::vector<model::BugInfo>& bugs() const override { return none_; }
  std::unique_ptr<Machine<Concrete>> concrete(const BoundValues& values,
                                              const std::string&) const override {
    return std::make_unique<SpecMachine<Concrete>>(to_bounds_(complete(values)));
  }
  std::unique_ptr<Machine<Symbolic>> symbolic(const BoundValues& values,
                                              const std::string&) const override {
    return std::make_unique<SpecMachine<Symbolic>>(to_bounds_(complete(values)));
  }

 private:
  std::string name_, sentence_, source_;
  std::vector<BoundInfo> bounds_;
  ToBounds to_bounds_;
  std::vector<model::BugInfo> none_;
};

const model::DesignEntry& ioasid_specification() {
  static const Specification<ioasid::SpecMachine, ioasid::Bounds> kEntry{
      "spec/ioasid",
      "IOASID sets, ids, custom allocators, notifiers",
      "6.1 drivers/iommu/ioasid.c; the series of 2020 (docs/ioasid.md)",
      {
          {"pasids", 1, 8, 2, "ids: 0 to N-1"},
          {"sets", 0, 4, 2, "IOASID sets"},
          {"data", 0, 4, 1, "different private data"},
          {"clients", 1, 4, 2, "clients that hold references"},
          {"ops", 0, 4, 3, "custom allocators; the first two share their functions"},
          {"notifiers", 0, 3, 1, "notifier blocks"},
          {"spids", 0, 3, 1, "set-private ids"},
          {"tokens", 0, 3, 1, "tokens that sets are made for"},
          {"capacity", 0, 8, 2, "the capacity at first, and the largest quota"},
      },
      [](const BoundValues& v) {
        return ioasid::Bounds{.ids = v.at("pasids"),
                              .sets = v.at("sets"),
                              .data = v.at("data"),
                              .clients = v.at("clients"),
                              .ops = v.at("ops"),
                              .notifiers = v.at("notifiers"),
                              .spids = v.at("spids"),
                              .tokens = v.at("tokens"),
                              .capacity = v.at("capacity")};
      }};
  return kEntry;
}

const model::DesignEntry& iommu_specification() {
  static const Specification<iommu::SpecMachine, iommu::Bounds> kEntry{
      "spec/iommu",
      "domains, attachments, PASIDs, processes and their bonds, the DMA-API PASID",
      "6.12 drivers/iommu/iommu.c and iommu-sva.c; the mails of 2021 and 2022 (docs/domains.md)",
      {
          {"devices", 1, 4, 2, "devices"},
          {"groups", 0, 4, 0, "IOMMU groups; device d is in group d modulo N; 0: one each"},
          {"kinds", 1, 2, 1, "kinds of IOMMU; group g is behind kind g modulo N"},
          {"pasids", 0, 4, 2, "PASIDs: 1 to N"},
          {"tables", 0, 4, 3, "domains in memory at once, those of the DMA API included"},
          {"pages", 0, 2, 0, "pages of a domain that can be mapped"},
          {"mms", 0, 3, 1, "processes"},
          {"clients", 1, 4, 2, "clients that bind"},
          {"bonds", 1, 3, 1, "bonds that a client holds at most"},
          {"tagging", 0, 1, 1, "1: processes tag their addresses"},
          {"hotplug", 0, 1, 1, "1: devices come and go"},
          {"owners", 0, 1, 1,
           "1: drivers come and go, clients claim groups, default domains change"},
      },
      [](const BoundValues& v) {
        iommu::Bounds b{.devices = v.at("devices"),
                        .groups = v.at("groups"),
                        .kinds = v.at("kinds"),
                        .pasids = v.at("pasids"),
                        .tables = v.at("tables"),
                        .pages = v.at("pages"),
                        .mms = v.at("mms"),
                        .clients = v.at("clients"),
                        .bonds = v.at("bonds")};
        if (b.groups > b.devices)
          throw model::UsageError("--groups: there are no more groups than --devices");
        if (b.kinds > b.group_count())
          throw model::UsageError("--kinds: there are no more kinds of IOMMU than groups");
        b.default_domains = b.tables != 0;
        b.dma_pasid = b.pasids != 0 && b.tables != 0;
        b.tagging = v.at("tagging") != 0;
        b.hotplug = v.at("hotplug") != 0;
        b.owners = v.at("owners") != 0;
        if (b.default_domains && b.tables < b.group_count())
          throw model::UsageError(
              "--tables: each group needs one for its default domain, or none "
              "(0) has any");
        return b;
      }};
  return kEntry;
}

const model::DesignEntry& iommufd_specification() {
  static const Specification<iommufd::SpecMachine, iommufd::Bounds> kEntry{
      "spec/iommufd",
      "objects of /dev/iommu: IOASes, page tables, devices on them, accesses, fault queues",
      "6.12 drivers/iommu/iommufd (docs/iommufd.md)",
      {
          {"devices", 1, 4, 2, "devices"},
          {"groups", 1, 4, 2, "IOMMU groups; device d is in group d modulo N"},
          {"kinds", 1, 2, 2, "kinds of IOMMU; group g is behind kind g modulo N"},
          {"ioases", 1, 4, 2, "IOASes at once"},
          {"tables", 0, 4, 2, "page tables at once that were asked for (IOMMU_HWPT_ALLOC)"},
          {"accesses", 0, 1, 1, "1: a driver whose devices have no IOMMU"},
          {"queues", 0, 1, 1, "1: a fault queue"},
      },
      [](const BoundValues& v) {
        const iommufd::Bounds b{.devices = v.at("devices"),
                                .groups = v.at("groups"),
                                .kinds = v.at("kinds"),
                                .ioases = v.at("ioases"),
                                .hwpts = v.at("tables"),
                                .accesses = v.at("accesses"),
                                .queues = v.at("queues")};
        if (b.groups > b.devices)
          throw model::UsageError("--groups: there are no more groups than --devices");
        if (b.kinds > b.groups)
          throw model::UsageError("--kinds: there are no more kinds of IOMMU than --groups");
        return b;
      }};
  return kEntry;
}

}  // namespace

const std::vector<const model::DesignEntry*>& specifications() {
  static const std::vector<const model::DesignEntry*> kAll{
      &ioasid_specification(), &iommu_specification(), &iommufd_specification()};
  return kAll;
}

const model::DesignEntry* find_specification(std::string_view name) {
  for (const auto* spec : specifications()) {
    if (name == spec->name() || name == spec->name().substr(5)) return spec;
  }
  return nullptr;
}

const model::DesignEntry& find_model(std::string_view name) {
  const auto* spec = find_specification(name);
  return spec != nullptr ? *spec : model::design(name);
}

}  // namespace iommucheck::cli
