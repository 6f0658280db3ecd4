// SPDX-License-Identifier: MIT
// Bugs that several SVA designs have in common.
#ifndef IOMMUCHECK_MODEL_IOMMU_SVA_EDITS_H
#define IOMMUCHECK_MODEL_IOMMU_SVA_EDITS_H

#include <vector>

#include "model/iommu/records.h"
#include "model/registry.h"

namespace iommucheck::model {

inline constexpr const char* kBind = "iommu_sva_bind_device";
inline constexpr const char* kUnbind = "iommu_sva_unbind_device";
inline constexpr const char* kWaitPrq =
    "drain_pasid_prq(): wait until the PRQ has no request of the PASID";
inline constexpr const char* kFlush = "drain_pasid_prq(): iopf_queue_flush_dev(dev)";

/// Of any design on IommuDesign: the end of a process.  SvaBug: a Bug of it.
template <class SvaBug>
std::vector<SvaBug> release_mutants() {
  const BoundValues one{{"threads", 1}};
  const BoundValues cached{{"threads", 1}, {"caches", 1}};
  return {
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

/// Of a design on attach/group-pasid: what goes wrong around the PASID entries.
template <class SvaBug>
std::vector<SvaBug> translation_mutants() {
  std::vector<SvaBug> all = release_mutants<SvaBug>();
  all.push_back(
      SvaBug({"detach-without-invalidation",
              "missing invalidation",
              "mutant",
              "unbind clears the PASID entry and leaves the caches",
              "hardware-follows-the-specification",
              {{"threads", 1}, {"caches", 1}}},
             [](auto& d) {
               d.edit(kUnbind).replace(
                   "ops->remove_dev_pasid(device->dev, pasid): the caches are invalidated",
                   "(no invalidation)", [](auto&) {});
             }));
  return all;
}

/// Of a design with page requests.
template <class SvaBug>
std::vector<SvaBug> drain_mutants() {
  const BoundValues faults{{"threads", 1}, {"faults", 1}};
  return {
      SvaBug({"detach-without-drain", "use after free", "mutant",
              "detach does not wait for page requests that point to the handle",
              "no-use-after-free", faults},
             [](auto& d) {
               auto& unbind = d.edit(kUnbind);
               unbind.drop(kWaitPrq);
               unbind.drop(kFlush);
             }),
  };
}

/// Of a design on SvaBonds: its locks.
template <class SvaBug>
std::vector<SvaBug> bond_lock_mutants() {
  const BoundValues two{{"threads", 2}};
  return {
      SvaBug({"bind-without-lock", "lock", "mutant", "bind takes no iommu_sva_lock", "legal-answer",
              two},
             [](auto& d) {
               auto& bind = d.edit(kBind);
               bind.drop("mutex_lock(&iommu_sva_lock)");
               bind.replace("mutex_unlock(&iommu_sva_lock)", "(no lock)", [](auto&) {});
             }),
      SvaBug({"unbind-without-lock", "lock", "mutant", "unbind takes no iommu_sva_lock",
              "refcounts", two},
             [](auto& d) {
               auto& unbind = d.edit(kUnbind);
               unbind.drop("mutex_lock(&iommu_sva_lock)");
               unbind.replace("mutex_unlock(&iommu_sva_lock)", "(no lock)",
                              [&d](auto& t) { t.when(d.local(t).handle == 0U, [&] { t.ret(); }); });
             }),
      SvaBug({"group-mutex-outside",
              "lock order",
              "mutant",
              "unbind takes group->mutex before iommu_sva_lock, bind after it",
              "no-deadlock",
              {{"threads", 2}, {"mms", 2}, {"pasids", 2}}},
             [](auto& d) {
               auto& unbind = d.edit(kUnbind);
               unbind.insert_before("mutex_lock(&iommu_sva_lock)",
                                    "mutex_lock(&group->mutex) (early)",
                                    [&d](auto& t) { d.lock_group(t); });
               unbind.replace("mutex_lock(&group->mutex)", "(group->mutex is held)",
                              [&d](auto& t) { d.first_device(t); });
               unbind.replace("mutex_unlock(&iommu_sva_lock)",
                              "mutex_unlock(&iommu_sva_lock), and group->mutex if it is held",
                              [&d](auto& t) {
                                t.when(d.holds_group(t), [&] { d.unlock_group(t); });
                                t.unlock(d.iommu_sva_lock);
                                t.when(d.local(t).handle == 0U, [&] { t.ret(); });
                              });
             }),
      SvaBug({"unbind-forgets-unlock", "lock", "mutant",
              "unbind returns with the lock held where other users of the handle are left",
              "locking", two},
             [](auto& d) {
               d.edit(kUnbind).replace(
                   "if (!refcount_dec_and_test(&handle->users))",
                   "if (!refcount_dec_and_test(&handle->users)) return", [&d](auto& t) {
                     auto&& l = d.local(t);
                     t.when(!d.iommu_sva.at(l.handle).users.dec_and_test(), [&] {
                       d.unbind_succeeds(t);
                       t.ret();
                     });
                     l.pasid = d.pasid_of(t, l.iommu_mm) - 1U;
                   });
             }),
  };
}

/// Of a design on SvaBonds that finds handles in group->pasid_array: its references, what it
/// publishes, and its clients.
template <class SvaBug>
std::vector<SvaBug> bond_mutants() {
  const BoundValues one{{"threads", 1}};
  const BoundValues two{{"threads", 2}};
  const BoundValues devices{{"threads", 2}, {"devices", 2}};
  return {
      SvaBug({"no-mmgrab", "reference", "mutant", "a domain holds no reference on its mm",
              "refcounts", one},
             [](auto& d) {
               d.edit(kBind).insert_after("domain = iommu_sva_domain_alloc(dev, mm); mmgrab(mm)",
                                          "(no mmgrab)", [&d](auto& t) {
                                            auto&& l = d.local(t);
                                            t.when(l.ret == Err::ok, [&] {
                                              static_cast<void>(d.mm.at(l.mm).count.dec_and_test());
                                            });
                                          });
             }),
      SvaBug({"mm-grabbed-twice", "leak", "mutant",
              "a domain takes two references on its mm, and drops one", "mm-lives-as-long-as-held",
              one},
             [](auto& d) {
               d.edit(kBind).insert_after("domain = iommu_sva_domain_alloc(dev, mm); mmgrab(mm)",
                                          "mmgrab(mm) (again)", [&d](auto& t) {
                                            auto&& l = d.local(t);
                                            t.when(l.ret == Err::ok,
                                                   [&] { d.mm.at(l.mm).count.inc(); });
                                          });
             }),
      SvaBug({"domain-users-not-counted", "reference", "mutant",
              "a second handle does not count on the domain", "domains-are-used", devices},
             [](auto& d) {
               d.edit(kBind).insert_before("refcount_set(&handle->users, 1)", "(not counted)",
                                           [&d](auto& t) {
                                             auto&& domain = d.iommu_domain.at(d.local(t).domain);
                                             t.when(domain.users == 2U, [&] { domain.users = 1; });
                                           });
             }),
      SvaBug({"handle-users-not-counted", "reference", "mutant",
              "a second bind of the same (device, mm) does not count on the handle",
              "handles-are-published", two},
             [](auto& d) {
               d.edit(kBind).replace("refcount_inc(&handle->users)", "(not counted)",
                                     [&d](auto& t) {
                                       d.bind_succeeds(t);
                                       t.jump(d.bind_unlock);
                                     });
             }),
      SvaBug({"handle-starts-at-zero", "reference", "mutant",
              "the handle is published with no user", "handles-are-published", two},
             [](auto& d) {
               d.edit(kBind).replace("refcount_set(&handle->users, 1)", "(users stays 0)",
                                     [&d](auto& t) { d.bind_succeeds(t); });
             }),
      SvaBug(
          {"domain-stays-on-list", "use after free", "mutant",
           "unbind frees the domain without taking it off the mm's list", "no-use-after-free", one},
          [](auto& d) { d.edit(kUnbind).drop("list_del(&domain->next)"); }),
      SvaBug({"handle-stays-published", "use after free", "mutant",
              "detach leaves the handle in group->pasid_array", "handles-are-published", one},
             [](auto& d) { d.edit(kUnbind).drop("xa_erase(&group->pasid_array, pasid)"); }),
      SvaBug({"domain-leaks", "leak", "mutant", "the last unbind does not free the domain",
              "domains-are-used", one},
             [](auto& d) {
               d.edit(kUnbind).replace("domain->ops->free(domain)", "(not freed)", [](auto&) {});
             }),
      SvaBug({"driver-unbinds-anothers", "contract", "mutant",
              "a driver unbinds a bond that is not its own", "contract", two},
             [](auto& d) {
               d.edit(kUnbind).arguments([&d](auto& t) {
                 auto&& l = d.local(t);
                 const auto who = t.choose(d.b.threads, "driver");
                 t.require(who != t.self());
                 l.handle = d.driver[who].handle[0U];
                 t.require(l.handle != 0U && d.thread()[who].pc == 0U && d.handle_of(t) == 0U);
               });
             }),
      SvaBug({"iommu-mm-published-early", "publication order", "mutant",
              "mm->iommu_mm is visible before its pasid is set", "legal-answer", two},
             [](auto& d) {
               auto& bind = d.edit(kBind);
               const char* label =
                   "iommu_mm->pasid = pasid; smp_store_release(&mm->iommu_mm, iommu_mm)";
               bind.insert_before(label, "mm->iommu_mm = iommu_mm (early)", [&d](auto& t) {
                 auto&& l = d.local(t);
                 d.publish_iommu_mm(t, l.mm, l.iommu_mm);
               });
             }),
      SvaBug({"rebind-of-own-mm-refused", "wrong error", "mutant",
              "a second bind of the same (device, mm) fails with -EBUSY", "legal-answer", two},
             [](auto& d) {
               d.edit(kBind).replace("if (attach_handle->domain->mm != mm) ret = -EBUSY",
                                     "ret = -EBUSY", [&d](auto& t) {
                                       d.takes_effect(t, iommu::CallKind::bind, d.bind_arguments(t),
                                                      Err::ebusy, 0);
                                     });
             }),
  };
}

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOMMU_SVA_EDITS_H
