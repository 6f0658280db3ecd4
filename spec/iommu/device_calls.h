// SPDX-License-Identifier: MIT
// Calls of the device layer, and the PASID that the DMA API uses for a device.
//
// Sources: pci_dev_reset_iommu_prepare() and pci_dev_reset_iommu_done(), drivers/iommu/iommu.c
// since 6.18; iommu_get_dma_api_pasid() and iommu_destroy_dma_api_pasid(), the mail of 2021-12-08.
#ifndef IOMMUCHECK_SPEC_IOMMU_DEVICE_CALLS_H
#define IOMMUCHECK_SPEC_IOMMU_DEVICE_CALLS_H

#include "spec/iommu/relation.h"

namespace iommucheck::iommu {

template <class D>
class DeviceCalls : Relation<D> {
  using Base = Relation<D>;
  using Base::s, Base::b, Base::ctx;
  using typename Base::A, typename Base::B, typename Base::R, typename Base::V;

 public:
  using Base::Base;

  void reset_prepare(const A& c, R& r) {
    const B already =
        this->device_is(c.device, [&](unsigned d, unsigned) { return !s.device[d].issues(); });
    this->error(r, Err::ebusy, already, "reset_prepare: -EBUSY only during a reset");
    this->success(r, !already, "reset_prepare succeeds once", [&] {
      this->with_device(c.device, [&](unsigned d, unsigned) { s.device[d].resetting = true; });
    });
  }
  void reset_done(const A& c, R& r) {
    ctx.contract(
        this->device_is(c.device, [&](unsigned d, unsigned) { return !s.device[d].issues(); }),
        "reset_done: after reset_prepare");
    this->success(r, [&] {
      this->with_device(c.device, [&](unsigned d, unsigned) { s.device[d].resetting = false; });
    });
  }

  void get_dma_pasid(const A& c, R& r) {
    const B has = this->device_is(
        c.device, [&](unsigned, unsigned g) -> B { return s.group[g].dma_pasid != 0U; });
    const B holds = this->device_is(
        c.device, [&](unsigned d, unsigned g) { return has_bit(s.group[g].dma_users, d); });
    ctx.contract(!holds, "get_dma_pasid: the device does not have it yet");
    this->error(r, Err::enomem, this->no_memory(c), "get_dma_pasid: -ENOMEM only without memory");
    this->error(r, Err::enospc,
                !has && !any_of<D>(b.pasids, [&](unsigned p) { return s.pasid_free(p + 1); }),
                "get_dma_pasid: -ENOSPC only where no PASID is free");
    const B right = this->device_is(c.device, [&](unsigned, unsigned g) {
      return this->select_bit(s.group[g].dma_pasid != 0U, r.value == s.group[g].dma_pasid,
                              this->pasid_is(r.value, [&](unsigned p) { return s.pasid_free(p); }));
    });
    this->success(r, right, "get_dma_pasid gives the PASID of the group, or one that nobody has",
                  [&] {
                    this->with_device(c.device, [&](unsigned d, unsigned g) {
                      auto&& group = s.group[g];
                      group.dma_pasid = r.value;
                      group.dma_users = with_bit(group.dma_users, d);
                      this->set_pasid(g, r.value, group.rid);
                    });
                  });
  }
  void destroy_dma_pasid(const A& c, R& r) {
    ctx.contract(
        this->device_is(c.device,
                        [&](unsigned d, unsigned g) { return has_bit(s.group[g].dma_users, d); }),
        "destroy_dma_pasid: the device has it");
    this->success(r, [&] {
      this->with_device(c.device, [&](unsigned d, unsigned g) {
        auto&& group = s.group[g];
        group.dma_users = without_bit(group.dma_users, d);
        ctx.when(group.dma_users == 0U, [&] {
          this->set_pasid(g, group.dma_pasid, 0);
          group.dma_pasid = 0;
        });
      });
    });
  }
};

}  // namespace iommucheck::iommu

#endif  // IOMMUCHECK_SPEC_IOMMU_DEVICE_CALLS_H
