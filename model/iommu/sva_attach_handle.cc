// SPDX-License-Identifier: MIT
// sva/attach-handle and its bugs: each is one change of the design.
#include "model/iommu/sva_attach_handle.h"

#include "model/iommu/entries.h"
#include "model/iommu/sva_edits.h"

namespace iommucheck::model {
namespace sva_attach_handle_bugs {

/// On attach/group-pasid.
template <class D>
using OnGroups = SvaAttachHandle<D>;
using SvaBug = Bug<OnGroups>;

constexpr const char* kWaitPrq =
    "drain_pasid_prq(): wait until the PRQ has no request of the PASID";
constexpr const char* kFlush = "drain_pasid_prq(): iopf_queue_flush_dev(dev)";

std::vector<SvaBug> kernel_bugs() {
  return {
      SvaBug({"sva-handle-dev-late",
              "publication order",
              "530f8f9c3546",
              "bind sets handle->dev after it has released iommu_sva_lock",
              "no-use-after-free",
              {{"threads", 2}, {"devices", 2}, {"groups", 1}}},
             [](auto& d) {
               auto& bind = d.edit(kBind);
               bind.drop("handle->dev = dev");
               bind.insert_after("mutex_unlock(&iommu_sva_lock)", "handle->dev = dev (late)",
                                 [&d](auto& t) {
                                   auto&& l = d.local(t);
                                   // The one that made the handle.
                                   t.when(l.ret == Err::ok && l.domain != 0U,
                                          [&] { d.iommu_sva.at(l.handle).dev = l.dev + 1U; });
                                 });
             }),
      SvaBug({"sva-unbind-last-mm",
              "use after free",
              "CVE-2026-23429",
              "unbind reads the mm's list of domains after it has freed the last domain, and with "
              "it perhaps the mm",
              "no-use-after-free",
              {{"threads", 1}}},
             [](auto& d) {
               d.edit(kUnbind).insert_after(
                   "domain->ops->free(domain)", "if (list_empty(&iommu_mm->sva_domains))",
                   [&d](auto& t) { d.iommu_mm_data.touch(d.local(t).iommu_mm); });
             }),
      SvaBug({"sva-wrong-pasid",
              "missing invalidation",
              "fdc69d39e77f",
              "the domain of the mm is attached at a PASID that is not the mm's",
              "pasid-means-its-owner",
              {{"threads", 1}, {"pasids", 2}, {"untrusted", 1}}},
             [](auto& d) {
               d.edit(kBind).insert_before(
                   "attach_handle = iommu_attach_handle_get(group, pasid, IOMMU_DOMAIN_SVA)",
                   "pasid = one that the driver chose", [&d](auto& t) {
                     auto&& l = d.local(t);
                     l.pasid = t.choose(d.b.pasids, "pasid");
                   });
             }),
      SvaBug({"pasid-undo-too-much",
              "wrong error path",
              "b025dea63cce",
              "the second device of a group refuses the domain, and it is removed from all three",
              "driver-ops-paired",
              {{"threads", 1}, {"devices", 3}, {"groups", 1}}},
             [](auto& d) {
               d.everywhere([&d](auto& p) {
                 return p.replace_all(
                     "err_revert: ops->remove_dev_pasid() of the devices before this one",
                     "err_revert: ops->remove_dev_pasid() of all devices", [&d](auto& t) {
                       auto&& l = d.local(t);
                       auto&& domain = d.iommu_domain.at(l.domain);
                       for (unsigned i = 0; i < d.b.devices; ++i) {
                         t.when(d.group_of(i) == d.group_of(l.dev),
                                [&] { d.hardware.clear(i, l.pasid.value(), domain.mm.value()); });
                       }
                     });
               });
             }),
      SvaBug({"prq-drain-deadlock",
              "deadlock",
              "6ef0505158f7, there with the mutex of intel/svm.c",
              "the fault handler takes the lock under which unbind waits for it",
              "no-deadlock",
              {{"threads", 1}, {"faults", 1}}},
             [](auto& d) {
               auto& handler = d.edit("iommu_sva_handle_iopf");
               handler.insert_before("if (!mmget_not_zero(", "mutex_lock(&iommu_sva_lock)",
                                     [&d](auto& t) { t.lock(d.iommu_sva_lock); });
               handler.insert_before("iopf_group_response(group, status)",
                                     "mutex_unlock(&iommu_sva_lock)",
                                     [&d](auto& t) { t.unlock(d.iommu_sva_lock); });
             }),
      SvaBug({"domain-interchangeable",
              "wrong translation",
              "RFC v2 of 2022-03-29, and its review",
              "a domain of one kind of IOMMU is attached to a device behind another",
              "domain-fits-device",
              {{"threads", 2}, {"devices", 2}, {"kinds", 2}}},
             [](auto& d) {
               d.everywhere([](auto& p) {
                 return p.drop_all("if (dev_iommu_ops(dev) != domain->owner) return -EINVAL");
               });
             }),
  };
}

std::vector<SvaBug> lock_mutants() {
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
                     l.pasid = d.iommu_mm_data.at(l.iommu_mm).pasid - 1U;
                   });
             }),
  };
}

