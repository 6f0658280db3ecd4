// SPDX-License-Identifier: MIT
// sva/mm-data and its bugs: each is one change of the design.
#include "model/iommu/sva_mm_data.h"

#include "model/iommu/entries.h"
#include "model/iommu/sva_edits.h"

namespace iommucheck::model {
namespace sva_mm_data_bugs {

/// On attach/group-pasid.
template <class D>
using MmData = SvaMmData<D>;
using MmDataBug = Bug<MmData>;

constexpr const char* kFind =
    "list_for_each_entry(handle, &mm->iommu_mm->sva_handles, handle_item)";
constexpr const char* kAdd = "list_add(&handle->handle_item, &mm->iommu_mm->sva_handles)";

std::vector<MmDataBug> bugs() {
  const BoundValues two{{"threads", 2}};
  const BoundValues rebind{{"threads", 1}, {"bonds", 2}};
  return {
      MmDataBug({"sva-rebind-rejected", "wrong error", "65d4418c5002",
                 "bind does not look for a handle of the same device: its second attach fails with "
                 "-EBUSY",
                 "legal-answer", rebind},
                [](auto& d) {
                  d.edit(kBind).replace(kFind, "(handles are not shared)",
                                        [&d](auto& t) { t.jump(d.bind_miss); });
                }),
      MmDataBug({"sva-handle-not-listed",
                 "leak, wrong error",
                 "6384c56c99d9",
                 "the handle of a device that reuses a domain is not put on the list: the device's "
                 "next bind fails",
                 "legal-answer",
                 {{"threads", 1}, {"devices", 2}, {"bonds", 3}}},
                [](auto& d) {
                  d.edit(kBind).replace(kAdd, "if (the domain is new) list_add()", [&d](auto& t) {
                    auto&& domain = d.iommu_domain.at(d.local(t).domain);
                    t.when(domain.users == 1U, [&] { d.set_listed(t, true); });
                  });
                }),
      MmDataBug({"handle-stays-listed", "use after free", "mutant",
                 "unbind frees the handle and leaves it on the list", "no-use-after-free", two},
                [](auto& d) { d.edit(kUnbind).drop("list_del(&handle->handle_item)"); }),
  };
}

std::vector<BoundInfo> bounds() {
  auto all = common_iommu_bounds();
  std::erase_if(all, [](const BoundInfo& bound) { return bound.name == "groups"; });
  return all;
}

}  // namespace sva_mm_data_bugs

const DesignEntry& sva_mm_data() {
  static const TypedDesign<sva_mm_data_bugs::MmData, IommuBounds> kEntry{
      "sva/mm-data",
      "handles are shared by a list of mm->iommu_mm, under iommu_sva_lock; on attach/group-pasid",
      "v6.7 to v6.10 drivers/iommu/iommu-sva.c (commit 092edaddb660)",
      sva_mm_data_bugs::bounds(),
      to_iommu_bounds,
      sva_mm_data_bugs::bugs()};
  return kEntry;
}

}  // namespace iommucheck::model
