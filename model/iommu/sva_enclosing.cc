// SPDX-License-Identifier: MIT
// sva/enclosing and its bugs: each is one change of the design.
#include "model/iommu/sva_enclosing.h"

#include "model/iommu/entries.h"
#include "model/iommu/sva_edits.h"

namespace iommucheck::model {
namespace sva_enclosing_bugs {

using EnclosingBug = Bug<SvaEnclosing>;

constexpr const char* kFind =
    "list_for_each_entry(domain, &iommu_mm->domains): the one that fits dev";
constexpr const char* kAdd =
    "kref_get(&iommu_mm->kref); list_add(&domain->next, &iommu_mm->domains)";
constexpr const char* kUndo =
    "list_del(&domain->next); kref_put(&iommu_mm->kref); iommu_domain_free(domain)";
constexpr const char* kPut = "kref_put(&iommu_mm->kref, iommu_mm_release)";
constexpr const char* kPublish =
    "iommu_mm->pasid = pasid; smp_store_release(&mm->iommu_mm, iommu_mm)";

std::vector<EnclosingBug> review_bugs() {
  const BoundValues one{{"threads", 1}};
  return {
      EnclosingBug({"domain-interchangeable",
                    "wrong translation",
                    "RFC v2 of 2022-03-29, and its review",
                    "bind takes any domain of the mm, whatever IOMMU the device is behind",
                    "domain-fits-device",
                    {{"threads", 2}, {"devices", 2}, {"kinds", 2}}},
                   [](auto& d) {
                     d.edit(kBind).replace(
                         kFind, "domain = list_first_entry_or_null(&iommu_mm->domains)",
                         [&d](auto& t) {
                           d.find_domain(t, false);
                           t.when(d.local(t).domain != 0U, [&] { t.jump(d.attach); });
                         });
                   }),
      EnclosingBug({"object-goes-with-last-domain", "id reuse",
                    "the review of 2022-03-30 by the letter; as before 2667ed10d9f0",
                    "only domains hold the object: the last unbind frees it, and with it the PASID "
                    "of a process that runs",
                    "legal-answer", one},
                   [](auto& d) {
                     d.edit(kUnbind).replace(
                         kPut, "kref_put(&iommu_mm->kref, iommu_mm_release): no domain is left",
                         [&d](auto& t) {
                           auto&& l = d.local(t);
                           // This domain and the mm.
                           t.when(
                               d.iommu_mm_data.at(l.iommu_mm).kref.read() == 2U,
                               [&] {
                                 d.mm.at(l.mm).iommu_mm = 0;
                                 d.release(t);
                               },
                               [&] { d.put_object(t); });
                         });
                   }),
      EnclosingBug(
          {"object-holds-its-mm", "leak", "the review of 2022-03-30 by the letter",
           "the object holds the mm, which holds the object", "mm-lives-as-long-as-held", one},
          [](auto& d) {
            d.edit(kBind).insert_after(kPublish, "iommu_mm->mm = mm; mmgrab(mm)",
                                       [&d](auto& t) { d.mm.at(d.local(t).mm).count.inc(); });
          }),
  };
}

std::vector<EnclosingBug> kref_mutants() {
  const BoundValues one{{"threads", 1}};
  const BoundValues devices{{"threads", 2}, {"devices", 2}};
  return {
      EnclosingBug(
          {"domain-does-not-hold-object", "reference", "mutant",
           "a domain has no kref of the object on whose list it is", "no-use-after-free", one},
          [](auto& d) {
            auto& bind = d.edit(kBind);
            bind.replace(kAdd, "list_add(&domain->next, &iommu_mm->domains) (no kref_get)",
                         [&d](auto& t) { d.set_on_list(t, true); });
            bind.insert_before(kUndo, "(no kref_put)", [&d](auto& t) {
              d.iommu_mm_data.at(d.local(t).iommu_mm).kref.inc();
            });
            d.edit(kUnbind).drop(kPut);
          }),
      EnclosingBug({"kref-not-put", "leak", "mutant", "a domain that goes keeps its kref",
                    "object-encloses-its-domains", one},
                   [](auto& d) { d.edit(kUnbind).drop(kPut); }),
      EnclosingBug({"kref-put-first", "order", "mutant",
                    "the domain puts its kref before it is off the list", "no-use-after-free", one},
                   [](auto& d) { d.edit(kUnbind).swap("list_del(&domain->next)", kPut); }),
      EnclosingBug({"domain-not-shared", "wrong answer", "mutant",
                    "bind makes a domain for each device, whatever is on the list",
                    "domains-are-shared", devices},
                   [](auto& d) { d.edit(kBind).drop(kFind); }),
      EnclosingBug(
          {"failed-attach-keeps-domain", "wrong error path", "mutant",
           "a bind whose attach fails leaves its new domain on the list", "domains-are-used", one},
          [](auto& d) { d.edit(kBind).replace(kUndo, "(left there)", [](auto&) {}); }),
  };
}

std::vector<EnclosingBug> bugs() {
  std::vector<EnclosingBug> all = review_bugs();
  for (auto group :
       {kref_mutants(), bond_lock_mutants<EnclosingBug>(), bond_mutants<EnclosingBug>(),
        translation_mutants<EnclosingBug>(), drain_mutants<EnclosingBug>()})
    all.insert(all.end(), group.begin(), group.end());
  return all;
}

}  // namespace sva_enclosing_bugs

const DesignEntry& sva_enclosing() {
  static const TypedDesign<SvaEnclosing, IommuBounds> kEntry{
      "sva/enclosing",
      "an object for each mm encloses its domains, one for each kind of IOMMU; on attach/group-pasid",
      "review of RFC v2 03/11 \"iommu/sva: Add iommu_domain type for SVA\", 2022-03-30",
      common_iommu_bounds(),
      to_iommu_bounds,
      sva_enclosing_bugs::bugs()};
  return kEntry;
}

}  // namespace iommucheck::model
