// SPDX-License-Identifier: MIT
// The page-table layer: I/O page tables and the address spaces of processes, where TLPs land.
// It knows no device and no PASID.
#ifndef IOMMUCHECK_SPEC_IOMMU_PAGE_TABLE_H
#define IOMMUCHECK_SPEC_IOMMU_PAGE_TABLE_H

#include <algorithm>

#include "core/var.h"
#include "spec/iommu/bounds.h"

namespace iommucheck::iommu {

enum class TableLife : std::uint8_t { none, owned, standing };
inline std::string_view name(TableLife life) {
  constexpr std::array<std::string_view, 3> kNames{"none", "owned", "standing"};
  return kNames.at(static_cast<std::size_t>(life));
}

/// An iommu_domain that is not a process's: owned by who allocated it, or the default domain of a
/// group, which stands as long as the group.
template <class D>
struct Table : Record<D> {
  Table(Scope<D> scope, const Bounds& b)
      : Record<D>(scope),
        life(*this, "life", 2, names_of<TableLife>(3)),
        kind(*this, "kind", std::max(b.kinds, 1U) - 1),
        mapped(*this, "mapped", (1U << b.pages) - 1, mask_format()) {}
  Var<D, TableLife> life;
  Var<D> kind;    ///< of IOMMU that can walk it: a domain is not interchangeable between devices
  Var<D> mapped;  ///< pages
};

/// running: until the last task is gone (mm_users is 0).  dead: page tables freed; the struct may
/// still be held.  none: freed, or not there yet.
enum class MmLife : std::uint8_t { none, running, dead };
inline std::string_view name(MmLife life) {
  constexpr std::array<std::string_view, 3> kNames{"none", "running", "dead"};
  return kNames.at(static_cast<std::size_t>(life));
}

/// struct mm_struct, as far as devices are concerned.
template <class D>
struct Mm : Record<D> {
  Mm(Scope<D> scope, const Bounds& b, Sort pasids)
      : Record<D>(scope),
        life(*this, "life", 2, names_of<MmLife>(3)),
        pasid(*this, "pasid", b.pasids, Format{}.of(pasids)),
        tagged(*this, "tagged", b.tagging ? 1 : 0) {}
  Var<D, MmLife> life;
  Var<D> pasid;   ///< 0: none yet.  Constant from the first bind to pasid_drop.
  Var<D> tagged;  ///< 1: addresses in it may have tags, which no IOMMU ignores
};

}  // namespace iommucheck::iommu

#endif  // IOMMUCHECK_SPEC_IOMMU_PAGE_TABLE_H
