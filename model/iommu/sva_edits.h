// SPDX-License-Identifier: MIT
// Bugs that several SVA designs have in common: what goes wrong around the PASID entries.
#ifndef IOMMUCHECK_MODEL_IOMMU_SVA_EDITS_H
#define IOMMUCHECK_MODEL_IOMMU_SVA_EDITS_H

#include <vector>

#include "model/registry.h"

namespace iommucheck::model {

inline constexpr const char* kBind = "iommu_sva_bind_device";
inline constexpr const char* kUnbind = "iommu_sva_unbind_device";

/// Of a design on attach/group-pasid.  SvaBug: a Bug of it.
template <class SvaBug>
std::vector<SvaBug> translation_mutants() {
  const BoundValues one{{"threads", 1}};
  const BoundValues cached{{"threads", 1}, {"caches", 1}};
  return {
      SvaBug({"detach-without-invalidation", "missing invalidation", "mutant",
              "unbind clears the PASID entry and leaves the caches",
              "hardware-follows-the-specification", cached},
             [](auto& d) {
               d.edit(kUnbind).replace(
                   "ops->remove_dev_pasid(device->dev, pasid): the caches are invalidated",
                   "(no invalidation)", [](auto&) {});
             }),
      SvaBug({"release-leaves-entries", "missing invalidation", "mutant",
              "the end of a process leaves the PASID entries that lead to it",
              "no-stale-translation", one},
             [](auto& d) {
               d.edit("do_exit").replace(
                   "mmu_notifier_release(mm): the driver clears a PASID entry",
                   "(the drivers are not told)", [](auto&) {});
             }),
      SvaBug({"release-leaves-caches", "missing invalidation", "mutant",
              "the end of a process clears the PASID entries and leaves the caches",
              "no-stale-translation", cached},
             [](auto& d) {
               auto& exit = d.edit("do_exit");
               const char* label = "mmu_notifier_release(mm): the driver invalidates the caches";
               exit.replace(label, "(no invalidation)", [](auto&) {});
             }),
      SvaBug({"page-tables-freed-first", "order", "mutant",
              "the page tables of a process are freed before the drivers are told",
              "no-stale-translation", one},
             [](auto& d) {
               d.edit("do_exit").insert_before(
                   "mmu_notifier_release(mm): the driver clears a PASID entry",
                   "free_pgtables(mm) (early)",
                   [&d](auto& t) { d.mm.at(d.local(t).mm).page_tables = false; });
             }),
  };
}

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOMMU_SVA_EDITS_H
