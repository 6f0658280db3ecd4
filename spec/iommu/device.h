// SPDX-License-Identifier: MIT
// The device layer: which TLPs a device issues.  It knows no page table and no other device.
#ifndef IOMMUCHECK_SPEC_IOMMU_DEVICE_H
#define IOMMUCHECK_SPEC_IOMMU_DEVICE_H

#include "core/var.h"
#include "spec/iommu/bounds.h"

namespace iommucheck::iommu {

/// One PCI function: a RID, and PASIDs 1 .. bounds.pasids where its driver enabled them.
template <class D>
struct Device : Record<D> {
  Device(Scope<D> scope, const Bounds& b)
      : Record<D>(scope), resetting(*this, "resetting"), gone(*this, "gone", b.hotplug ? 1 : 0) {}
  /// Between reset_prepare and reset_done: what it issues is not to reach memory.
  Flag<D> resetting;
  Var<D> gone;  ///< 1: it has been unplugged

  /// Whether a TLP of this device is to be translated at all.
  Bool<D> issues() const { return !resetting && gone == 0U; }
};

}  // namespace iommucheck::iommu

#endif  // IOMMUCHECK_SPEC_IOMMU_DEVICE_H
