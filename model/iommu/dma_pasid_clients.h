// SPDX-License-Identifier: MIT
// What the DMA-API PASID designs share: drivers that ask for the PASID and give it back, and what
// must be true of it.
#ifndef IOMMUCHECK_MODEL_IOMMU_DMA_PASID_CLIENTS_H
#define IOMMUCHECK_MODEL_IOMMU_DMA_PASID_CLIENTS_H

#include "model/iommu/attach_group.h"

namespace iommucheck::model {

/// What the driver of a device is doing with the DMA-API PASID.
enum class DmaUse : std::uint8_t { none, changing, has };
inline std::string_view name(DmaUse use) {
  constexpr std::array<std::string_view, 3> kNames{"none", "changing", "has"};
  return kNames.at(static_cast<std::size_t>(use));
}

template <class D>
class DmaPasidClients : public AttachPrograms<D> {
 public:
  using Base = AttachPrograms<D>;
  using Base::b, Base::hardware, Base::layout, Base::local, Base::spec;
  using typename Base::B, typename Base::Kind, typename Base::T, typename Base::V;

  explicit DmaPasidClients(const AttachBounds& bounds)
      : Base(bounds), dma_use(this->root(), "dma_use", b.devices, 2U, names_of<DmaUse>(3)) {
    this->property(
        "dma-pasid-translates-as-the-rid",
        "While a driver has the DMA-API PASID, a TLP with it lands where one without it does, on "
        "every device of the group: while group->mutex is free, both entries lead to the same "
        "domain, and no cache leads elsewhere; while it is held, both lead to the domain that the "
        "group uses, to the one that it moves to, or nowhere.",
        [this] {
          return all_of<D>(layout.group_count(), [&](unsigned g) {
            return !used(g) || all_of<D>(b.devices, [&](unsigned d) {
              return layout.group_of(d) == g ? follows(g, d) : B(true);
            });
          });
        });
    this->property("pasids-are-held",
                   "When no call is under way, a PASID is allocated exactly as long as a driver "
                   "has it.",
                   [this] {
                     return !this->may_rest() || all_of<D>(b.pasids, [&](unsigned p) {
                       const B held = any_of<D>(layout.group_count(), [&](unsigned g) {
                         return spec.state.group[g].dma_pasid == p + 1;
                       });
                       return (this->iommu_global_pasid_ida.load(p) != 0U) == held;
                     });
                   });
    this->declare_entries();
  }

  Array<D, Var<D, DmaUse>> dma_use;  ///< of each device

  // A driver asks for the PASID once, and gives it back once.  Its calls for a device do not
  // overlap: it has locks of its own.

  void choose_asking(T& t) {
    this->choose_device(t);
    changes(t, DmaUse::none);
  }
  void choose_giving_back(T& t) {
    this->choose_device(t);
    changes(t, DmaUse::has);
  }
  /// The lowest PASID that is free, into l.pasid; or the call fails.  From here on nobody else gets
  /// the PASID: what the specification calls getting it has happened, unless get_fails() takes it
  /// back.
  void alloc_pasid(T& t, const Label& out) {
    auto&& l = local(t);
    const V pasid = this->ida_alloc();
    t.when(
        pasid == b.pasids,
        [&] {
          this->takes_effect(t, Kind::get_dma_pasid, {.device = l.dev}, Err::enospc, 0);
          dma_use[V(l.dev)] = DmaUse::none;
          t.jump(out);
        },
        [&] {
          l.pasid = pasid + 1U;
          pasid_taken(t);
        });
  }
  void pasid_taken(T& t) {
    auto&& l = local(t);
    this->happens(Kind::get_dma_pasid, {.device = l.dev}, Err::ok, l.pasid);
  }
  /// The call gives l.pasid to the driver.
  void gets(T& t) { dma_use[V(local(t).dev)] = DmaUse::has; }
  /// The PASID goes back, and the call answers that there is no memory.
  void get_fails(T& t) {
    auto&& l = local(t);
    this->ida_free(t, l.pasid - 1U);
    this->happens(Kind::destroy_dma_pasid, {.device = l.dev});
    this->takes_effect(t, Kind::get_dma_pasid, {.device = l.dev, .nomem = 1}, Err::enomem, 0);
    dma_use[V(l.dev)] = DmaUse::none;
  }
  void gives_back(T& t) {
    auto&& l = local(t);
    this->takes_effect(t, Kind::destroy_dma_pasid, {.device = l.dev}, Err::ok, 0);
    dma_use[V(l.dev)] = DmaUse::none;
  }

 private:
  void changes(T& t, DmaUse from) {
    auto&& use = dma_use[V(local(t).dev)];
    t.require(use == from);
    use = DmaUse::changing;
  }
  B used(unsigned g) const {
    return any_of<D>(b.devices, [&](unsigned d) {
      return layout.group_of(d) == g ? dma_use[d] == DmaUse::has : B(false);
    });
  }
  /// The PASID of group g on device d.
  B follows(unsigned g, unsigned d) const {
    auto&& rid = hardware.at(d, 0);
    const auto caches = [&](auto&& h) -> B { return h.cached == 0U || h.cached == rid.entry; };
    return all_of<D>(b.pasids, [&](unsigned p) {
      auto&& h = hardware.at(d, p + 1);
      return spec.state.group[g].dma_pasid != p + 1 ||
             (this->group_is_locked(g) && this->old_or_new(d, h) && this->old_or_new(d, rid)) ||
             (!this->group_is_locked(g) && h.entry == rid.entry && caches(h) && caches(rid));
    });
  }
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOMMU_DMA_PASID_CLIENTS_H
