// SPDX-License-Identifier: MIT
// The system layer: which (RID, PASID) meets which table.  It is metadata on the other two layers:
// groups name devices, targets name tables; it looks into neither.
#ifndef IOMMUCHECK_SPEC_IOMMU_SYSTEM_H
#define IOMMUCHECK_SPEC_IOMMU_SYSTEM_H

#include "core/var.h"
#include "spec/iommu/bounds.h"
#include "spec/iommu/sorts.h"

namespace iommucheck::iommu {

/// Where a TLP lands: 0 nowhere, 1 .. tables a table, then the mms.
inline Format target_format(const Bounds& b, const Sorts& sorts) {
  return Format{}.of(sorts.mms, b.tables + 1);
}

/// An iommu_group: all its devices share one translation per PASID.
template <class D>
struct Group : Record<D> {
  Group(Scope<D> scope, const Bounds& b, const Sorts& sorts)
      : Record<D>(scope),
        rid(*this, "rid", b.tables),
        pasid(*this, "pasid", over(sorts.pasids, b.pasids), b.targets(), target_format(b, sorts)),
        standing(*this, "default_domain", b.default_domains ? b.tables : 0),
        dma_pasid(*this, "dma_pasid", b.dma_pasid ? b.pasids : 0, Format{}.of(sorts.pasids)),
        dma_users(*this, "dma_users", b.dma_pasid ? (1U << b.devices) - 1 : 0, mask_format()) {}
  Var<D> rid;              ///< the table that TLPs without a PASID meet; 0: blocked
  Array<D, Var<D>> pasid;  ///< of PASID p, at p - 1: the target that its TLPs meet; 0: none
  Var<D> standing;         ///< the default domain
  Var<D> dma_pasid;        ///< the PASID of the DMA API; 0: none
  Var<D> dma_users;        ///< devices that asked for it
};

/// A bond of a client: a device may use the address space of a process.
template <class D>
struct Bond : Record<D> {
  Bond(Scope<D> scope, const Bounds& b, const Sorts& sorts)
      : Record<D>(scope),
        device(*this, "device", b.mms == 0 ? 0 : b.devices),
        mm(*this, "mm", b.mms, Format{}.of(sorts.mms)) {}
  Var<D> device;  ///< 1 + the device; 0: no bond
  Var<D> mm;      ///< 1 + the mm; 0: no bond
};

/// Who binds: the driver on behalf of a file, or of a queue.
template <class D>
struct Client : Record<D> {
  Client(Scope<D> scope, const Bounds& b, const Sorts& sorts)
      : Record<D>(scope), bond(*this, "bond", b.mms == 0 ? 0 : b.bonds, b, sorts) {}
  Array<D, Bond<D>> bond;
};

}  // namespace iommucheck::iommu

#endif  // IOMMUCHECK_SPEC_IOMMU_SYSTEM_H
