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

constexpr unsigned kStores = 3;

std::vector<SvaBug> hotplug_bugs() {
  const BoundValues shared{{"threads", 2}, {"devices", 2}, {"groups", 1}, {"hotplug", 1}};
  BoundValues one = shared, cached = shared;
  one["threads"] = cached["threads"] = 1;
  one["bonds"] = cached["bonds"] = 2;
  cached["caches"] = 1;
  return {
      SvaBug({"sva-handle-dev-gone", "use after free",
              "6.12 iommu_sva_unbind_device() (docs/real-code.md)",
              "devices of a group share a handle, which knows the first one that was bound: that "
              "one is unbound and unplugged, and the unbind of the other one follows handle->dev",
              "no-use-after-free", one},
             [](auto& d) {
               d.edit(kUnbind).insert_before(
                   "mutex_lock(&iommu_sva_lock)", "dev = handle->dev",
                   [&d](auto& t) { d.touch_device(t, d.local(t).dev.value()); });
             }),
      SvaBug(
          {"joins-without-pasids", "wrong translation",
           "6.12 __iommu_probe_device(), by reading (docs/domains.md)",
           "a device that joins a group gets its domain, and not its PASIDs; a bind of it finds "
           "the handle, and succeeds",
           "hardware-follows-the-specification", one},
          [](auto& d) { d.edit(kProbeDevice).replace(kJoinPasids, "(left out)", [](auto&) {}); }),
      SvaBug({"joins-a-dead-process", "missing check", "mutant",
              "a device that joins a group gets the PASID of a process that has ended",
              "hardware-follows-the-specification", one},
             [](auto& d) {
               d.edit(kProbeDevice)
                   .replace(kJoinPasids, "ops->set_dev_pasid(domain, dev, pasid)",
                            [&d](auto& t) { d.join_pasid(t, false); });
             }),
      SvaBug({"release-keeps-entries", "missing invalidation", "mutant",
              "the PASID entries of a device that is unplugged stay",
              "hardware-follows-the-specification", one},
             [](auto& d) {
               d.edit(kReleaseDevice).replace("ops->release_device(dev)", "(left out)", [](auto&) {
               });
             }),
      SvaBug({"release-keeps-caches", "missing invalidation", "mutant",
              "the caches keep what a device that is unplugged has met",
              "hardware-follows-the-specification", cached},
             [](auto& d) {
               d.edit(kReleaseDevice)
                   .replace("ops->release_device(dev): the caches are invalidated", "(left out)",
                            [](auto&) {});
             }),
      SvaBug(
          {"leaves-without-drain",
           "lost wait",
           "mutant",
           "a device is unplugged while its page requests are handled: the last unbind waits for "
           "those of devices that are there",
           "no-use-after-free",
           {{"threads", 1},
            {"bonds", 2},
            {"devices", 2},
            {"groups", 1},
            {"hotplug", 1},
            {"faults", 1}}},
          [](auto& d) {
            auto& p = d.edit(kReleaseDevice);
            p.replace(kWaitPrq, "(no wait)", [](auto&) {});
            p.replace(kFlush, "(no wait)", [](auto&) {});
          }),
      SvaBug({"joins-without-lock", "lock", "mutant",
              "a device joins its group without group->mutex, while a PASID is attached",
              "driver-ops-paired", shared},
             [](auto& d) {
               auto& p = d.edit(kProbeDevice);
               p.drop("mutex_lock(&group->mutex)");
               p.replace("mutex_unlock(&group->mutex)", "(no lock)", [](auto&) {});
             }),
      SvaBug({"leaves-without-lock", "lock", "mutant",
              "a device leaves its group without group->mutex, while a PASID is attached",
              "driver-ops-paired", shared},
             [](auto& d) {
               auto& p = d.edit(kReleaseDevice);
               p.drop("mutex_lock(&group->mutex)");
               p.replace("mutex_unlock(&group->mutex)", "(no lock)", [](auto&) {});
             }),
  };
}

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
                                          [&] { d.set_dev(t, l.handle, l.dev + 1U); });
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

