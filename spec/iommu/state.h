// SPDX-License-Identifier: MIT
// The state of the IOMMU specification: the three layers side by side, and the bonds above them.
#ifndef IOMMUCHECK_SPEC_IOMMU_STATE_H
#define IOMMUCHECK_SPEC_IOMMU_STATE_H

#include "spec/iommu/call.h"
#include "spec/iommu/device.h"
#include "spec/iommu/page_table.h"
#include "spec/iommu/system.h"

namespace iommucheck::iommu {

template <class D>
struct State : Record<D> {
  State(Scope<D> scope, const Bounds& b, const Sorts& sorts = {})
      : Record<D>(scope),
        bounds(b),
        device(*this, "device", b.devices, b, sorts),
        group(*this, "group", b.group_count(), b, sorts),
        table(*this, "table", b.tables, b),
        mm(*this, "mm", over(sorts.mms, b.mms), b, sorts.pasids),
        client(*this, "client", over(sorts.clients, b.clients), b, sorts) {}

  const Bounds bounds;
  Array<D, Device<D>> device;
  Array<D, Group<D>> group;
  Array<D, Table<D>> table;  ///< table t is element t - 1
  Array<D, Mm<D>> mm;
  Array<D, Client<D>> client;

  // Relations, as calls and invariants use them.

  Bool<D> exists(unsigned t) const { return table[t - 1].life != TableLife::none; }
  Bool<D> runs(unsigned m) const { return mm[m].life == MmLife::running; }
  /// Whether some client holds a bond of device `d` with mm `m`.
  Bool<D> bound(unsigned d, unsigned m) const {
    return some_bond([&](auto&& bond) { return bond.device == d + 1 && bond.mm == m + 1; });
  }
  /// Whether some device of the group is bound to mm `m`.
  Bool<D> group_bound(unsigned g, unsigned m) const {
    return any_of<D>(bounds.devices, [&](unsigned d) {
      return bounds.group_of(d) == g ? bound(d, m) : Bool<D>(false);
    });
  }
  Bool<D> held(unsigned m) const {
    return some_bond([&](auto&& bond) { return bond.mm == m + 1; });
  }
  template <class F>
  Bool<D> some_bond(F f) const {
    return any_of<D>(bounds.clients, [&](unsigned c) {
      auto&& bonds = client[c].bond;
      return any_of<D>(bonds.size(), [&](unsigned k) { return f(bonds[k]); });
    });
  }
  /// Somebody has a bond of device d, or wants the DMA-API PASID for it.
  Bool<D> device_is_wanted(unsigned d) const {
    const Bool<D> bound = any_of<D>(bounds.mms, [&](unsigned m) { return this->bound(d, m); });
    return bound || has_bit(group[bounds.group_of(d)].dma_users, d);
  }
  /// A client has claimed the group.
  Bool<D> claimed(unsigned g) const {
    if (!bounds.owners) return Bool<D>(false);
    return any_of<D>(bounds.devices, [&](unsigned d) {
      return bounds.group_of(d) == g ? device[d].user >= kClaimed : Bool<D>(false);
    });
  }
  /// Where a TLP of group g with PASID p (1 .. pasids) lands: its target.
  Val<D> translation(unsigned g, unsigned p) const { return group[g].pasid[p - 1]; }
  /// Nobody has PASID p: no mm, no DMA API, no attachment.
  Bool<D> pasid_free(unsigned p) const {
    return all_of<D>(bounds.mms, [&](unsigned m) { return mm[m].pasid != p; }) &&
           all_of<D>(bounds.group_count(), [&](unsigned g) {
             return group[g].dma_pasid != p && translation(g, p) == 0U;
           });
  }
  /// Whether table t is attached anywhere.
  Bool<D> attached(unsigned t) const {
    return any_of<D>(bounds.group_count(), [&](unsigned g) {
      return group[g].rid == t ||
             any_of<D>(bounds.pasids, [&](unsigned p) { return translation(g, p + 1) == t; });
    });
  }
};

}  // namespace iommucheck::iommu

#endif  // IOMMUCHECK_SPEC_IOMMU_STATE_H
