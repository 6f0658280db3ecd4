// SPDX-License-Identifier: MIT
// The device layer: which TLPs a device issues.  It knows no page table and no other device.
#ifndef IOMMUCHECK_SPEC_IOMMU_DEVICE_H
#define IOMMUCHECK_SPEC_IOMMU_DEVICE_H

#include "core/var.h"
#include "spec/iommu/bounds.h"
#include "spec/iommu/sorts.h"

namespace iommucheck::iommu {

/// Who uses a device: nobody, a driver by the DMA API, or client c, at kClaimed + c, who has
/// claimed its group through it.
inline constexpr unsigned kUnused = 0, kDriver = 1, kClaimed = 2;

/// One PCI function: a RID, and PASIDs 1 .. bounds.pasids where its driver enabled them.
template <class D>
struct Device : Record<D> {
  Device(Scope<D> scope, const Bounds& b, const Sorts& sorts)
      : Record<D>(scope),
        resetting(*this, "resetting"),
        gone(*this, "gone", b.hotplug ? 1 : 0),
        user(*this, "user", b.owners ? kClaimed + b.clients - 1 : 0,
             Format{}.of(sorts.clients, kClaimed)) {}
  /// Between reset_prepare and reset_done: what it issues is not to reach memory.
  Flag<D> resetting;
  Var<D> gone;  ///< 1: it has been unplugged
  Var<D> user;  ///< kUnused, kDriver, or kClaimed + client; without bounds.owners nobody asks

  /// Whether a TLP of this device is to be translated at all.
  Bool<D> issues() const { return !resetting && gone == 0U; }
};

}  // namespace iommucheck::iommu

#endif  // IOMMUCHECK_SPEC_IOMMU_DEVICE_H
