// SPDX-License-Identifier: MIT
// attach/group: the calls that change what the RIDs of a group are attached to, and resets.
// 6.12 drivers/iommu/iommu.c; the reset as since 6.18.
#ifndef IOMMUCHECK_MODEL_IOMMU_ATTACH_GROUP_H
#define IOMMUCHECK_MODEL_IOMMU_ATTACH_GROUP_H

#include "model/iommu/group_domain.h"

namespace iommucheck::model {

template <class D>
class AttachPrograms : public GroupDomain<D> {
 public:
  using Base = GroupDomain<D>;
  using Base::b, Base::client, Base::gdev, Base::group_at, Base::iommu_domain, Base::layout,
      Base::local, Base::resets, Base::spec;
  using Base::Base;
  using typename Base::B, typename Base::Kind, typename Base::Move, typename Base::Parts,
      typename Base::T, typename Base::V;

  // iommu_attach_device() is for a group with one device, iommu_attach_group() for the others: the
  // same function behind a check.

  /// Everything, within the bounds.
  void build_rid_calls() {
    build_domain_alloc();
    build_domain_free();
    build_attach();
    build_detach();
    if (b.domains > 1) build_replace();
    if (b.hotplug) {
      build_probe();
      build_release();
    }
    if (!b.resets) return;
    build_reset_prepare();
    build_reset_done();
  }

  /// What the caller of iommu_detach_device() believes, which gets no answer.
  void detach_returns(T& t) {
    auto&& l = local(t);
    t.when(
        B(b.misuse) && misused(t), [&] { this->only_effect(t); },
        [&] {
          this->takes_effect(t, Kind::detach, {.device = l.dev, .table = l.domain}, Err::ok, 0);
        });
  }
  /// What 6.12 does: a driver that does not own its group detaches only where it is alone.
  void detach_counting_devices() {
    this->edit("iommu_detach_device")
        .insert_before("if (WARN_ON(domain != group->domain)) goto out_unlock",
                       "if (WARN_ON(list_count_nodes(&group->devices) != 1)) goto out_unlock",
                       [this](T& t) {
                         auto&& l = local(t);
                         t.when(gdev[V(l.dev)].claims == 0U && another_is_listed(V(l.dev)), [&] {
                           detach_returns(t);
                           t.jump(detach_unlock);
                         });
                       });
  }
  Label detach_unlock;  ///< where a detach ends: public, for bugs that end it early
  static constexpr const char* kCoreDomain =
      "new_domain = group->owner ? group->blocking_domain : group->default_domain";

  /// Another device of the group is on group->devices.
  B another_is_listed(V device) const {
    return any_of<D>(b.devices, [&](unsigned d) {
      return device != d && this->group_of(device) == layout.group_of(d) && gdev[d].unlisted == 0U;
    });
  }

 protected:
  /// Whether the caller has a domain attached at l.dev.
  B has_attached(T& t) const {
    return any_of<D>(b.client_domains(), [&](unsigned i) { return attached_here(t, i); });
  }
  /// It has none any more.
  void forget_attached(T& t) {
    for (unsigned i = 0; i < b.client_domains(); ++i)
      t.when(attached_here(t, i), [&] { client[i].where = 0; });
  }

 private:
  B attached_here(T& t, unsigned i) const {
    return client[i].owner == t.self() + 1U && client[i].where == local(t).dev + 1U;
  }
  /// The specification has no detach with these arguments: nothing is to happen.
  B misused(T& t) {
    auto&& l = local(t);
    return spec.state.group[this->group_of(V(l.dev))].rid != l.domain;
  }
  void build_domain_alloc() {
    auto& p = this->program("iommu_domain_alloc");
    p.step("domain = ops->domain_alloc_paging(dev); domain->owner = ops", [this](T& t) {
      auto&& l = local(t);
      t.require(resets[t.self()] == 0U);
      if (b.owners) {
        t.require(count_of<D>(b.client_domains(),
                              [&](unsigned i) -> B { return client[i].owner != 0U; }) < b.domains);
      }
      l.dev = t.choose(b.kinds, "device");  // all that matters is its kind of IOMMU
      t.when(
          t.choose(2, "nomem") == 1U,
          [&] {
            this->takes_effect(t, Kind::domain_alloc, {.device = l.dev, .nomem = 1}, Err::enomem,
                               0);
          },
          [&] {
            l.domain = iommu_domain.kzalloc();
            t.require(l.domain != 0U);
            iommu_domain.at(l.domain).owner = this->kind_of(l.dev);
            this->client_of(l.domain).owner = t.self() + 1U;
            this->takes_effect(t, Kind::domain_alloc, {.device = l.dev}, Err::ok, l.domain);
          });
    });
  }
  void build_domain_free() {
    auto& p = this->program("iommu_domain_free");
    p.arguments([this](T& t) {
      auto&& l = local(t);
      l.domain = this->choose_domain(t);
      t.require(this->client_of(l.domain).where == 0U);
    });
    p.step("domain->ops->free(domain)", [this](T& t) {
      auto&& l = local(t);
      this->client_of(l.domain).owner = 0;
      this->takes_effect(t, Kind::domain_free, {.table = l.domain}, Err::ok, 0);
      iommu_domain.kfree(l.domain);
    });
  }

