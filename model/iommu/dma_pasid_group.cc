// SPDX-License-Identifier: MIT
// dma-pasid/group and its bugs: each is one change of the design.
#include "model/iommu/dma_pasid_group.h"

#include "model/iommu/attach_edits.h"
#include "model/iommu/entries.h"

namespace iommucheck::model {
namespace dma_pasid_group_bugs {

using DmaBug = Bug<DmaPasidGroup>;

constexpr const char* kGet = "iommu_get_dma_api_pasid";
constexpr const char* kDestroy = "iommu_destroy_dma_api_pasid";
constexpr const char* kMovePasid = "ops->set_dev_pasid(new_domain, gdev->dev, group->dma_pasid)";
constexpr const char* kMovePasidFlush =
    "ops->set_dev_pasid(new_domain, gdev->dev, group->dma_pasid): the caches are invalidated";
constexpr const char* kRemovePasid = "ops->remove_dev_pasid(gdev->dev, group->dma_pasid)";
constexpr const char* kRemovePasidFlush =
    "ops->remove_dev_pasid(gdev->dev, group->dma_pasid): the caches are invalidated";
constexpr const char* kFollows = "dma-pasid-translates-as-the-rid";

std::vector<DmaBug> kernel_bugs() {
  return {
      DmaBug({"dma-pasid-diverges",
              "wrong translation",
              "the review of 2021-12-08",
              "what the group is attached to changes: the RID moves, the PASID stays",
              kFollows,
              {{"threads", 1}}},
             [](auto& d) {
               d.everywhere(
                   [](auto& p) { return p.replace_all(kMovePasid, "(left out)", [](auto&) {}); });
             }),
      DmaBug({"detach-wrong-domain",
              "refcount underflow",
              "CVE-2025-21833",
              "destroy detaches the PASID from the default domain instead of the attached one; the "
              "driver does not find it there, and drops a reference of others all the same",
              "refcounts",
              {{"threads", 1}}},
             [](auto& d) {
               d.edit(kDestroy).replace(
                   kRemovePasid, "ops->remove_dev_pasid(gdev->dev, pasid, group->default_domain)",
                   [&d](auto& t) {
                     d.hardware.with(d.local(t).device, d.dma_at(t).pasid,
                                     [](unsigned, unsigned, auto&& h) {
                                       h.set = 0;
                                       h.entry = 0;
                                     });
                     d.drop_user(d.default_domain(t));
                   });
             }),
  };
}

std::vector<DmaBug> lock_mutants() {
  const BoundValues two{{"threads", 2}};
  return {
      DmaBug({"get-without-lock", "lock", "mutant", "get takes no group->mutex", kFollows, two},
             without_group_mutex(kGet)),
      DmaBug({"destroy-without-lock", "lock", "mutant", "destroy takes no group->mutex",
              "driver-ops-paired", two},
             without_group_mutex(kDestroy)),
      DmaBug({"attach-without-lock",
              "lock",
              "mutant",
              "attach takes no group->mutex",
              kFollows,
              {{"threads", 1}}},
             without_group_mutex(kAttach)),
      DmaBug({"pasid-moves-after-unlock", "order", "mutant",
              "attach moves the PASID when it has released the lock", kFollows, two},
             [](auto& d) {
               auto& attach = d.edit(kAttach);
               attach.replace(kMovePasid, "(later)", [](auto&) {});
               attach.insert_after(
                   "mutex_unlock(&group->mutex)",
                   "ops->set_dev_pasid(new_domain, dev, group->dma_pasid) (late)", [&d](auto& t) {
                     auto&& l = d.local(t);
                     const auto pasid = d.dma_at(t).pasid.value();
                     const auto to = d.group_at(t).domain.value();
                     d.hardware.with(l.dev, pasid, [&](unsigned, unsigned, auto&& h) {
                       t.when(pasid != 0U && h.set != to,
                              [&] { d.switch_entry(l.dev, pasid, h.set, to); });
                     });
                   });
             }),
  };
}

std::vector<DmaBug> pasid_mutants() {
  const BoundValues one{{"threads", 1}};
  const BoundValues shared{{"threads", 1}, {"devices", 2}, {"groups", 1}};
  const BoundValues resets{{"threads", 1}, {"resets", 1}};
  return {
      DmaBug({"pasid-moves-on-one-device", "wrong translation", "mutant",
              "the PASID moves on the first device of the group only", kFollows, shared},
             [](auto& d) {
               d.edit(kAttach).replace(
                   kMovePasid, "ops->set_dev_pasid(new_domain, first, group->dma_pasid)",
                   [&d](auto& t) {
                     auto&& l = d.local(t);
                     t.when(l.device == d.group_of(l.dev) && d.dma_at(t).pasid != 0U, [&] {
                       d.switch_entry(l.device, d.dma_at(t).pasid, d.group_at(t).domain, l.target);
                     });
                   });
             }),
      DmaBug({"second-get-not-counted", "reference", "mutant",
              "a second device of the group gets the PASID and is not counted", kFollows, shared},
             [](auto& d) {
               d.edit(kGet).insert_before("mutex_unlock(&group->mutex)", "(not counted)",
                                          [&d](auto& t) {
                                            auto&& users = d.dma_at(t).users;
                                            t.when(users == 2U, [&] { users = 1; });
                                          });
             }),
      DmaBug({"failed-get-leaks", "wrong error path", "mutant", "a get that fails keeps the PASID",
              "pasids-are-held", one},
             [](auto& d) {
               d.edit(kGet).insert_after("err: iommu_free_global_pasid(pasid)",
                                         "(the PASID is not free)",
                                         [&d](auto&) { static_cast<void>(d.ida_alloc()); });
             }),
      DmaBug({"failed-get-keeps-entries", "wrong error path", "mutant",
              "the second device of a group fails, and the entry of the first one stays",
              "hardware-follows-the-specification", shared},
             [](auto& d) {
               d.edit(kGet).replace("err_revert: ops->remove_dev_pasid() of", "(left out)",
                                    [&d](auto& t) { t.jump(d.get_err); });
             }),
      DmaBug({"get-counted-twice", "reference", "mutant",
              "a device that gets the PASID counts as two", "pasids-are-held", shared},
             [](auto& d) {
               d.edit(kGet).insert_before("mutex_unlock(&group->mutex)", "group->dma_pasid_users++",
                                          [&d](auto& t) {
                                            auto&& dma = d.dma_at(t);
                                            t.when(dma.pasid != 0U, [&] { dma.users = 2; });
                                          });
             }),
      DmaBug({"destroy-leaks", "leak", "mutant", "the last destroy does not free the PASID",
              "pasids-are-held", one},
             [](auto& d) {
               d.edit(kDestroy).replace("iommu_free_global_pasid(pasid)", "(not freed)",
                                        [&d](auto& t) { d.gives_back(t); });
             }),
      DmaBug({"pasid-freed-first",
              "order",
              "mutant",
              "destroy frees the PASID before it has taken its entries away",
              "legal-answer",
              {{"threads", 2}, {"devices", 2}}},
             [](auto& d) {
               auto& destroy = d.edit(kDestroy);
               destroy.insert_before(kRemovePasid, "iommu_free_global_pasid(pasid) (early)",
                                     [&d](auto& t) { d.ida_free(t, d.dma_at(t).pasid - 1U); });
               destroy.replace("iommu_free_global_pasid(pasid)", "(freed already)",
                               [&d](auto& t) { d.gives_back(t); });
             }),
      DmaBug({"reset-leaves-pasid", "wrong translation", "mutant",
              "reset_prepare blocks the RID and leaves the entry of the PASID", kFollows, resets},
             without_step(kResetPrepare, kRemovePasid)),
      DmaBug({"reset-loses-pasid", "wrong translation", "mutant",
              "reset_done attaches the RID again, and not the PASID", kFollows, resets},
             without_step(kResetDone, "ops->set_dev_pasid(group->domain, dev")),
  };
}

std::vector<DmaBug> invalidation_mutants() {
  const BoundValues cached{{"threads", 1}, {"caches", 1}};
  const BoundValues resets{{"threads", 1}, {"caches", 1}, {"resets", 1}};
  return {
      DmaBug({"pasid-move-without-invalidation", "missing invalidation", "mutant",
              "the entry of the PASID moves, its caches stay", kFollows, cached},
             without_step(kAttach, kMovePasidFlush)),
      DmaBug({"destroy-without-invalidation", "missing invalidation", "mutant",
              "destroy clears the entry and leaves the caches",
              "hardware-follows-the-specification", cached},
             without_step(kDestroy, kRemovePasidFlush)),
      DmaBug({"failed-get-keeps-caches",
              "missing invalidation",
              "mutant",
              "the second device of a group fails, and the caches of the first one stay",
              "hardware-follows-the-specification",
              {{"threads", 1}, {"devices", 2}, {"groups", 1}, {"caches", 1}}},
             [](auto& d) {
               d.edit(kGet).replace(
                   "err_revert: ops->remove_dev_pasid(): the caches are invalidated",
                   "(no invalidation)", [&d](auto& t) { t.jump(d.get_err); });
             }),
      DmaBug(
          {"reset-keeps-pasid-caches", "missing invalidation", "mutant",
           "reset_prepare clears the entry of the PASID and leaves the caches", kFollows, resets},
          without_step(kResetPrepare, kRemovePasidFlush)),
  };
}

std::vector<DmaBug> bugs() {
  std::vector<DmaBug> all = kernel_bugs();
  for (auto group : {lock_mutants(), pasid_mutants(), invalidation_mutants()})
    all.insert(all.end(), group.begin(), group.end());
  return all;
}

std::vector<BoundInfo> bounds() {
  auto all = common_attach_bounds();
  all.push_back({"pasids", 1, 2, 1, "PASIDs: 1 to N"});
  return all;
}

}  // namespace dma_pasid_group_bugs

const DesignEntry& dma_pasid_group() {
  static const TypedDesign<DmaPasidGroup, AttachBounds> kEntry{
      "dma-pasid/group",
      "the PASID of the DMA API lives in the group and moves with its RIDs; on attach/group",
      "the review of 2021-12-08 of \"Enable PASID for DMA API users\"",
      dma_pasid_group_bugs::bounds(),
      to_attach_bounds,
      dma_pasid_group_bugs::bugs()};
  return kEntry;
}

}  // namespace iommucheck::model
