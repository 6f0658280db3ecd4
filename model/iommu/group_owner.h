// SPDX-License-Identifier: MIT
// attach/group with --owners 1: drivers are bound and unbound, groups are claimed and released, and
// the default domain of a group that nobody uses changes.  6.12 drivers/iommu/iommu.c.
#ifndef IOMMUCHECK_MODEL_IOMMU_GROUP_OWNER_H
#define IOMMUCHECK_MODEL_IOMMU_GROUP_OWNER_H

#include "model/iommu/attach_group.h"

namespace iommucheck::model {

template <class D>
class GroupOwner : public AttachPrograms<D> {
 public:
  using Base = AttachPrograms<D>;
  using Base::b, Base::gdev, Base::group_at, Base::hardware, Base::iommu_domain, Base::layout,
      Base::local, Base::resets, Base::spec;
  using typename Base::B, typename Base::Kind, typename Base::T, typename Base::V;

  explicit GroupOwner(const AttachBounds& bounds) : Base(bounds) {}

  void build_owner_calls() {
    build_use();
    build_unuse();
    build_claim();
    build_release_owner();
    build_dma_map();
    build_change();
  }

  /// Where a call that fails ends: public, for bugs.
  Label use_unlock, claim_unlock, change_unlock;
  Label claim_take;  ///< where a claim goes on that is the first one

  /// The driver that is about to be bound is not: the call answers `err`.
  void refuse(T& t, Kind kind, Err err, const Label& unlock) {
    auto&& l = local(t);
    this->takes_effect(t, kind,
                       {.client = t.self(), .device = l.dev, .nomem = err == Err::enomem ? 1U : 0U},
                       err, 0);
    leaves(t);
    t.jump(unlock);
  }

  void claim_succeeds(T& t) {
    this->takes_effect(t, Kind::claim_dma_owner, {.client = t.self(), .device = local(t).dev},
                       Err::ok, 0);
  }

  void declare_owners() {
    this->property("claimed-group-is-isolated",
                   "No TLP of a device whose group somebody has claimed meets the default domain.",
                   [this] {
                     return !hardware.any([&](unsigned d, unsigned, auto&& h) {
                       const V standing = spec.state.group[layout.group_of(d)].standing;
                       return spec.state.claimed(layout.group_of(d)) &&
                              (h.entry == standing || h.cached == standing);
                     });
                   });
    this->property(
        "driver-keeps-its-default-domain",
        "A driver of the DMA API that has attached nothing else meets its default domain from its "
        "first call to its last, but while its device is being reset.",
        [this] {
          return all_of<D>(b.devices, [&](unsigned d) {
            auto&& at = spec.state.group[layout.group_of(d)];
            auto&& device = spec.state.device[d];
            const B moves = any_of<D>(b.threads, [&](unsigned i) {
              return gdev[d].user == i + 1 && this->thread()[i].pc != 0U;
            });
            auto&& rid = hardware.at(d, 0);
            return device.user != iommu::kDriver || at.rid != at.standing || !device.issues() ||
                   moves ||
                   (rid.entry == at.standing && (rid.cached == 0U || rid.cached == at.standing));
          });
        });
  }

 private:
  /// The device has no driver any more.
  void leaves(T& t) {
    auto&& at = gdev[V(local(t).dev)];
    at.user = 0;
    at.claims = 0;
  }
  /// iommu_device_use_default_domain(): a driver is about to be bound.
  void build_use() {
    auto& p = this->program("iommu_device_use_default_domain");
    p.arguments([this](T& t) {
      this->choose_unused_device(t);
      gdev[V(local(t).dev)].user = t.self() + 1U;
    });
    this->lock_step(p);
    p.step(
        "if (group->owner_cnt && (group->domain != group->default_domain || group->owner)) "
        "return -EBUSY",
        [this](T& t) {
          auto&& at = group_at(t);
          t.when(at.owner_cnt != 0U && (at.domain != at.default_domain || at.owner != 0U),
                 [&] { refuse(t, Kind::use_default_domain, Err::ebusy, use_unlock); });
        });
    p.step("group->owner_cnt++", [this](T& t) {
      group_at(t).owner_cnt += 1;
      this->takes_effect(t, Kind::use_default_domain, {.device = local(t).dev}, Err::ok, 0);
    });
    p.place(use_unlock);
    this->unlock_step(p);
  }
  void build_unuse() {
    auto& p = this->program("iommu_device_unuse_default_domain");
    p.arguments([this](T& t) {
      this->choose_device(t);
      t.require(gdev[V(local(t).dev)].claims == 0U && !this->has_attached(t));
    });
    this->lock_step(p);
    p.step("group->owner_cnt--", [this](T& t) {
      group_at(t).owner_cnt -= 1;
      leaves(t);
      this->takes_effect(t, Kind::unuse_default_domain, {.device = local(t).dev}, Err::ok, 0);
    });
    this->unlock_step(p);
  }

