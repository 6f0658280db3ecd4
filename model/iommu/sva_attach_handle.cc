// SPDX-License-Identifier: MIT
// sva/attach-handle and its bugs: each is one change of the design.
#include "model/iommu/sva_attach_handle.h"

#include "model/iommu/entries.h"

namespace iommucheck::model {
namespace {

/// On attach/group-pasid.
template <class D>
using OnGroups = SvaAttachHandle<D>;
using SvaBug = Bug<OnGroups>;

std::vector<SvaBug> bugs() {
  const BoundValues alone{{"threads", 1}};
  return {
      SvaBug({"sva-unbind-last-mm", "use after free", "CVE-2026-23429",
              "unbind reads the mm's list of domains after the free of the last domain, which may "
              "have dropped the mm",
              "no-use-after-free", alone},
             [](auto& d) {
               d.edit("iommu_sva_unbind_device")
                   .insert_after("domain->ops->free(domain)",
                                 "if (list_empty(&iommu_mm->sva_domains))",
                                 [&d](auto& t) { d.iommu_mm_data.touch(d.local(t).iommu_mm); });
             }),
  };
}

}  // namespace

const DesignEntry& sva_attach_handle() {
  static const TypedDesign<OnGroups, IommuBounds> kEntry{
      "sva/attach-handle",
      "the handle of a (group, PASID) is shared and counted under iommu_sva_lock; on attach/group-pasid",
      "6.12 drivers/iommu/iommu-sva.c, iommu.c; kernel/fork.c",
      common_iommu_bounds(),
      to_iommu_bounds,
      bugs()};
  return kEntry;
}

}  // namespace iommucheck::model
