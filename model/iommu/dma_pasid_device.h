// SPDX-License-Identifier: MIT
// dma-pasid/device: the PASID of the DMA API as first proposed in 2021.  It lives in struct device,
// without a lock, and is attached once, to the domain of the moment.
//
// The design is right only where nobody ever changes what a device is attached to, which is what
// its clients here do.  That it diverges otherwise is its bug dma-pasid-diverges.
#ifndef IOMMUCHECK_MODEL_IOMMU_DMA_PASID_DEVICE_H
#define IOMMUCHECK_MODEL_IOMMU_DMA_PASID_DEVICE_H

#include "model/iommu/dma_pasid_clients.h"

namespace iommucheck::model {

template <class D>
class DmaPasidDevice : public DmaPasidClients<D> {
 public:
  using Base = DmaPasidClients<D>;
  using Base::b, Base::group_at, Base::hardware, Base::local;
  using typename Base::T, typename Base::V;

  explicit DmaPasidDevice(const AttachBounds& bounds)
      : Base(bounds), dev_pasid(this->root(), "dev_pasid", b.devices, b.pasids, Format{}) {
    build_enable();
    build_disable();
    hardware.add_traffic();
  }

  Array<D, Var<D>> dev_pasid;  ///< dev->pasid; 0: none

 private:
  /// iommu_enable_pasid_dma(dev).
  void build_enable() {
    auto& p = this->program("iommu_enable_pasid_dma");
    const auto err = p.label();
    const auto out = p.label();
    p.arguments([this](T& t) { this->choose_asking(t); });
    p.step("domain = iommu_get_domain_for_dev(dev)",
           [this](T& t) { local(t).target = group_at(t).domain; });
    p.step("pasid = ioasid_alloc(&iommu_dma_pasid, 1, max, dev)",
           [=, this](T& t) { this->alloc_pasid(t, out); });
    p.step("domain->ops->attach_dev_pasid(domain, dev, pasid)", [=, this](T& t) {
      auto&& l = local(t);
      t.when(
          t.choose(2, "nomem") == 1U, [&] { t.jump(err); },
          [&] { this->switch_entry(V(l.dev), V(l.pasid), 0, V(l.target)); });
    });
    p.step("dev->pasid = pasid", [=, this](T& t) {
      auto&& l = local(t);
      dev_pasid[V(l.dev)] = l.pasid;
      this->only_effect(t);
      this->gets(t);
      t.ret();
    });
    p.place(err);
    p.step("err: ioasid_put(pasid)", [this](T& t) { this->get_fails(t); });
    p.place(out);
    p.step("return", [](T&) {});
  }
  /// iommu_disable_pasid_dma(dev).
  void build_disable() {
    auto& p = this->program("iommu_disable_pasid_dma");
    p.arguments([this](T& t) { this->choose_giving_back(t); });
    p.step("domain = iommu_get_domain_for_dev(dev)", [this](T& t) {
      auto&& l = local(t);
      l.domain = group_at(t).domain;
      l.pasid = dev_pasid[V(l.dev)];
    });
    p.step("domain->ops->detach_dev_pasid(domain, dev, pasid)", [this](T& t) {
      auto&& l = local(t);
      this->switch_entry(V(l.dev), V(l.pasid), V(l.domain), 0);
    });
    if (b.caches) {
      p.step("domain->ops->detach_dev_pasid(domain, dev, pasid): the caches are invalidated",
             [this](T& t) { hardware.invalidate(V(local(t).dev), V(local(t).pasid)); });
    }
    p.step("ioasid_put(pasid)", [this](T& t) {
      auto&& l = local(t);
      dev_pasid[V(l.dev)] = 0;
      this->ida_free(t, l.pasid - 1U);
      this->gives_back(t);
    });
  }
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOMMU_DMA_PASID_DEVICE_H