std::vector<SvaBug> reference_mutants() {
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
      SvaBug(
          {"iommu-mm-leaks", "leak", "mutant", "the last mmdrop() does not free mm->iommu_mm",
           "iommu-mm-lives-with-its-mm", one},
          [](auto& d) { d.everywhere([](auto& p) { return p.drop_all("kfree(mm->iommu_mm)"); }); }),
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
  };
}

std::vector<SvaBug> answer_mutants() {
  const BoundValues two{{"threads", 2}};
  return {
      SvaBug({"iommu-mm-published-early", "publication order", "mutant",
              "mm->iommu_mm is visible before its pasid is set", "legal-answer", two},
             [](auto& d) {
               auto& bind = d.edit(kBind);
               const char* label =
                   "iommu_mm->pasid = pasid; smp_store_release(&mm->iommu_mm, iommu_mm)";
               bind.insert_before(label, "mm->iommu_mm = iommu_mm (early)", [&d](auto& t) {
                 auto&& l = d.local(t);
                 d.mm.at(l.mm).iommu_mm = l.iommu_mm;
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

std::vector<SvaBug> page_request_bugs() {
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
      SvaBug({"pasid-immediate-reuse",
              "id reuse",
              "CVE-2026-31462",
              "detach does not wait for requests in the PRQ; the lowest free PASID is the next "
              "process's, and gets the late fault",
              "page-request-reaches-its-process",
              {{"threads", 2}, {"faults", 1}, {"mms", 2}}},
             [](auto& d) {
               auto& unbind = d.edit(kUnbind);
               unbind.drop(kWaitPrq);
               unbind.drop(kFlush);
               unbind.insert_after(
                   "xa_erase(&group->pasid_array, pasid)",
                   "wait for the requests that have left the PRQ", [&d](auto& t) {
                     auto&& l = d.local(t);
                     d.with_request(l.device.value(), l.pasid.value(), [&](auto&& r) {
                       t.require(r.place == RequestPlace::none || r.place == RequestPlace::queued);
                     });
                   });
             }),
      SvaBug(
          {"drain-skipped-after-release", "lost wait", "v6.12.92",
           "the end of the process clears the entry without a drain; unbind finds it clear and "
           "does not drain either",
           "no-use-after-free", faults},
          [](auto& d) {
            auto& unbind = d.edit(kUnbind);
            unbind.replace(kWaitPrq, "if the entry was present: drain the PRQ", [&d](auto& t) {
              auto&& l = d.local(t);
              t.when(l.was_present != 0U, [&] {
                d.with_request(l.device.value(), l.pasid.value(), [&](auto&& r) { d.wait_prq(r); });
              });
            });
            unbind.replace(kFlush, "if the entry was present: flush the work queue", [&d](auto& t) {
              auto&& l = d.local(t);
              t.when(l.was_present != 0U, [&] {
                d.with_request(l.device.value(), l.pasid.value(), [&](auto&& r) { d.flush(r); });
              });
            });
          }),
  };
}

std::vector<SvaBug> bugs() {
  std::vector<SvaBug> all = kernel_bugs();
  for (auto group : {lock_mutants(), reference_mutants(), answer_mutants(),
                     translation_mutants<SvaBug>(), page_request_bugs()})
    all.insert(all.end(), group.begin(), group.end());
  return all;
}

}  // namespace sva_attach_handle_bugs

const DesignEntry& sva_attach_handle() {
  static const TypedDesign<sva_attach_handle_bugs::OnGroups, IommuBounds> kEntry{
      "sva/attach-handle",
      "the handle of a (group, PASID) is shared and counted under iommu_sva_lock; on attach/group-pasid",
      "6.12 drivers/iommu/iommu-sva.c, iommu.c; kernel/fork.c",
      common_iommu_bounds(),
      to_iommu_bounds,
      sva_attach_handle_bugs::bugs()};
  return kEntry;
}

}  // namespace iommucheck::model
