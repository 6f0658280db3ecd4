// SPDX-License-Identifier: MIT
// Calls of the system layer: a domain is attached to the RID of a group, or to a PASID of it.
// Source: 6.12 drivers/iommu/iommu.c, iommu_attach_device(), iommu_detach_device(),
// iommu_group_replace_domain(), iommu_attach_device_pasid(), iommu_detach_device_pasid().
#ifndef IOMMUCHECK_SPEC_IOMMU_SYSTEM_CALLS_H
#define IOMMUCHECK_SPEC_IOMMU_SYSTEM_CALLS_H

#include "spec/iommu/relation.h"

namespace iommucheck::iommu {

template <class D>
class SystemCalls : Relation<D> {
  using Base = Relation<D>;
  using Base::s, Base::b, Base::ctx;
  using typename Base::A, typename Base::B, typename Base::R, typename Base::V;

 public:
  using Base::Base;

  void attach(const A& c, R& r) {
    this->is_used(c, "attach: the device has a driver");
    owned(c, "attach: the domain is the caller's");
    const B taken = this->device_is(c.device, [&](unsigned, unsigned g) -> B {
      auto&& group = s.group[g];
      return group.rid != 0U && group.rid != group.standing;
    });
    this->error(r, Err::ebusy, taken || this->in_reset(c),
                "attach: -EBUSY only where another domain is attached, or during a reset");
    this->error(r, Err::einval, !fits(c) || is_shared(c),
                "attach: -EINVAL only for a domain of another IOMMU, or by a driver that has not "
                "claimed the group and is not alone in it");
    this->success(r, !taken && fits(c) && !this->in_reset(c) && !this->driver_beside(c),
                  "attach succeeds only where no other domain is attached, for a domain of the "
                  "device's own IOMMU, with no driver of the DMA API beside, and not during a "
                  "reset",
                  [&] { move_rid(c, c.table); });
  }

  void detach(const A& c, R& r) {
    ctx.contract(this->device_is(c.device,
                                 [&](unsigned, unsigned g) -> B {
                                   return c.table != 0U && s.group[g].rid == c.table &&
                                          s.group[g].standing != c.table;
                                 }),
                 "detach: this domain is attached");
    // During a reset, too: the domain may be freed right after this call.  A group that is claimed
    // stays its owner's: it is blocked then.
    this->success(r, [&] {
      this->with_device(c.device, [&](unsigned, unsigned g) {
        this->set_rid(g, select(s.claimed(g), V(0), V(s.group[g].standing)));
      });
    });
  }

  void replace(const A& c, R& r) {
    this->is_used(c, "replace: the device has a driver");
    if (b.owners) {
      ctx.contract(this->device_is(c.device, [&](unsigned, unsigned g) { return s.claimed(g); }),
                   "replace: by who has claimed the group");
    }
    owned(c, "replace: the domain is the caller's");
    this->error(r, Err::einval, !fits(c), "replace: -EINVAL only for a domain of another IOMMU");
    this->error(r, Err::ebusy, this->in_reset(c), "replace: -EBUSY only during a reset");
    this->success(r, fits(c) && !this->in_reset(c),
                  "replace succeeds only for a domain of the device's own IOMMU, and not during a "
                  "reset",
                  [&] { move_rid(c, c.table); });
  }

  void attach_pasid(const A& c, R& r) {
    this->is_used(c, "attach_pasid: the device has a driver");
    owned(c, "attach_pasid: the domain is the caller's");
    ctx.contract(
        this->pasid_is(c.pasid,
                       [&](unsigned p) -> B {
                         return all_of<D>(b.mms, [&](unsigned m) { return s.mm[m].pasid != p; }) &&
                                all_of<D>(b.group_count(),
                                          [&](unsigned g) { return s.group[g].dma_pasid != p; });
                       }),
        "attach_pasid: the PASID is nobody else's");
    const B taken = this->device_is(c.device, [&](unsigned, unsigned g) {
      return this->pasid_is(c.pasid, [&](unsigned p) { return s.translation(g, p) != 0U; });
    });
    this->error(r, Err::enomem, this->no_memory(c), "attach_pasid: -ENOMEM only without memory");
    this->error(r, Err::ebusy, taken || this->in_reset(c),
                "attach_pasid: -EBUSY only where the PASID is taken, or during a reset");
    this->error(r, Err::einval, !fits(c),
                "attach_pasid: -EINVAL only for a domain of another IOMMU");
    this->success(r, !taken && fits(c) && !this->in_reset(c),
                  "attach_pasid succeeds only where the PASID is not taken, for a domain of the "
                  "device's own IOMMU, and not during a reset",
                  [&] {
                    this->with_device(c.device, [&](unsigned, unsigned g) {
                      this->set_pasid(g, c.pasid, c.table);
                    });
                  });
  }

  void detach_pasid(const A& c, R& r) {
    ctx.contract(c.table != 0U && c.table <= b.tables &&
                     this->device_is(c.device,
                                     [&](unsigned, unsigned g) {
                                       return this->pasid_is(c.pasid, [&](unsigned p) -> B {
                                         return s.translation(g, p) == c.table &&
                                                s.group[g].dma_pasid != p;
                                       });
                                     }),
                 "detach_pasid: this domain is attached there");
    this->success(r, [&] {
      this->with_device(c.device, [&](unsigned, unsigned g) { this->set_pasid(g, c.pasid, 0); });
    });
  }

 private:
  void owned(const A& c, const char* sentence) {
    ctx.contract(
        this->table_is(c.table,
                       [&](unsigned t) -> B { return s.table[t - 1].life == TableLife::owned; }),
        sentence);
  }
  B fits(const A& c) const {
    return this->device_is(c.device,
                           [&](unsigned, unsigned g) { return this->compatible(g, c.table); });
  }
  /// The caller is a driver that has not claimed the group, and other devices are in it.
  B is_shared(const A& c) const {
    if (!b.owners) return B(false);
    return this->device_is(c.device, [&](unsigned d, unsigned g) -> B {
      return s.device[d].user == kDriver && this->other_is_there(d, g);
    });
  }
  void move_rid(const A& c, V target) {
    this->with_device(c.device, [&](unsigned, unsigned g) { this->set_rid(g, target); });
  }
};

}  // namespace iommucheck::iommu

#endif  // IOMMUCHECK_SPEC_IOMMU_SYSTEM_CALLS_H
