// SPDX-License-Identifier: MIT
// sva/mm-data: v6.7 to v6.10 drivers/iommu/iommu-sva.c with its two fixes (65d4418c5002,
// 6384c56c99d9).  The handles of a process are on a list of mm->iommu_mm, where a second bind of
// the same device finds its own.
//
// One device per group: a second device of a group would find the PASID of the group taken.
#ifndef IOMMUCHECK_MODEL_IOMMU_SVA_MM_DATA_H
#define IOMMUCHECK_MODEL_IOMMU_SVA_MM_DATA_H

#include "model/iommu/sva_bonds.h"

namespace iommucheck::model {

template <class D, template <class> class Attach = PageRequests>
class SvaMmData : public SvaBonds<D, Attach> {
 public:
  using Base = SvaBonds<D, Attach>;
  using Base::b, Base::iommu_mm_data, Base::iommu_sva, Base::local;
  using typename Base::B, typename Base::T, typename Base::V;

  explicit SvaMmData(const IommuBounds& bounds)
      : Base(bounds),
        sva_handles(this->root(), "sva_handles", over(Base::sorts.iommu_mms),
                    mask_of_handles(bounds), mask_format().of(Base::sorts.handles)) {
    this->build();
  }

  void build_find_handle(Program<D>& p) override {
    p.step("list_for_each_entry(handle, &mm->iommu_mm->sva_handles, handle_item)", [=, this](T& t) {
      auto&& l = local(t);
      for (unsigned i = 0; i < iommu_sva.size(); ++i) {
        t.when(has_bit(list_of_handles(t), i),
               [&] { t.when(iommu_sva.at(i + 1).dev == l.dev + 1U, [&] { l.handle = i + 1; }); });
      }
      t.when(l.handle == 0U, [&] { t.jump(this->bind_miss); });
    });
    this->build_share_handle(p);
  }
  void build_publish_handle(Program<D>& p) override {
    p.step("list_add(&handle->handle_item, &mm->iommu_mm->sva_handles)",
           [this](T& t) { set_listed(t, true); });
  }
  void build_hide_handle(Program<D>& p) override {
    p.step("list_del(&handle->handle_item)", [this](T& t) { set_listed(t, false); });
  }

  /// The handles on the list of l.iommu_mm.
  V list_of_handles(T& t) {
    auto&& l = local(t);
    iommu_mm_data.touch(l.iommu_mm);
    return sva_handles[l.iommu_mm - 1U];
  }
  void set_listed(T& t, bool on) {
    auto&& l = local(t);
    const V mask = list_of_handles(t);
    sva_handles[l.iommu_mm - 1U] = this->with_element(mask, iommu_sva.size(), l.handle, on);
  }

  Array<D, Var<D>> sva_handles;  ///< of each iommu_mm: iommu_mm->sva_handles

 private:
  static std::uint32_t mask_of_handles(const IommuBounds& b) { return (1U << b.handles()) - 1; }
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOMMU_SVA_MM_DATA_H
