// SPDX-License-Identifier: MIT
// attach/group-pasid: a domain is attached to a PASID of a whole group, 6.12 drivers/iommu/iommu.c.
// group->mutex guards the PASID entries of all devices of the group; group->pasid_array maps a
// PASID to the attach handle, which has no reference count.
#ifndef IOMMUCHECK_MODEL_IOMMU_GROUP_PASID_H
#define IOMMUCHECK_MODEL_IOMMU_GROUP_PASID_H

#include "model/iommu/group_locks.h"
#include "model/iommu/iommu_design.h"

namespace iommucheck::model {

/// Domain: the record of a domain, with mm, owner and user_count().
template <class D, template <class> class Domain = SvaDomain>
class GroupPasid : public GroupLocks<D, IommuDesign<D>> {
 public:
  using Base = GroupLocks<D, IommuDesign<D>>;
  using Base::b, Base::hardware, Base::layout, Base::local;
  using typename Base::B, typename Base::T, typename Base::V;

  GroupPasid(const IommuBounds& bounds, const MmParts& parts)
      : Base(bounds, parts),
        iommu_domain(*this, "iommu_domain", over(Base::sorts.domains),
                     static_cast<const Design<D>*>(this), b),
        iommu_sva(*this, "iommu_sva", over(Base::sorts.handles),
                  static_cast<const Design<D>*>(this), b),
        group(this->root(), "group", layout.group_count(), b, Base::sorts) {}

  /// xa_load(&group->pasid_array, l.pasid) of the group of l.dev.
  V handle_at(T& t) {
    auto&& l = local(t);
    return group[this->group_of(l.dev)].pasid_array.load(V(l.pasid));
  }
  void store_handle(T& t, V handle) {
    auto&& l = local(t);
    group[this->group_of(l.dev)].pasid_array.store(V(l.pasid), handle);
  }

  /// iommu_attach_device_pasid(l.domain, l.dev, l.pasid, l.handle); the answer is in l.ret.
  /// checked: it looks whether the domain fits the device, which the caller need not know then.
  void build_attach(Program<D>& p, bool checked = true) {
    const auto out_unlock = p.label();
    const auto out = p.label();
    if (checked && b.kinds > 1) {
      p.step("if (dev_iommu_ops(dev) != domain->owner) return -EINVAL", [=, this](T& t) {
        auto&& l = local(t);
        t.when(iommu_domain.at(l.domain).owner != this->kind_of(l.dev), [&] {
          l.ret = Err::einval;
          t.jump(out);
        });
      });
    }
    p.step("mutex_lock(&group->mutex)", [this](T& t) { this->lock_group(t); });
    build_attach_locked(p, out_unlock);
    p.place(out_unlock);
    p.step("mutex_unlock(&group->mutex)", [this](T& t) { this->unlock_group(t); });
    p.place(out);
  }
  /// The same under group->mutex, up to `done`.
  void build_attach_locked(Program<D>& p, const Label& done) {
    const auto set = p.label();
    const auto err_revert = p.label();
    const auto erase = p.label();
    p.step("handle->domain = domain; xa_insert(&group->pasid_array, pasid, handle)",
           [=, this](T& t) {
             auto&& l = local(t);
             iommu_sva.at(l.handle).domain = l.domain;
             t.when(
                 handle_at(t) != 0U,
                 [&] {
                   l.ret = Err::ebusy;
                   t.jump(done);
                 },
                 [&] {
                   t.when(
                       t.choose(2, "nomem") == 1U,
                       [&] {
                         l.ret = Err::enomem;
                         t.jump(done);
                       },
                       [&] {
                         store_handle(t, l.handle);
                         this->first_device(t);
                       });
                 });
           });
    p.place(set);
    build_set(p, set, err_revert, done);
    p.place(err_revert);
    if (this->shared_groups()) build_revert(p, err_revert);
    p.place(erase);
    p.step("xa_erase(&group->pasid_array, pasid)", [this](T& t) { store_handle(t, 0); });
  }
  /// ops->set_dev_pasid() for the device at the cursor, and the next one at `set`; after the last
  /// one, on at `done`.
  virtual void build_set(Program<D>& p, const Label& set, const Label& err_revert,
                         const Label& done) {
    p.step("domain->ops->set_dev_pasid(domain, device->dev, pasid)", [=, this](T& t) {
      auto&& l = local(t);
      t.when(
          t.choose(2, "nomem") == 1U,
          [&] {
            l.ret = Err::enomem;
            t.jump(err_revert);
          },
          [&] {
            set_dev_pasid(V(l.device), V(l.pasid), V(l.domain));
            this->next_device(
                t, [&] { t.jump(set); }, [&] { t.jump(done); });
          });
    });
  }

