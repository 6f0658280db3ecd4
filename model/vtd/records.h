// SPDX-License-Identifier: MIT
// The records of VT-d: its shape, PASID table entries, what the hardware has cached of them, what
// the driver knows, and the local variables of its functions.
#ifndef IOMMUCHECK_MODEL_VTD_RECORDS_H
#define IOMMUCHECK_MODEL_VTD_RECORDS_H

#include "model/kernel/call_locals.h"
#include "model/kernel/locks.h"
#include "model/kernel/store_buffers.h"

namespace iommucheck::model {

struct VtdShape {
  std::vector<std::string> rows;  ///< whose entry each one is, as steps name it
  Extent mms;                     ///< processes, whose page tables entries point to
  Format mm = {};                 ///< of a number that is 1 + a process, or 0
  bool kernel = false;            ///< the kernel half of their page tables changes, too
  MemoryModel memory = MemoryModel::sc;
  unsigned stores = 1;  ///< that wait at once
  bool acts = true;     ///< the hardware does, by itself

  unsigned size() const { return static_cast<unsigned>(rows.size()); }
};

// The first word of an entry, as far as it matters here.
inline constexpr unsigned kEmpty = 0, kPresent = 1, kFaultDisabled = 2;
inline Format entry_state() { return {Format::Kind::names, {"0", "P", "FPD"}}; }

/// Words of an entry that the hardware reads one by one: val[0], val[1], val[2] of the 64 bytes.
inline constexpr unsigned kWords = 3;

/// A PASID table entry in memory.
template <class D>
struct PasidEntry : Record<D> {
  PasidEntry(Scope<D> scope, const VtdShape& shape)
      : Record<D>(std::move(scope)),
        state(*this, "val[0]", 2, entry_state()),
        did(*this, "val[1]", shape.mms.n, shape.mm),
        flptr(*this, "val[2]", shape.mms.n, shape.mm) {}
  Var<D> state;
  Var<D> did;    ///< the domain ID and the attributes that belong to the table
  Var<D> flptr;  ///< 1 + the process whose page tables it points to; 0: nowhere
};

/// What the IOMMU and the device remember of an entry, and of what is behind it.
template <class D>
struct VtdCaches : Record<D> {
  VtdCaches(Scope<D> scope, const VtdShape& shape)
      : Record<D>(std::move(scope)),
        fetched(*this, "fetched", (1U << kWords) - 1, mask_format()),
        fetched_did(*this, "fetched_did", shape.mms.n, shape.mm),
        fetched_flptr(*this, "fetched_flptr", shape.mms.n, shape.mm),
        valid(*this, "pasid_cache"),
        did(*this, "pasid_cache.did", shape.mms.n, shape.mm),
        flptr(*this, "pasid_cache.flptr", shape.mms.n, shape.mm),
        iotlb(*this, "iotlb", shape.mms.n, shape.mm),
        devtlb(*this, "devtlb", shape.mms.n, shape.mm),
        kernel_table(*this, "paging_structure_cache", shape.kernel ? 1 : 0) {}
  Var<D> fetched;                     ///< the words that a fetch under way has read
  Var<D> fetched_did, fetched_flptr;  ///< ... and what it has read
  Flag<D> valid;
  Var<D> did, flptr;
  Var<D> iotlb, devtlb;  ///< 1 + the process whose page they lead to
  Var<D> kernel_table;   ///< a page of the kernel's page tables is cached
};

/// What the driver knows of an entry: struct dev_pasid_info, and the cache tags.
template <class D>
struct DevPasid : Record<D> {
  DevPasid(Scope<D> scope, const VtdShape& shape)
      : Record<D>(std::move(scope)),
        iotlb_tag(*this, "cache_tag_iotlb", shape.mms.n, shape.mm),
        devtlb_tag(*this, "cache_tag_devtlb", shape.mms.n, shape.mm),
        listed(*this, "on_dev_pasids", shape.mms.n, shape.mm) {}
  /// 1 + the process whose notifier invalidates what is cached of it there; 0: none.
  Var<D> iotlb_tag, devtlb_tag;
  Var<D> listed;  ///< 1 + the process whose domain lists it: intel_mm_release() looks there
};

enum class PageState : std::uint8_t { mapped, unmapped, freed };
inline std::string_view name(PageState state) {
  constexpr std::array<std::string_view, 3> kNames{"mapped", "unmapped", "freed"};
  return kNames.at(static_cast<std::size_t>(state));
}

template <class D>
struct VtdLocals : Record<D> {
  VtdLocals(Scope<D> scope, const VtdShape& shape)
      : Record<D>(std::move(scope)),
        row(*this, "pasid_entry", shape.size() - 1),
        mm(*this, "domain->mm", shape.mms.n, shape.mm),
        next(*this, "dev_pasid", shape.size()) {}
  Var<D> row;   ///< the entry that is set or torn down
  Var<D> mm;    ///< 1 + the process; 0: none
  Var<D> next;  ///< the cursor of list_for_each_entry()
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_VTD_RECORDS_H
