// SPDX-License-Identifier: MIT
// sva/pasid-lib and its bugs: each is one change of the design.
#include "model/iommu/sva_pasid_lib.h"

#include "model/iommu/entries.h"
#include "model/iommu/sva_edits.h"

namespace iommucheck::model {
namespace sva_pasid_lib_bugs {

using LibBug = Bug<SvaPasidLib>;

std::vector<LibBug> own_bugs() {
  const BoundValues one{{"threads", 1}};
  const BoundValues two{{"threads", 2}};
  return {
      LibBug({"pasid-freed-at-mmput",
              "id reuse",
              "2667ed10d9f0, v5.18",
              "the PASID goes back when the process exits, while a driver still holds a bond",
              "legal-answer",
              {{"threads", 1}}},
             [](auto& d) {
               d.everywhere([](auto& p) {
                 return p.replace_all("if (pasid_valid(mm->pasid)) ioasid_free(mm->pasid)",
                                      "(the PASID has gone back)", [](auto&) {});
               });
               d.edit("do_exit").insert_before("free_pgtables(mm)", "mm_pasid_drop(mm) (at mmput)",
                                               [&d](auto& t) { d.drop_pasid(t); });
             }),
      LibBug({"pasid-ref-per-bind",
              "leak",
              "a21518cb23a3",
              "every bind takes a reference on the PASID; one is dropped when no device is left",
              "pasid-comes-back",
              {{"threads", 1}, {"devices", 2}, {"bonds", 2}}},
             [](auto& d) {
               d.everywhere([&d](auto& p) {
                 return p.replace_all("if (pasid_valid(mm->pasid)) ioasid_free(mm->pasid)",
                                      "ioasid_put(mm->pasid): one reference", [&d](auto& t) {
                                        auto&& l = d.local(t);
                                        auto&& process = d.mm.at(l.mm);
                                        d.happens(iommu::CallKind::pasid_drop, {.mm = l.mm - 1U});
                                        t.when(process.pasid != 0U && process.pasid_refs <= 1U,
                                               [&] {
                                                 d.ida_free(t, process.pasid - 1U);
                                                 process.pasid = 0;
                                               });
                                      });
               });
               const auto count = [&d](auto& t) { d.mm.at(d.local(t).mm).pasid_refs += 1; };
               d.edit(kBind).insert_before("refcount_inc(&bond->refs)", "ioasid_get(mm->pasid)",
                                           count);
               d.edit(kBind).insert_before("arm_smmu_write_ctx_desc(): the PASID entry is set",
                                           "ioasid_get(mm->pasid) (new bond)", count);
             }),
      LibBug({"fork-copies-pasid",
              "id reuse",
              "v5.10.27",
              "fork copies mm->pasid, and the child uses or frees its parent's",
              "legal-answer",
              {{"threads", 2}, {"mms", 2}, {"pasids", 2}, {"forks", 1}}},
             [](auto& d) { d.edit("fork").drop("mm_init(mm): mm_pasid_init(mm)"); }),
      LibBug(
          {"stale-cpu-pasid",
           "id reuse",
           "v5.10.43",
           "the last unbind frees the PASID of a running process; another thread still has it in "
           "its register",
           "register-is-current",
           {{"threads", 2}, {"pasids", 2}, {"enqcmd", 1}}},
          [](auto& d) {
            d.edit(kUnbind).insert_after("kfree(bond)", "ioasid_put(mm->pasid)", [&d](auto& t) {
              auto&& l = d.local(t);
              auto&& process = d.mm.at(l.mm);
              t.when(process.pasid != 0U && process.count.read() <= 2U, [&] {
                d.ida_free(t, process.pasid - 1U);
                process.pasid = 0;
              });
            });
          }),
      LibBug({"alloc-pasid-without-lock",
              "lock",
              "mutant",
              "iommu_sva_alloc_pasid() takes no iommu_sva_lock, and bind no sva_lock",
              "legal-answer",
              {{"threads", 2}, {"pasids", 2}, {"devices", 2}}},
             [](auto& d) {
               auto& bind = d.edit(kBind);
               bind.drop("mutex_lock(&iommu_sva_lock)");
               bind.replace("out: mutex_unlock(&iommu_sva_lock)", "out: (no lock)", [](auto&) {});
               bind.replace("err: mutex_unlock(&iommu_sva_lock)", "err: (no lock)", [](auto&) {});
               bind.drop("mutex_lock(&sva_lock)");
               bind.replace("mutex_unlock(&sva_lock)", "(no sva_lock)", [](auto& t) { t.ret(); });
               bind.replace("err: mutex_unlock(&sva_lock)", "err: (no sva_lock)", [](auto&) {});
             }),
      LibBug(
          {"unbind-without-lock", "lock", "mutant", "unbind takes no sva_lock", "refcounts", two},
          [](auto& d) {
            auto& unbind = d.edit(kUnbind);
            unbind.drop("mutex_lock(&sva_lock)");
            unbind.replace("mutex_unlock(&sva_lock)", "(no lock)", [](auto&) {});
          }),
      LibBug({"bond-dropped-twice", "reference", "mutant",
              "an unbind drops the references of two binds", "bonds-are-counted", two},
             [](auto& d) {
               d.edit(kUnbind).insert_before("if (!refcount_dec_and_test(&bond->refs))",
                                             "refcount_dec(&bond->refs) (twice)", [&d](auto& t) {
                                               auto&& refs = d.iommu_sva.at(d.local(t).handle).refs;
                                               t.when(refs.read() == 2U, [&] { refs.set(1); });
                                             });
             }),
      LibBug({"no-mmgrab", "reference", "mutant", "a bond holds no reference on its mm",
              "refcounts", one},
             [](auto& d) {
               d.edit(kBind).replace("mmu_notifier_register(): mmgrab(mm)", "(no mmgrab)",
                                     [](auto&) {});
             }),
  };
}

std::vector<LibBug> bugs() {
  std::vector<LibBug> all = own_bugs();
  for (LibBug& mutant : release_mutants<LibBug>()) all.push_back(std::move(mutant));
  return all;
}

std::vector<BoundInfo> bounds() {
  auto all = common_iommu_bounds();
  std::erase_if(all, [](const BoundInfo& bound) {
    return bound.name == "groups" || bound.name == "kinds" || bound.name == "faults";
  });
  all.push_back({"enqcmd", 0, 1, 0, "1: tasks send descriptors with the PASID of their CPU"});
  return all;
}

}  // namespace sva_pasid_lib_bugs

const DesignEntry& sva_pasid_lib() {
  static const TypedDesign<SvaPasidLib, IommuBounds> kEntry{
      "sva/pasid-lib",
      "the PASID is a number in the mm, freed with the struct; bonds under the driver's lock",
      "6.1 drivers/iommu/iommu-sva-lib.c, arm/arm-smmu-v3/arm-smmu-v3-sva.c; kernel/fork.c",
      sva_pasid_lib_bugs::bounds(),
      to_iommu_bounds,
      sva_pasid_lib_bugs::bugs()};
  return kEntry;
}

}  // namespace iommucheck::model