  /// domain->ops->set_dev_pasid().
  void set_dev_pasid(V device, V pasid, V of) {
    auto&& domain = iommu_domain.at(of);
    hardware.set(device, pasid, domain.mm, domain.owner == this->kind_of(device));
  }
  /// Devices that come and go, where a design has them.
  virtual void build_hotplug() {}

  /// iommu_detach_device_pasid(l.domain, l.dev, l.pasid).
  void build_detach(Program<D>& p) {
    p.step("mutex_lock(&group->mutex)", [this](T& t) {
      this->lock_group(t);
      this->first_device(t);
    });
    build_detach_locked(p);
    p.step("mutex_unlock(&group->mutex)", [this](T& t) { this->unlock_group(t); });
  }
  /// The same under group->mutex, from the first device on.
  void build_detach_locked(Program<D>& p) {
    const auto remove = p.label();
    p.place(remove);
    build_remove(p, remove);
    p.step("xa_erase(&group->pasid_array, pasid)", [this](T& t) { store_handle(t, 0); });
  }

  /// ops->remove_dev_pasid(device->dev, pasid, domain) for the device at the cursor and those
  /// behind it: the entry is cleared, the caches are invalidated, page requests are drained.
  virtual void build_remove(Program<D>& p, const Label& again) {
    p.step("ops->remove_dev_pasid(device->dev, pasid): the entry is cleared", [this](T& t) {
      auto&& l = local(t);
      hardware.with(V(l.device), V(l.pasid), [&](unsigned, unsigned, auto&& h) {
        if (b.faults) l.was_present = as_number<D>(h.entry != 0U);
      });
      hardware.clear(V(l.device), V(l.pasid), iommu_domain.at(l.domain).mm);
    });
    if (b.caches) {
      p.step("ops->remove_dev_pasid(device->dev, pasid): the caches are invalidated", [this](T& t) {
        auto&& l = local(t);
        hardware.invalidate(V(l.device), V(l.pasid));
      });
    }
    if (b.faults) build_drain(p);
    if (!this->shared_groups()) return;
    p.step("for_each_group_device(group, device)", [=, this](T& t) {
      this->next_device(
          t, [&] { t.jump(again); }, [] {});
    });
  }
  /// Waits until no page request of (l.device, l.pasid) is under way.
  virtual void build_drain(Program<D>&) {}

  Heap<D, Domain<D>> iommu_domain;
  Heap<D, SvaHandle<D>> iommu_sva;
  Array<D, GroupRecord<D>> group;

  void declare_no_leak() {
    this->property(
        "handles-are-published",
        "When no call is under way, every handle in memory is that of one PASID of one group, and "
        "counts the bonds that drivers hold with it.",
        [this] {
          return !this->may_rest() || all_of<D>(iommu_sva.size(), [&](unsigned i) {
            auto&& handle = iommu_sva.object(i);
            const V published = sum_of<D>(layout.group_count(), [&](unsigned g) {
              return count_of<D>(b.pasids,
                                 [&](unsigned p) { return group[g].pasid_array.load(p) == i + 1; });
            });
            const V held = sum_of<D>(b.threads, [&](unsigned c) {
              return count_of<D>(b.bonds,
                                 [&](unsigned k) { return this->driver[c].handle[k] == i + 1; });
            });
            return (handle.life == Life::live && published == 1U && handle.users.read() == held) ||
                   (handle.life == Life::free && published == 0U && held == 0U);
          });
        });
    this->property(
        "domains-are-used",
        "When no call is under way, every SVA domain in memory counts the handles that use it, and "
        "there is one.",
        [this] {
          return !this->may_rest() || all_of<D>(iommu_domain.size(), [&](unsigned i) {
            auto&& domain = iommu_domain.object(i);
            const V used = count_of<D>(iommu_sva.size(), [&](unsigned h) {
              return iommu_sva.object(h).life == Life::live && iommu_sva.object(h).domain == i + 1;
            });
            return domain.user_count() == used && (domain.life == Life::live) == (used != 0U);
          });
        });
  }

 private:
  /// The devices before the one that failed lose their entry again.
  void build_revert(Program<D>& p, const Label& err_revert) {
    p.step("err_revert: ops->remove_dev_pasid() of the devices before this one", [=, this](T& t) {
      this->previous_device(t, [&] {
        auto&& l = local(t);
        hardware.clear(V(l.device), V(l.pasid), iommu_domain.at(l.domain).mm);
        hardware.invalidate(V(l.device), V(l.pasid));
        t.jump(err_revert);
      });
    });
  }
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOMMU_GROUP_PASID_H