  /// The call fails: it goes on at the label.
  void fails(T& t, Kind kind, Err err, const Label& label) {
    auto&& l = local(t);
    this->takes_effect(t, kind, {.device = l.dev, .table = l.target}, err, 0);
    t.jump(label);
  }
  /// iommu_attach_device() and iommu_group_replace_domain() from their first check on.
  void build_change(Program<D>& p, Kind kind, const Label& unlock) {
    if (b.kinds > 1) {
      p.step("if (dev_iommu_ops(dev) != domain->owner) return -EINVAL", [=, this](T& t) {
        auto&& l = local(t);
        t.when(iommu_domain.at(l.target).owner != this->kind_of(l.dev),
               [&] { fails(t, kind, Err::einval, unlock); });
      });
    }
    if (b.resets) {
      p.step("if (group->recovery_cnt) return -EBUSY", [=, this](T& t) {
        t.when(group_at(t).recovery_cnt != 0U, [&] { fails(t, kind, Err::ebusy, unlock); });
      });
    }
    this->build_set_domain(p, [=, this](T& t) {
      auto&& l = local(t);
      // What its owner had attached there is replaced.
      forget_attached(t);
      this->client_of(l.target).where = l.dev + 1U;
      this->takes_effect(t, kind, {.device = l.dev, .table = l.target}, Err::ok, 0);
    });
    p.place(unlock);
    this->unlock_step(p);
  }
  void build_attach() {
    auto& p = this->program("iommu_attach_device");
    const auto unlock = p.label();
    p.arguments([this](T& t) {
      auto&& l = local(t);
      this->choose_device(t);
      l.target = this->choose_domain(t);
      t.require(this->client_of(l.target).where == 0U);
    });
    this->lock_step(p);
    if (b.owners && this->shared_groups()) {
      // iommu_attach_group(), which who has claimed the group calls, does not ask.
      p.step("if (list_count_nodes(&group->devices) != 1) return -EINVAL", [=, this](T& t) {
        auto&& l = local(t);
        t.when(gdev[V(l.dev)].claims == 0U && another_is_listed(l.dev),
               [&] { fails(t, Kind::attach, Err::einval, unlock); });
      });
    }
    p.step(b.owners ? "if (group->domain != group->default_domain && group->domain != "
                      "group->blocking_domain) return -EBUSY"
                    : "if (group->domain != group->default_domain) return -EBUSY",
           [=, this](T& t) {
             const V domain = group_at(t).domain;
             t.when(domain != this->default_domain(t) && (!B(b.owners) || domain != 0U),
                    [&] { fails(t, Kind::attach, Err::ebusy, unlock); });
           });
    build_change(p, Kind::attach, unlock);
  }
  /// The caller has one domain attached, and moves the group to another one of its own.
  void build_replace() {
    auto& p = this->program("iommu_group_replace_domain");
    const auto unlock = p.label();
    p.arguments([this](T& t) {
      auto&& l = local(t);
      this->choose_device(t);
      l.target = this->choose_domain(t);
      t.require(this->client_of(l.target).where == 0U && has_attached(t));
      if (b.owners) t.require(gdev[V(l.dev)].claims == 1U);
    });
    this->lock_step(p);
    build_change(p, Kind::replace, unlock);
  }
  /// It returns nothing, so that it must not fail: not even during a reset.
  void build_detach() {
    auto& p = this->program("iommu_detach_device");
    const auto& unlock = detach_unlock;
    p.arguments([this](T& t) {
      auto&& l = local(t);
      l.domain = this->choose_domain(t);
      auto&& known = this->client_of(l.domain);
      t.when(
          known.where != 0U,
          [&] {
            l.dev = known.where - 1U;
            this->first_device(t);
            known.where = 0;
          },
          [&] {
            t.require(b.misuse);
            this->choose_device(t);
          });
      if (!b.owners) l.target = this->default_domain(t);
    });
    this->lock_step(p);
    p.step("if (WARN_ON(domain != group->domain)) goto out_unlock", [=, this](T& t) {
      auto&& l = local(t);
      t.when(group_at(t).domain != l.domain, [&] {
        t.when(misused(t), [&] { this->only_effect(t); });
        t.jump(unlock);
      });
    });
    if (b.owners) {
      p.step(kCoreDomain, [this](T& t) {
        local(t).target = select(group_at(t).owner != 0U, V(0), V(group_at(t).default_domain));
      });
    }
    this->build_set_domain(p, [this](T& t) { detach_returns(t); });
    p.place(unlock);
    this->unlock_step(p);
  }

