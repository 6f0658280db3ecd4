// SPDX-License-Identifier: MIT
// sva/attach-handle: 6.12 drivers/iommu/iommu-sva.c.  The handle of a (group, PASID) lives in
// group->pasid_array, where a second bind finds it.
#ifndef IOMMUCHECK_MODEL_IOMMU_SVA_ATTACH_HANDLE_H
#define IOMMUCHECK_MODEL_IOMMU_SVA_ATTACH_HANDLE_H

#include "model/iommu/sva_bonds.h"

namespace iommucheck::model {

template <class D, template <class> class Attach = PageRequests>
class SvaAttachHandle : public SvaBonds<D, Attach> {
 public:
  using Base = SvaBonds<D, Attach>;
  using Base::bind_unlock, Base::iommu_domain, Base::iommu_sva, Base::local;
  using typename Base::T;

  explicit SvaAttachHandle(const IommuBounds& bounds) : Base(bounds) { this->build(); }

  void build_find_handle(Program<D>& p) override {
    p.step("attach_handle = iommu_attach_handle_get(group, pasid, IOMMU_DOMAIN_SVA)",
           [=, this](T& t) {
             auto&& l = local(t);
             l.handle = this->handle_at(t);
             t.when(l.handle == 0U, [&] { t.jump(this->bind_miss); });
           });
    p.step("if (attach_handle->domain->mm != mm) ret = -EBUSY", [=, this](T& t) {
      auto&& l = local(t);
      t.when(iommu_domain.at(iommu_sva.at(l.handle).domain).mm != l.mm,
             [&] { this->bind_fails(t, Err::ebusy, bind_unlock); });
    });
    this->build_share_handle(p);
  }
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOMMU_SVA_ATTACH_HANDLE_H
