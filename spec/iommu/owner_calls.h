// SPDX-License-Identifier: MIT
// Calls about who uses the devices of a group: a driver by the DMA API, or somebody who claims the
// whole group (VFIO, iommufd); and the change of a default domain, for which nobody may.
//
// Source: 6.12 drivers/iommu/iommu.c, iommu_device_use_default_domain(),
// iommu_device_unuse_default_domain(), iommu_device_claim_dma_owner(),
// iommu_device_release_dma_owner(), iommu_group_store_type().
#ifndef IOMMUCHECK_SPEC_IOMMU_OWNER_CALLS_H
#define IOMMUCHECK_SPEC_IOMMU_OWNER_CALLS_H

#include "spec/iommu/relation.h"

namespace iommucheck::iommu {

template <class D>
class OwnerCalls : Relation<D> {
  using Base = Relation<D>;
  using Base::s, Base::b, Base::ctx;
  using typename Base::A, typename Base::B, typename Base::R, typename Base::V;

 public:
  using Base::Base;

  /// A driver is about to be bound, and to do DMA by the DMA API.
  void use_default_domain(const A& c, R& r) {
    this->is_there(c, "use_default_domain: the device is there");
    unused(c, "use_default_domain: the device has no driver yet");
    const B busy = claimed_by_another(c, V(0)) || moved(c);
    this->error(
        r, Err::ebusy, busy,
        "use_default_domain: -EBUSY only where somebody has claimed the group, or something "
        "else than the default domain is attached");
    this->success(r, !busy,
                  "use_default_domain succeeds only where nobody has claimed the group and its "
                  "default domain is what it meets",
                  [&] { set_user(c, kDriver); });
  }
  void unuse_default_domain(const A& c, R& r) {
    ctx.contract(user_is(c, [](const V& user) -> B { return user == kDriver; }),
                 "unuse_default_domain: a driver uses the device by the DMA API");
    idle(c, "unuse_default_domain: the driver has no bonds, and does not want a PASID");
    // What is attached with a PASID may be another driver's.
    ctx.contract(!rid_moved(c) && (!pasid_attached(c) || this->driver_beside(c)),
                 "unuse_default_domain: what the driver attached is detached");
    this->success(r, [&] { set_user(c, kUnused); });
  }

  /// From now on only what the client attaches is met.
  void claim_dma_owner(const A& c, R& r) {
    this->is_there(c, "claim_dma_owner: the device is there");
    unused(c, "claim_dma_owner: nobody uses the device yet");
    const B another = used_by_driver(c) || claimed_by_another(c, c.client + kClaimed);
    const B first = !claimed(c);
    const B busy = first && (moved(c) || this->in_reset(c));
    this->error(r, Err::eperm, another,
                "claim_dma_owner: -EPERM only where a driver uses the group, or another client has "
                "claimed it");
    this->error(r, Err::ebusy, busy,
                "claim_dma_owner: -EBUSY only where something is attached, or during a reset");
    this->error(r, Err::enomem, this->no_memory(c), "claim_dma_owner: -ENOMEM only without memory");
    this->success(r, !another && !busy,
                  "claim_dma_owner succeeds only where nobody else uses the group, and not for a "
                  "group that is in use or being reset",
                  [&] {
                    this->with_device(c.device, [&](unsigned, unsigned g) {
                      ctx.when(first, [&] { this->set_rid(g, 0); });
                    });
                    set_user(c, c.client + kClaimed);
                  });
  }
  /// The last one leaves the group to its default domain, whatever is attached.
  void release_dma_owner(const A& c, R& r) {
    ctx.contract(user_is(c, [](const V& user) -> B { return user >= kClaimed; }),
                 "release_dma_owner: the group is claimed through this device");
    idle(c, "release_dma_owner: the owner has no bonds");
    const B last = this->device_is(c.device, [&](unsigned d, unsigned g) {
      return !any_of<D>(b.devices, [&](unsigned e) -> B {
        return e != d && b.group_of(e) == g ? s.device[e].user != kUnused : B(false);
      });
    });
    ctx.contract(!last || !pasid_attached(c), "release_dma_owner: no PASID is attached");
    this->success(r, [&] {
      set_user(c, kUnused);
      this->with_device(c.device, [&](unsigned, unsigned g) {
        ctx.when(last, [&] { this->set_rid(g, s.group[g].standing); });
      });
    });
  }