  /// A device is plugged in, and joins its group.
  void build_probe() {
    auto& p = this->program("iommu_probe_device");
    p.arguments([this](T& t) {
      auto&& l = local(t);
      l.dev = t.choose(b.devices, "device");
      l.device = l.dev;
      auto&& at = gdev[V(l.dev)];
      // Nobody else is at it, coming or going.
      t.require(at.driverless != 0U && at.unlisted != 0U && resets[t.self()] == 0U &&
                !this->is_used(t, l.dev));
    });
    const auto returns = p.label();
    p.step("gdev = kzalloc()", [=, this](T& t) {
      t.when(t.choose(2, "nomem") == 1U, [&] {
        this->takes_effect(t, Kind::probe_device, {.device = local(t).dev, .nomem = 1}, Err::enomem,
                           0);
        t.jump(returns);
      });
    });
    this->lock_step(p);
    p.step("list_add_tail(&gdev->list, &group->devices)", [this](T& t) {
      auto&& l = local(t);
      gdev[V(l.dev)].unlisted = 0;
      this->takes_effect(t, Kind::probe_device, {.device = l.dev}, Err::ok, 0);
    });
    Parts parts;
    this->add_rid_move(parts, Move::come_back, "ops->attach_dev(group->domain, dev)");
    this->build_parts(p, parts);
    this->unlock_step(p);
    p.step("a driver is bound", [this](T& t) { gdev[V(local(t).dev)].driverless = 0; });
    p.place(returns);
    p.step("return", [](T&) {});
  }
  /// A device is unplugged.  Its driver has been unbound, and no call of its is under way.
  void build_release() {
    auto& p = this->program("iommu_release_device");
    p.arguments([this](T& t) {
      auto&& l = local(t);
      this->choose_any_device(t);
      l.device = l.dev;
      auto&& at = gdev[V(l.dev)];
      if (b.owners) t.require(at.user == 0U);
      t.require(at.blocked == 0U && !this->is_used(t, l.dev) &&
                (is_default(t) || another_is_there(l.dev)));
      at.driverless = 1;
    });
    this->lock_step(p);
    p.step("list_del(&gdev->list)", [this](T& t) {
      auto&& l = local(t);
      gdev[V(l.dev)].unlisted = 1;
      this->takes_effect(t, Kind::release_device, {.device = l.dev}, Err::ok, 0);
    });
    Parts parts;
    this->add_rid_move(parts, Move::park, "ops->release_device(dev)");
    this->build_parts(p, parts);
    this->unlock_step(p);
  }
  B is_default(T& t) { return group_at(t).domain == this->default_domain(t); }
  /// Another device of the group has a driver.
  B another_is_there(V device) const {
    return any_of<D>(b.devices, [&](unsigned d) {
      return device != d && this->group_of(device) == layout.group_of(d) &&
             gdev[d].driverless == 0U;
    });
  }

  void build_reset_prepare() {
    auto& p = this->program("pci_dev_reset_iommu_prepare");
    const auto unlock = p.label();
    p.arguments([this](T& t) {
      auto&& l = local(t);
      this->choose_any_device(t);
      l.device = l.dev;
      // By its driver, or where it has none (through sysfs).
      if (b.owners) {
        const V user = gdev[V(l.dev)].user;
        t.require(user == t.self() + 1U || (user == 0U && !this->is_used(t, l.dev)));
      }
    });
    this->lock_step(p);
    p.step("if (gdev->blocked) return -EBUSY", [=, this](T& t) {
      auto&& l = local(t);
      t.when(gdev[V(l.dev)].blocked != 0U, [&] {
        this->takes_effect(t, Kind::reset_prepare, {.device = l.dev}, Err::ebusy, 0);
        t.jump(unlock);
      });
    });
    Parts parts;
    this->add_rid_move(parts, Move::park, "ops->attach_dev(group->blocking_domain, dev)");
    this->add_pasid_move(parts, Move::park);
    this->build_parts(p, parts);
    p.step("gdev->blocked = true; group->recovery_cnt++", [this](T& t) {
      auto&& l = local(t);
      gdev[V(l.dev)].blocked = 1;
      group_at(t).recovery_cnt += 1;
      resets[t.self()] = l.dev + 1U;
      this->takes_effect(t, Kind::reset_prepare, {.device = l.dev}, Err::ok, 0);
    });
    p.place(unlock);
    this->unlock_step(p);
  }
  void build_reset_done() {
    auto& p = this->program("pci_dev_reset_iommu_done");
    p.arguments([this](T& t) {
      auto&& l = local(t);
      auto&& mine = resets[t.self()];
      t.require(mine != 0U);
      l.dev = select(mine == 0U, V(0), mine - 1U);
      l.device = l.dev;
      mine = 0;
    });
    this->lock_step(p);
    Parts parts;
    this->add_rid_move(parts, Move::come_back, "ops->attach_dev(group->domain, dev)");
    this->add_pasid_move(parts, Move::come_back);
    this->build_parts(p, parts);
    p.step("gdev->blocked = false; group->recovery_cnt--", [this](T& t) {
      auto&& l = local(t);
      gdev[V(l.dev)].blocked = 0;
      group_at(t).recovery_cnt -= 1;
      this->takes_effect(t, Kind::reset_done, {.device = l.dev}, Err::ok, 0);
    });
    this->unlock_step(p);
  }
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOMMU_ATTACH_GROUP_H
