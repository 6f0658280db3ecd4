// SPDX-License-Identifier: MIT
// dma-pasid/group: the PASID of the DMA API as the review of 2021-12-08 asked for it.  It lives in
// the group, guarded by group->mutex, and moves with the RIDs.
#ifndef IOMMUCHECK_MODEL_IOMMU_DMA_PASID_GROUP_H
#define IOMMUCHECK_MODEL_IOMMU_DMA_PASID_GROUP_H

#include "model/iommu/dma_pasid_clients.h"

namespace iommucheck::model {

/// The group's share in the DMA-API PASID.
template <class D>
struct DmaPasidRecord : Record<D> {
  DmaPasidRecord(Scope<D> scope, const AttachBounds& b)
      : Record<D>(scope),
        pasid(*this, "dma_pasid", b.pasids),
        users(*this, "dma_pasid_users", b.devices + 1) {}
  Var<D> pasid;  ///< 0: none
  Var<D> users;  ///< devices whose drivers have it; under group->mutex
};

template <class D>
class DmaPasidGroup : public DmaPasidClients<D> {
 public:
  using Base = DmaPasidClients<D>;
  using Base::b, Base::gdev, Base::group_at, Base::hardware, Base::layout, Base::local;
  using typename Base::B, typename Base::Kind, typename Base::Move, typename Base::Parts,
      typename Base::T, typename Base::V;

  explicit DmaPasidGroup(const AttachBounds& bounds)
      : Base(bounds), dma(this->root(), "group_dma", layout.group_count(), b) {
    build_get();
    build_destroy();
    this->build_rid_calls();
    hardware.add_traffic();
  }

  Array<D, DmaPasidRecord<D>> dma;
  Label get_err;  ///< where a get that fails gives the PASID back: public, for bugs

  decltype(auto) dma_at(T& t) { return dma[this->group_of(V(local(t).dev))]; }

  void add_pasid_move(Parts& parts, Move move) override {
    const char* label = move == Move::park ? "ops->remove_dev_pasid(gdev->dev, group->dma_pasid)"
                        : move == Move::come_back
                            ? "ops->set_dev_pasid(group->domain, dev, group->dma_pasid)"
                            : "ops->set_dev_pasid(new_domain, gdev->dev, group->dma_pasid)";
    this->add_move(parts, move, label, false, [this](T& t) { return V(dma_at(t).pasid); });
  }

 private:
  /// iommu_get_dma_api_pasid(dev, &pasid).
  void build_get() {
    auto& p = this->program("iommu_get_dma_api_pasid");
    const auto set = p.label();
    const auto err_revert = p.label();
    const auto unlock = p.label();
    p.arguments([this](T& t) { this->choose_asking(t); });
    this->lock_step(p);
    p.step("if (group->dma_pasid) group->dma_pasid_users++", [=, this](T& t) {
      auto&& l = local(t);
      t.when(dma_at(t).pasid != 0U, [&] {
        dma_at(t).users += 1;
        l.pasid = dma_at(t).pasid;
        this->only_effect(t);
        this->pasid_taken(t);
        this->gets(t);
        t.jump(unlock);
      });
    });
    p.step("pasid = iommu_alloc_global_pasid(dev)",
           [=, this](T& t) { this->alloc_pasid(t, unlock); });
    p.place(set);
    p.step("ops->set_dev_pasid(group->domain, gdev->dev, pasid)", [=, this](T& t) {
      auto&& l = local(t);
      t.when(gdev[V(l.device)].blocked == 0U, [&] {
        t.when(
            t.choose(2, "nomem") == 1U, [&] { t.jump(err_revert); },
            [&] { this->switch_entry(V(l.device), V(l.pasid), 0, group_at(t).domain); });
      });
    });
    if (this->shared_groups()) {
      p.step("for_each_group_device(group, gdev)", [=, this](T& t) {
        this->next_device(
            t, [&] { t.jump(set); }, [] {});
      });
    }
    p.step("group->dma_pasid = pasid; group->dma_pasid_users = 1", [=, this](T& t) {
      dma_at(t).pasid = local(t).pasid;
      dma_at(t).users = 1;
      this->only_effect(t);
      this->gets(t);
      t.jump(unlock);
    });
    p.place(err_revert);
    if (this->shared_groups()) {
      const auto flush = p.label();
      p.step("err_revert: ops->remove_dev_pasid() of the device before this one", [=, this](T& t) {
        t.jump(get_err);
        this->previous_device(t, [&] {
          auto&& l = local(t);
          t.when(gdev[V(l.device)].blocked == 0U,
                 [&] { this->switch_entry(V(l.device), V(l.pasid), group_at(t).domain, 0); });
          t.jump(b.caches ? flush : err_revert);
        });
      });
      if (b.caches) {
        p.place(flush);
        p.step("err_revert: ops->remove_dev_pasid(): the caches are invalidated", [=, this](T& t) {
          hardware.invalidate(V(local(t).device), V(local(t).pasid));
          t.jump(err_revert);
        });
      }
    }
    p.place(get_err);
    p.step("err: iommu_free_global_pasid(pasid)", [this](T& t) { this->get_fails(t); });
    p.place(unlock);
    this->unlock_step(p);
  }
  /// iommu_destroy_dma_api_pasid(dev).
  void build_destroy() {
    auto& p = this->program("iommu_destroy_dma_api_pasid");
    const auto unlock = p.label();
    p.arguments([this](T& t) { this->choose_giving_back(t); });
    this->lock_step(p);
    p.step("if (--group->dma_pasid_users) goto out_unlock", [=, this](T& t) {
      dma_at(t).users -= 1;
      t.when(dma_at(t).users != 0U, [&] {
        this->gives_back(t);
        t.jump(unlock);
      });
    });
    Parts parts;
    add_pasid_move(parts, Move::park);
    this->build_for_each(p, parts);
    p.step("pasid = group->dma_pasid; group->dma_pasid = IOMMU_PASID_INVALID", [this](T& t) {
      local(t).pasid = dma_at(t).pasid;
      dma_at(t).pasid = 0;
    });
    p.step("iommu_free_global_pasid(pasid)", [this](T& t) {
      this->ida_free(t, local(t).pasid - 1U);
      this->gives_back(t);
    });
    p.place(unlock);
    this->unlock_step(p);
  }
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOMMU_DMA_PASID_GROUP_H