  /// Another default domain takes the place of the old one, which is freed.
  void change_default_domain(const A& c, R& r) {
    const B used = this->device_is(c.device, [&](unsigned, unsigned g) {
      return this->group_has(g, [&](unsigned d) -> B { return s.device[d].user != kUnused; });
    });
    const B empty = b.hotplug ? this->device_is(c.device,
                                                [&](unsigned, unsigned g) {
                                                  return !this->group_has(g, [&](unsigned d) -> B {
                                                    return s.device[d].gone == 0U;
                                                  });
                                                })
                              : B(false);
    this->error(r, Err::eperm, used || empty,
                "change_default_domain: -EPERM only where somebody uses the group, or no device is "
                "there");
    this->error(r, Err::ebusy, this->in_reset(c),
                "change_default_domain: -EBUSY only during a reset");
    this->error(r, Err::enomem, this->no_memory(c),
                "change_default_domain: -ENOMEM only without memory");
    this->success(
        r,
        !used && !empty && !this->in_reset(c) &&
            this->table_is(r.value, [&](unsigned t) -> B { return !s.exists(t); }),
        "change_default_domain gives a domain that was not there, where nobody uses the group, a "
        "device is there and none is being reset",
        [&] {
          this->with_device(c.device, [&](unsigned, unsigned g) {
            auto&& group = s.group[g];
            for (unsigned t = 0; t < b.tables; ++t) {
              auto&& table = s.table[t];
              ctx.when(group.standing == t + 1, [&] {
                table.life = TableLife::none;
                table.kind = 0;
                table.mapped = 0;
              });
              ctx.when(r.value == t + 1, [&] {
                table.life = TableLife::standing;
                table.kind = b.kind_of_group(g);
              });
            }
            group.standing = r.value;
            this->set_rid(g, r.value);
          });
        });
  }

 private:
  template <class F>
  B user_is(const A& c, F f) const {
    return this->device_is(c.device, [&](unsigned d, unsigned) { return f(s.device[d].user); });
  }
  void unused(const A& c, const char* sentence) {
    ctx.contract(user_is(c, [](const V& user) -> B { return user == kUnused; }), sentence);
  }
  void set_user(const A& c, V user) {
    this->with_device(c.device, [&](unsigned d, unsigned) { s.device[d].user = user; });
  }
  template <class F>
  B some_user(const A& c, F f) const {
    return this->device_is(c.device, [&](unsigned, unsigned g) {
      return this->group_has(g, [&](unsigned d) { return f(s.device[d].user); });
    });
  }
  B used_by_driver(const A& c) const {
    return some_user(c, [](const V& user) -> B { return user == kDriver; });
  }
  B claimed(const A& c) const {
    return some_user(c, [](const V& user) -> B { return user >= kClaimed; });
  }
  B claimed_by_another(const A& c, const V& than) const {
    return some_user(c, [&](const V& user) -> B { return user >= kClaimed && user != than; });
  }
  /// The group meets something else than its default domain, or a PASID of it is in use.
  B moved(const A& c) const { return pasid_attached(c) || rid_moved(c); }
  B rid_moved(const A& c) const {
    return this->device_is(
        c.device, [&](unsigned, unsigned g) -> B { return s.group[g].rid != s.group[g].standing; });
  }
  B pasid_attached(const A& c) const {
    return this->device_is(c.device, [&](unsigned, unsigned g) {
      return any_of<D>(b.pasids, [&](unsigned p) { return s.translation(g, p + 1) != 0U; });
    });
  }
  /// The user of the device has let go of what belongs to it.
  void idle(const A& c, const char* sentence) {
    ctx.contract(
        this->device_is(c.device, [&](unsigned d, unsigned) { return !s.device_is_wanted(d); }),
        sentence);
  }
};

}  // namespace iommucheck::iommu

#endif  // IOMMUCHECK_SPEC_IOMMU_OWNER_CALLS_H
