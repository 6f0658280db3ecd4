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
  explicit SvaAttachHandle(const IommuBounds& bounds) : Base(bounds) { this->build(); }

  void build_find_handle(Program<D>& p) override { this->build_find_attached_handle(p); }
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOMMU_SVA_ATTACH_HANDLE_H
