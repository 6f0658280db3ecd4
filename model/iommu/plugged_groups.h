// SPDX-License-Identifier: MIT
// attach/group-pasid with --hotplug 1: devices leave their group and join it while PASIDs of it are
// in use.  6.12 drivers/iommu/iommu.c, iommu_probe_device(), iommu_release_device(); that a device
// which joins gets the PASIDs of its group is ours.
#ifndef IOMMUCHECK_MODEL_IOMMU_PLUGGED_GROUPS_H
#define IOMMUCHECK_MODEL_IOMMU_PLUGGED_GROUPS_H

#include "model/iommu/page_requests.h"

namespace iommucheck::model {

inline constexpr const char* kProbeDevice = "iommu_probe_device";
inline constexpr const char* kReleaseDevice = "iommu_release_device";
inline constexpr const char* kJoinPasids =
    "ops->set_dev_pasid(domain, dev, pasid), with no entry for a process that has ended";

template <class D>
class PluggedGroups : public PageRequests<D> {
 public:
  using Base = PageRequests<D>;
  using Base::b, Base::gdev, Base::group, Base::hardware, Base::iommu_domain, Base::iommu_sva,
      Base::local, Base::mm, Base::spec;
  using Base::Base;
  using typename Base::B, typename Base::Kind, typename Base::T, typename Base::V;

  void build_hotplug() override {
    build_probe();
    build_release();
  }
  /// A device of a driver's handle: the struct is there.
  void touch_device(T& t, V dev) {
    t.fail_unless(!gdev[dev].unlisted, this->no_use_after_free,
                  "handle->dev is a device that has been unplugged");
  }
  /// The device gets the PASID l.entry of its group, if it is in use.
  void join_pasid(T& t, bool running_only) {
    auto&& l = local(t);
    const V handle = group[this->group_of(V(l.dev))].pasid_array.load(V(l.entry));
    t.when(handle != 0U, [&] {
      const V domain = iommu_sva.at(handle).domain;
      const V process = iommu_domain.at(domain).mm;
      this->set_dev_pasid(V(l.dev), V(l.entry), domain);
      t.when(mm.at(process).users == 0U && B(running_only), [&] {
        hardware.with(V(l.dev), V(l.entry), [&](unsigned, unsigned, auto&& h) { h.entry = 0; });
      });
    });
  }

 private:
  /// Nobody else calls on behalf of the device, and its driver holds no bond.
  B idle(T& t, V device) const {
    const B called = any_of<D>(this->process_count(), [&](unsigned i) {
      return i == t.self() ? B(false) : this->locals_of_all()[i].caller == device + 1U;
    });
    const B wanted = any_of<D>(
        b.devices, [&](unsigned d) { return device == d && spec.state.device_is_wanted(d); });
    return !called && !wanted;
  }
  void choose_plugged(T& t, bool there) {
    auto&& l = local(t);
    l.dev = t.choose(b.devices, "device");
    l.caller = l.dev + 1U;
    auto&& at = gdev[V(l.dev)];
    const B gone = B(at.driverless) && B(at.unlisted);
    const B plugged = !B(at.driverless) && !B(at.unlisted);
    t.require((there ? plugged : gone) && idle(t, V(l.dev)));
  }

  void build_probe() {
    auto& p = this->program(kProbeDevice);
    const auto join = p.label();
    const auto returns = p.label();
    p.arguments([this](T& t) { choose_plugged(t, false); });
    p.step("gdev = kzalloc()", [=, this](T& t) {
      t.when(t.choose(2, "nomem") == 1U, [&] {
        this->takes_effect(t, Kind::probe_device, {.device = local(t).dev, .nomem = 1}, Err::enomem,
                           0);
        t.jump(returns);
      });
    });
    p.step("mutex_lock(&group->mutex)", [this](T& t) { this->lock_group(t); });
    p.step("list_add_tail(&gdev->list, &group->devices)", [this](T& t) {
      auto&& l = local(t);
      gdev[V(l.dev)].unlisted = false;
      l.entry = 0;
      this->takes_effect(t, Kind::probe_device, {.device = l.dev}, Err::ok, 0);
    });
    p.place(join);
    // One step: under the lock that the driver's release notifier takes.
    p.step(kJoinPasids, [this](T& t) { join_pasid(t, true); });
    p.step("xa_for_each(&group->pasid_array, pasid, handle)", [=, this](T& t) {
      auto&& l = local(t);
      t.when(l.entry + 1U < b.pasids, [&] {
        l.entry += 1;
        t.jump(join);
      });
    });
    p.step("mutex_unlock(&group->mutex)", [this](T& t) { this->unlock_group(t); });
    p.step("a driver is bound", [this](T& t) { gdev[V(local(t).dev)].driverless = false; });
    p.place(returns);
    p.step("return", [](T&) {});
  }
  void build_release() {
    auto& p = this->program(kReleaseDevice);
    p.arguments([this](T& t) {
      choose_plugged(t, true);
      gdev[V(local(t).dev)].driverless = true;
    });
    p.step("mutex_lock(&group->mutex)", [this](T& t) { this->lock_group(t); });
    p.step("list_del(&gdev->list)", [this](T& t) {
      auto&& l = local(t);
      gdev[V(l.dev)].unlisted = true;
      this->takes_effect(t, Kind::release_device, {.device = l.dev}, Err::ok, 0);
    });
    p.step("ops->release_device(dev)", [this](T& t) {
      for_rows(t, [&](auto&& h) {
        h.set = 0;
        h.entry = 0;
      });
    });
    if (b.caches) {
      p.step("ops->release_device(dev): the caches are invalidated",
             [this](T& t) { for_rows(t, [&](auto&& h) { h.cached = 0; }); });
    }
    if (b.faults) {
      const auto drain = p.label();
      p.step("the driver leaves its queue of page requests", [this](T& t) {
        auto&& l = local(t);
        l.device = l.dev;
        l.pasid = 0;
      });
      p.place(drain);
      this->build_drain(p);
      p.step("next PASID", [=, this](T& t) {
        auto&& l = local(t);
        t.when(V(l.pasid) + 1U < b.pasids, [&] {
          l.pasid = V(l.pasid) + 1U;
          t.jump(drain);
        });
      });
    }
    p.step("mutex_unlock(&group->mutex)", [this](T& t) { this->unlock_group(t); });
  }
  /// f(translation) for every PASID of l.dev.
  template <class F>
  void for_rows(T& t, F f) {
    for (unsigned r = 0; r < b.pasids; ++r)
      hardware.with(V(local(t).dev), V(r), [&](unsigned, unsigned, auto&& h) { f(h); });
  }
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOMMU_PLUGGED_GROUPS_H
