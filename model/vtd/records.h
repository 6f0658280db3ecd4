// SPDX-License-Identifier: MIT
// The records of vtd/pasid-entry: bounds, PASID table entries, what the hardware has cached of
// them, processes, and the local variables of a call.
#ifndef IOMMUCHECK_MODEL_VTD_RECORDS_H
#define IOMMUCHECK_MODEL_VTD_RECORDS_H

#include "model/kernel/call_locals.h"
#include "model/kernel/locks.h"
#include "model/kernel/store_buffers.h"

namespace iommucheck::model {

struct VtdBounds : ProcessBounds {
  unsigned devices = 1;  ///< one PASID entry each; 1 .. 2
  unsigned mms = 1;      ///< processes; 1 .. 2
  bool kernel = false;   ///< the kernel half of their page tables changes, too
  /// Translations must be right, too, while a driver gives up a PASID that its device still uses.
  bool untrusted = false;
  MemoryModel memory = MemoryModel::sc;
  unsigned stores = 3;  ///< that wait at once
};

// The first word of an entry, as far as it matters here.
inline constexpr unsigned kEmpty = 0, kPresent = 1, kFaultDisabled = 2;
inline Format entry_state() { return {Format::Kind::names, {"0", "P", "FPD"}}; }

/// Words of an entry that the hardware reads one by one: val[0], val[1], val[2] of the 64 bytes.
inline constexpr unsigned kWords = 3;

/// A PASID table entry in memory.
template <class D>
struct PasidEntry : Record<D> {
  PasidEntry(Scope<D> scope, const VtdBounds& b)
      : Record<D>(std::move(scope)),
        state(*this, "val[0]", 2, entry_state()),
        did(*this, "val[1]", b.mms),
        flptr(*this, "val[2]", b.mms) {}
  Var<D> state;
  Var<D> did;    ///< the domain ID and the attributes that belong to the table
  Var<D> flptr;  ///< 1 + the process whose page tables it points to; 0: nowhere
};

/// What the IOMMU and the device remember of an entry, and of what is behind it.
template <class D>
struct VtdCaches : Record<D> {
  VtdCaches(Scope<D> scope, const VtdBounds& b)
      : Record<D>(std::move(scope)),
        fetched(*this, "fetched", (1U << kWords) - 1, mask_format()),
        fetched_did(*this, "fetched_did", b.mms),
        fetched_flptr(*this, "fetched_flptr", b.mms),
        valid(*this, "pasid_cache"),
        did(*this, "pasid_cache.did", b.mms),
        flptr(*this, "pasid_cache.flptr", b.mms),
        iotlb(*this, "iotlb", b.mms),
        devtlb(*this, "devtlb", b.mms),
        kernel_table(*this, "paging_structure_cache", b.kernel ? 1 : 0) {}
  Var<D> fetched;                     ///< the words that a fetch under way has read
  Var<D> fetched_did, fetched_flptr;  ///< ... and what it has read
  Flag<D> valid;
  Var<D> did, flptr;
  Var<D> iotlb, devtlb;  ///< 1 + the process whose page they lead to
  Var<D> kernel_table;   ///< a page of the kernel's page tables is cached
};

/// What the driver knows of an entry.
template <class D>
struct VtdDevice : Record<D> {
  VtdDevice(Scope<D> scope, const VtdBounds& b)
      : Record<D>(std::move(scope)),
        owner(*this, "owner", b.mms),
        in_use(*this, "in_use"),
        on_list(*this, "on_dev_pasids") {}
  Var<D> owner;     ///< 1 + the process that is bound: from before it is set until it is torn down
  Flag<D> in_use;   ///< the device may send TLPs: from the return of bind to the call of unbind
  Flag<D> on_list;  ///< of domain->dev_pasids: mm_release looks there
};

enum class PageState : std::uint8_t { mapped, unmapped, freed };
inline std::string_view name(PageState state) {
  constexpr std::array<std::string_view, 3> kNames{"mapped", "unmapped", "freed"};
  return kNames.at(static_cast<std::size_t>(state));
}

/// An address space, with one page in its user half.
template <class D>
struct VtdMm : Record<D> {
  explicit VtdMm(Scope<D> scope)
      : Record<D>(std::move(scope)),
        exiting(*this, "exiting"),
        tables_freed(*this, "page_tables_freed"),
        page(*this, "page", 2, names_of<PageState>(3)) {}
  Flag<D> exiting, tables_freed;
  Var<D, PageState> page;
};

template <class D>
struct VtdLocals : Record<D> {
  VtdLocals(Scope<D> scope, const VtdBounds& b)
      : Record<D>(std::move(scope)),
        dev(*this, "dev", b.devices - 1),
        mm(*this, "mm", b.mms),
        next(*this, "dev_pasid", b.devices),
        fault_ignore(*this, "fault_ignore") {}
  Var<D> dev;
  Var<D> mm;    ///< 1 + the process; 0: none
  Var<D> next;  ///< the cursor of list_for_each_entry()
  Flag<D> fault_ignore;
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_VTD_RECORDS_H