  /// iommu_device_claim_dma_owner().  That nothing but the default domain is attached where nobody
  /// uses the group is an invariant, and no step.
  void build_claim() {
    auto& p = this->program("iommu_device_claim_dma_owner");
    p.arguments([this](T& t) {
      this->choose_unused_device(t);
      auto&& at = gdev[V(local(t).dev)];
      at.user = t.self() + 1U;
      at.claims = 1;
    });
    this->lock_step(p);
    p.step("if (group->owner_cnt)",
           [=, this](T& t) { t.when(group_at(t).owner_cnt == 0U, [&] { t.jump(claim_take); }); });
    p.step("if (group->owner != owner) return -EPERM", [this](T& t) {
      t.when(group_at(t).owner != t.self() + 1U,
             [&] { refuse(t, Kind::claim_dma_owner, Err::eperm, claim_unlock); });
    });
    p.step("group->owner_cnt++", [this](T& t) {
      group_at(t).owner_cnt += 1;
      claim_succeeds(t);
      t.jump(claim_unlock);
    });
    p.place(claim_take);
    p.call("__iommu_take_dma_ownership", [&] {
      p.step("__iommu_group_alloc_blocking_domain(group)", [this](T& t) {
        t.when(t.choose(2, "nomem") == 1U,
               [&] { refuse(t, Kind::claim_dma_owner, Err::enomem, claim_unlock); });
      });
      if (b.resets) {
        p.step("if (group->recovery_cnt) return -EBUSY", [this](T& t) {
          t.when(group_at(t).recovery_cnt != 0U,
                 [&] { refuse(t, Kind::claim_dma_owner, Err::ebusy, claim_unlock); });
        });
      }
      this->build_set_domain(p, [](T&) {});  // to the blocking domain: l.target is 0
      p.step("group->owner = owner; group->owner_cnt++", [this](T& t) {
        auto&& at = group_at(t);
        at.owner = t.self() + 1U;
        at.owner_cnt += 1;
        claim_succeeds(t);
      });
    });
    p.place(claim_unlock);
    this->unlock_step(p);
  }
  /// iommu_device_release_dma_owner().  The last one may leave its domain attached.
  void build_release_owner() {
    auto& p = this->program("iommu_device_release_dma_owner");
    const auto unlock = p.label();
    p.arguments([this](T& t) {
      this->choose_device(t);
      const V dev = local(t).dev;
      const B last = !any_of<D>(b.devices, [&](unsigned d) {
        return dev != d && this->group_of(dev) == layout.group_of(d) &&
               gdev[d].user == t.self() + 1U;
      });
      t.require(gdev[dev].claims == 1U && (last || !this->has_attached(t)));
      this->forget_attached(t);
    });
    this->lock_step(p);
    p.step("if (group->owner_cnt > 1) group->owner_cnt--", [=, this](T& t) {
      auto&& at = group_at(t);
      t.when(at.owner_cnt > 1U, [&] {
        at.owner_cnt -= 1;
        release_succeeds(t);
        t.jump(unlock);
      });
    });
    p.call("__iommu_release_dma_ownership", [&] {
      p.step("group->owner_cnt = 0; group->owner = NULL", [this](T& t) {
        auto&& at = group_at(t);
        at.owner_cnt = 0;
        at.owner = 0;
        local(t).target = at.default_domain;
        release_succeeds(t);
      });
      this->build_set_domain(p, [](T&) {});
    });
    p.place(unlock);
    this->unlock_step(p);
  }
  void release_succeeds(T& t) {
    leaves(t);
    this->takes_effect(t, Kind::release_dma_owner, {.device = local(t).dev}, Err::ok, 0);
  }

