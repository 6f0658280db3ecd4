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
    this->is_there(c, "reset_prepare: the device is there");
    const B already = is_resetting(c);
    this->error(r, Err::ebusy, already, "reset_prepare: -EBUSY only during a reset");
    this->success(r, !already, "reset_prepare succeeds once", [&] {
      this->with_device(c.device, [&](unsigned d, unsigned) { s.device[d].resetting = true; });
    });
  }
  void reset_done(const A& c, R& r) {
    ctx.contract(is_resetting(c), "reset_done: after reset_prepare");
    this->success(r, [&] {
      this->with_device(c.device, [&](unsigned d, unsigned) { s.device[d].resetting = false; });
    });
  }

  /// A device that has been unplugged is back, or another one in its place: it meets what its group
  /// meets.
  void probe_device(const A& c, R& r) {
    ctx.contract(this->device_is(c.device,
                                 [&](unsigned d, unsigned) -> B { return s.device[d].gone != 0U; }),
                 "probe_device: the device is not there yet");
    this->error(r, Err::enomem, this->no_memory(c), "probe_device: -ENOMEM only without memory");
    this->success(r, [&] {
      this->with_device(c.device, [&](unsigned d, unsigned) { s.device[d].gone = 0; });
    });
  }
  /// Its driver has been unbound: what it has attached stays only where another device of the group
  /// uses it.
  void release_device(const A& c, R& r) {
    this->is_there(c, "release_device: the device is there");
    ctx.contract(!is_resetting(c), "release_device: not during a reset");
    ctx.contract(
        this->device_is(c.device, [&](unsigned d, unsigned) { return !s.device_is_wanted(d); }),
        "release_device: the device has no bonds, and does not want a PASID");
    if (b.owners) {
      ctx.contract(
          this->device_is(c.device,
                          [&](unsigned d, unsigned) -> B { return s.device[d].user == kUnused; }),
          "release_device: nobody uses the device");
    }
    ctx.contract(this->device_is(c.device,
                                 [&](unsigned d, unsigned g) {
                                   const B clean = s.group[g].rid == s.group[g].standing &&
                                                   all_of<D>(b.pasids, [&](unsigned p) -> B {
                                                     return s.translation(g, p + 1) == 0U;
                                                   });
                                   return clean || this->other_is_there(d, g);
                                 }),
                 "release_device: the last device of a group leaves it to its default domain");
    this->success(r, [&] {
      this->with_device(c.device, [&](unsigned d, unsigned) { s.device[d].gone = 1; });
    });
  }

  void get_dma_pasid(const A& c, R& r) {
    const B has = this->device_is(
        c.device, [&](unsigned, unsigned g) -> B { return s.group[g].dma_pasid != 0U; });
    const B holds = this->device_is(
        c.device, [&](unsigned d, unsigned g) { return has_bit(s.group[g].dma_users, d); });
    this->is_used(c, "get_dma_pasid: the device has a driver");
    if (b.owners) {
      ctx.contract(
          this->device_is(c.device,
                          [&](unsigned d, unsigned) -> B { return s.device[d].user == kDriver; }),
          "get_dma_pasid: the driver uses the DMA API");
    }
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

 private:
  B is_resetting(const A& c) const {
    return this->device_is(c.device,
                           [&](unsigned d, unsigned) -> B { return B(s.device[d].resetting); });
  }
};

}  // namespace iommucheck::iommu

#endif  // IOMMUCHECK_SPEC_IOMMU_DEVICE_CALLS_H