std::vector<SvaBug> tagging_bugs() {
  const BoundValues two{{"threads", 2}, {"tagging", 1}}, one{{"threads", 1}, {"tagging", 1}};
  return {
      SvaBug({"lam-check-then-act", "check, then act", "23e5d9ec2bab",
              "bind finds that addresses are not tagged; another thread turns tagging on, having "
              "found no PASID; bind goes on",
              "legal-answer", two},
             [](auto& d) {
               d.edit("prctl_enable_tagged_addr")
                   .drop("if (test_bit(MM_CONTEXT_LOCK_LAM, &mm->context.flags)) return -EBUSY");
             }),
      SvaBug({"tags-over-pasid", "wrong translation", "mutant",
              "prctl() does not look whether the process has a PASID", "legal-answer", one},
             [](auto& d) {
               d.edit("prctl_enable_tagged_addr").drop("if (mm_valid_pasid(mm)) return -EINVAL");
             }),
      SvaBug(
          {"pasid-over-tags", "wrong translation", "mutant",
           "bind does not look whether addresses are tagged", "legal-answer", one},
          [](auto& d) { d.edit(kBind).drop("if (!arch_pgtable_dma_compat(mm)) return -EBUSY"); }),
  };
}

std::vector<SvaBug> iommu_mm_mutants() {
  const BoundValues one{{"threads", 1}}, pso{{"threads", 2}, {"memory", 2}};
  return {
      SvaBug({"iommu-mm-stored-plainly", "memory ordering", "mutant",
              "mm->iommu_mm is stored without release: its pasid may be visible later",
              "legal-answer", pso},
             [](auto& d) {
               d.edit(kBind).replace(
                   "iommu_mm->pasid = pasid; smp_store_release(&mm->iommu_mm, iommu_mm)",
                   "iommu_mm->pasid = pasid; WRITE_ONCE(mm->iommu_mm, iommu_mm)", [&d](auto& t) {
                     auto&& l = d.local(t);
                     d.set_pasid(t, l.iommu_mm, l.pasid.value() + 1U);
                     d.memory.write_once(t, d.mm_location(l.mm), l.iommu_mm);
                   });
             }),
      SvaBug({"fork-copies-iommu-mm",
              "id reuse",
              "mutant",
              "the child keeps the pointer to its parent's iommu_mm, and with it the PASID",
              "legal-answer",
              {{"threads", 2}, {"mms", 2}, {"forks", 1}}},
             [](auto& d) { d.edit("fork").drop("mm_init(mm): mm_pasid_init(mm)"); }),
      SvaBug(
          {"iommu-mm-leaks", "leak", "mutant", "the last mmdrop() does not free mm->iommu_mm",
           "iommu-mm-lives-with-its-mm", one},
          [](auto& d) { d.everywhere([](auto& p) { return p.drop_all("kfree(mm->iommu_mm)"); }); }),
  };
}

std::vector<SvaBug> page_request_bugs() {
  const BoundValues faults{{"threads", 1}, {"faults", 1}};
  return {
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
  for (auto group : {tagging_bugs(), hotplug_bugs(), bond_lock_mutants<SvaBug>(),
                     bond_mutants<SvaBug>(), iommu_mm_mutants(), translation_mutants<SvaBug>(),
                     drain_mutants<SvaBug>(), page_request_bugs()})
    all.insert(all.end(), group.begin(), group.end());
  return all;
}

std::vector<BoundInfo> bounds() {
  std::vector<BoundInfo> all = common_iommu_bounds();
  all.push_back({"tagging", 0, 1, 0, "1: processes tag their addresses"});
  all.push_back({"hotplug", 0, 1, 0, "1: devices come and go"});
  all.push_back(memory_bound());
  all.push_back(stores_bound(kStores));
  return all;
}

IommuBounds to_bounds(const BoundValues& values) {
  check_stores(values, kStores);
  return to_iommu_bounds(values);
}

}  // namespace sva_attach_handle_bugs

const DesignEntry& sva_attach_handle() {
  static const TypedDesign<sva_attach_handle_bugs::OnGroups, IommuBounds> kEntry{
      "sva/attach-handle",
      "the handle of a (group, PASID) is shared and counted under iommu_sva_lock; on attach/group-pasid",
      "6.12 drivers/iommu/iommu-sva.c, iommu.c; kernel/fork.c",
      sva_attach_handle_bugs::bounds(),
      sva_attach_handle_bugs::to_bounds,
      sva_attach_handle_bugs::bugs()};
  return kEntry;
}

}  // namespace iommucheck::model