  /// iommu_dma_map_page() of a driver: no lock.
  void build_dma_map() {
    auto& p = this->program("iommu_dma_map_page");
    p.arguments([this](T& t) {
      this->choose_device(t);
      t.require(gdev[V(local(t).dev)].claims == 0U);
    });
    p.step("domain = dev->iommu_group->default_domain",
           [this](T& t) { local(t).domain = this->default_domain(t); });
    p.step("iommu_map(domain, iova, phys)", [this](T& t) {
      iommu_domain.touch(local(t).domain);
      this->only_effect(t);
    });
  }

  /// iommu_group_store_type(): another default domain, by the administrator.
  void build_change() {
    auto& p = this->program("iommu_group_store_type");
    p.arguments([this](T& t) {
      auto&& l = local(t);
      t.require(resets[t.self()] == 0U);
      l.dev = t.choose(layout.group_count(), "group");  // device g is the first one of group g
      l.whole_group = 1;
      this->first_device(t);
    });
    this->lock_step(p);
    p.step("if (list_empty(&group->devices) || group->owner_cnt) return -EPERM", [this](T& t) {
      const B empty = all_of<D>(b.devices, [&](unsigned d) {
        return this->group_of(V(local(t).dev)) != layout.group_of(d) || gdev[d].unlisted != 0U;
      });
      t.when(empty || group_at(t).owner_cnt != 0U, [&] { change_fails(t, Err::eperm); });
    });
    p.call("iommu_setup_default_domain", [&] {
      p.step("dom = iommu_group_alloc_default_domain(group, req_type)", [this](T& t) {
        auto&& l = local(t);
        t.when(
            t.choose(2, "nomem") == 1U, [&] { change_fails(t, Err::enomem); },
            [&] {
              l.target = this->kzalloc(t, iommu_domain);
              iommu_domain.at(l.target).owner = this->kind_of(l.dev);
            });
      });
      p.step("old_dom = group->default_domain; group->default_domain = dom", [this](T& t) {
        auto&& l = local(t);
        auto&& at = group_at(t);
        l.domain = at.default_domain;
        at.default_domain = l.target;
      });
      if (b.resets) {
        p.step("if (group->recovery_cnt) iommu_domain_free(dom), group->default_domain = old_dom",
               [this](T& t) {
                 auto&& l = local(t);
                 auto&& at = group_at(t);
                 t.when(at.recovery_cnt != 0U, [&] {
                   at.default_domain = l.domain;
                   iommu_domain.kfree(l.target);
                   l.target = 0;
                   change_fails(t, Err::ebusy);
                 });
               });
      }
      this->build_set_domain(p, [this](T& t) {
        auto&& l = local(t);
        this->takes_effect(t, Kind::change_default_domain, {.device = l.dev}, Err::ok, l.target);
      });
      p.step("iommu_domain_free(old_dom)", [this](T& t) { iommu_domain.kfree(local(t).domain); });
    });
    p.place(change_unlock);
    this->unlock_step(p);
  }
  void change_fails(T& t, Err err) {
    this->takes_effect(t, Kind::change_default_domain,
                       {.device = local(t).dev, .nomem = err == Err::enomem ? 1U : 0U}, err, 0);
    t.jump(change_unlock);
  }
};

/// attach/group: no PASIDs.
template <class D>
class AttachGroup : public GroupOwner<D> {
 public:
  explicit AttachGroup(const AttachBounds& bounds) : GroupOwner<D>(bounds) {
    this->build_rid_calls();
    if (bounds.owners) this->build_owner_calls();
    this->declare_entries();
    if (bounds.owners) this->declare_owners();
    this->hardware.add_traffic();
  }
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOMMU_GROUP_OWNER_H
