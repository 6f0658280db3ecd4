// SPDX-License-Identifier: MIT
// The records of the IOMMU designs: bounds, struct mm_struct, iommu_domain, iommu_sva, and the
// local variables of a call.
#ifndef IOMMUCHECK_MODEL_IOMMU_RECORDS_H
#define IOMMUCHECK_MODEL_IOMMU_RECORDS_H

#include <algorithm>

#include "model/kernel/heap.h"
#include "model/kernel/refcount.h"
#include "model/kernel/store_buffers.h"
#include "model/kernel/xarray.h"
#include "spec/iommu/spec.h"

namespace iommucheck::model {

using iommu::Err;

/// How large an instance of a design is.
struct IommuBounds : ProcessBounds {
  unsigned devices = 1;  ///< 1 .. 3
  unsigned groups = 0;   ///< device d is in group d % groups; 0: each device has a group of its own
  unsigned kinds = 1;    ///< kinds of IOMMU; group g is behind kind g % kinds
  unsigned pasids = 1;   ///< PASIDs 1 .. pasids; 1 .. 3
  unsigned mms = 1;      ///< processes; 1 .. 3
  unsigned bonds = 1;    ///< that a thread holds at most; 1 .. 3
  bool caches = false;   ///< the IOMMU and the devices cache translations
  bool faults = false;   ///< devices send page requests
  bool forks = false;    ///< processes fork
  bool vtd = false;      ///< entries and caches are those of VT-d (vtd/attach-handle)
  bool pages = false;    ///< ... and pages of processes come and go
  bool intel = false;    ///< there are structs intel_svm (intel-svm)
  MemoryModel memory = MemoryModel::sc;  ///< of what is read without a lock (attach-handle)
  unsigned stores = 3;                   ///< of a CPU that wait at once
  bool tagging = false;                  ///< processes tag their addresses (attach-handle)
  bool hotplug = false;                  ///< devices come and go (attach-handle)
  bool enqcmd = false;  ///< tasks send descriptors with the PASID of their CPU (pasid-lib)
  /// Domains are looked up without a lock: each bind that misses makes one (rfc2).
  bool lockless_domains = false;
  /// Handles outlive their bonds until a worker has torn them down (deferred).
  bool deferred = false;
  /// Devices go on using a PASID after their driver has begun to unbind; else they keep what the
  /// comment of iommu_sva_unbind_device() demands (6.12 drivers/iommu/iommu-sva.c).
  bool untrusted = false;

  /// The part of the specification that the SVA designs implement.
  iommu::Bounds spec() const {
    return {.devices = devices,
            .groups = groups,
            .kinds = kinds,
            .pasids = pasids,
            .tables = 0,
            .pages = 0,
            .mms = mms,
            .clients = threads,
            .bonds = bonds,
            .default_domains = false,
            .dma_pasid = false,
            .hotplug = hotplug,
            .tagging = tagging};
  }
  /// Where an attach to the domains of the mm fails for lack of memory, bind makes another one:
  /// there may be one for each handle, and handles are those of a (group, mm), but for one being
  /// made, and for those that other threads free behind the lock, which still point to theirs.
  /// Without a lock there is one for each bond, and one that waits for a grace period.
  unsigned domains() const {
    if (lockless_domains) return threads * bonds + 1;
    if (deferred) return handles();
    return std::min(threads * bonds, spec().group_count() * mms + threads);
  }
  /// struct intel_svm: one for each mm, and one that is being made or unmade by each thread.
  unsigned svms() const { return mms + threads; }
  /// One for each bond, and one that is being made or unmade by each thread.  Deferred: one for
  /// each (group, mm), whoever is bound, and one that is being made under the lock.
  unsigned handles() const {
    return deferred ? spec().group_count() * mms + 1 : threads * bonds + 1;
  }
};

/// What the designs do not tell apart.
struct IommuSorts {
  Sort mms = {}, pasids = {}, domains = {}, handles = {}, iommu_mms = {};

  static IommuSorts declare(Schema& schema, const IommuBounds& b) {
    const auto told_apart = [](unsigned n) {
      return Sort{Sort::kNone, static_cast<std::uint16_t>(n)};
    };
    // Store buffers name the locations of objects by number.
    const auto sort = [&](const char* name, unsigned n) {
      return b.memory == MemoryModel::sc ? schema.sort(name, n) : told_apart(n);
    };
    return {.mms = sort("mm", b.mms),
            // The IDA hands out the lowest: PASIDs are told apart.
            .pasids = told_apart(b.pasids),
            .domains = schema.sort("iommu_domain", b.domains()),
            .handles = sort("iommu_sva", b.handles()),
            .iommu_mms = sort("iommu_mm", b.mms + 1)};
  }
  iommu::Sorts spec(Sort threads) const {
    return {.pasids = pasids, .mms = mms, .clients = threads};
  }
};

/// Which parts of struct mm_struct a design has.
struct MmParts {
  bool pasid = false;     ///< mm->pasid (until v6.6)
  bool iommu_mm = false;  ///< mm->iommu_mm (since v6.7)
};

/// struct mm_struct.
template <class D>
struct MmStruct : HeapObject<D> {
  MmStruct(Scope<D> scope, unsigned processes, const Design<D>* design, const IommuBounds& b,
           const MmParts& parts, const IommuSorts& sorts)
      : HeapObject<D>(std::move(scope), processes),
        users(*this, "mm_users", 1 + b.threads),
        count(*this, "mm_count", *design, 1 + b.domains() + b.handles()),
        page_tables(*this, "page_tables"),
        pasid(*this, "pasid", parts.pasid ? b.pasids : 0, Format{}.of(sorts.pasids)),
        pasid_refs(*this, "pasid_refs", parts.pasid ? 2 * b.threads * b.bonds : 0),
        iommu_mm(*this, "iommu_mm", parts.iommu_mm ? b.mms + 1 : 0, pointer_to("iommu_mm")),
        untag_mask(*this, "untag_mask", b.tagging ? 1 : 0),
        lock_lam(*this, "MM_CONTEXT_LOCK_LAM", b.tagging ? 1 : 0) {}
  Var<D> users;         ///< mm_users: the tasks and who else uses the address space
  Refcount<D> count;    ///< mm_count: who uses the struct
  Flag<D> page_tables;  ///< they are there: devices can walk them
  Var<D> pasid;         ///< mm->pasid; 0: none
  Var<D> pasid_refs;    ///< references on it: of v5.11 to v5.17 only
  Var<D> iommu_mm;      ///< mm->iommu_mm
  Var<D> untag_mask;    ///< 1: addresses are tagged
  Var<D> lock_lam;      ///< there have been two tasks, or addresses are tagged
};

/// struct iommu_mm_data.
template <class D>
struct IommuMmData : HeapObject<D> {
  IommuMmData(Scope<D> scope, unsigned processes, const Design<D>*, const IommuBounds& b,
              const IommuSorts& sorts)
      : HeapObject<D>(std::move(scope), processes),
        pasid(*this, "pasid", b.pasids, Format{}.of(sorts.pasids)),
        sva_domains(*this, "sva_domains", (1U << b.domains()) - 1,
                    mask_format().of(sorts.domains)) {}
  Var<D> pasid;
  Var<D> sva_domains;  ///< the domains on the list
};

/// struct iommu_domain of type IOMMU_DOMAIN_SVA.
template <class D>
struct SvaDomain : HeapObject<D> {
  SvaDomain(Scope<D> scope, unsigned processes, const Design<D>*, const IommuBounds& b)
      : HeapObject<D>(std::move(scope), processes),
        mm(*this, "mm", b.mms, pointer_to("mm")),
        owner(*this, "owner", b.kinds - 1),
        users(*this, "users", b.devices + 1) {}
  Val<D> user_count() const { return users; }
  Var<D> mm;
  Var<D> owner;  ///< the kind of IOMMU that it was made for
  Var<D> users;  ///< handles; an int under iommu_sva_lock
};

/// The same with an sva_cookie {mm, pasid, users}: RFC v2 of 2022-03-29.
template <class D>
struct CookieDomain : HeapObject<D> {
  CookieDomain(Scope<D> scope, unsigned processes, const Design<D>* design, const IommuBounds& b)
      : HeapObject<D>(std::move(scope), processes),
        mm(*this, "sva_cookie.mm", b.mms, pointer_to("mm")),
        pasid(*this, "sva_cookie.pasid", b.pasids),
        owner(*this, "owner", b.kinds - 1),
        users(*this, "sva_cookie.users", *design, b.threads * (b.bonds + 1)) {}
  Val<D> user_count() const { return users.read(); }
  Var<D> mm;
  Var<D> pasid;
  Var<D> owner;       ///< the kind of IOMMU that it was made for
  Refcount<D> users;  ///< handles, and binds under way
};

/// struct iommu_sva: what a driver holds.
template <class D>
struct SvaHandle : HeapObject<D> {
  SvaHandle(Scope<D> scope, unsigned processes, const Design<D>* design, const IommuBounds& b)
      : HeapObject<D>(std::move(scope), processes),
        domain(*this, "domain", b.domains(), pointer_to("iommu_domain")),
        dev(*this, "dev", b.devices),
        users(*this, "users", *design, b.threads * b.bonds) {}
  Var<D> domain;
  Var<D> dev;  ///< 1 + the device; 0: NULL
  Refcount<D> users;
};

/// What a driver remembers of its bonds: the handle, NULL where it has none.
template <class D>
struct Driver : Record<D> {
  Driver(Scope<D> scope, const IommuBounds& b)
      : Record<D>(scope), handle(*this, "handle", b.bonds, b.handles(), pointer_to("iommu_sva")) {}
  Array<D, Var<D>> handle;
};

/// struct group_device, where devices come and go.
template <class D>
struct PluggedDevice : Record<D> {
  explicit PluggedDevice(Scope<D> scope)
      : Record<D>(std::move(scope)), unlisted(*this, "unlisted"), driverless(*this, "driverless") {}
  Flag<D> unlisted;    ///< not on group->devices
  Flag<D> driverless;  ///< no driver is bound: gone, coming or going
};

/// struct iommu_group.
template <class D>
struct GroupRecord : Record<D> {
  GroupRecord(Scope<D> scope, const IommuBounds& b, const IommuSorts& sorts)
      : Record<D>(scope),
        pasid_array(*this, "pasid_array", over(sorts.pasids), b.handles(),
                    pointer_to("iommu_sva")) {}
  XArray<D> pasid_array;
};

/// The local variables of a call.
template <class D>
struct IommuLocals : Record<D> {
  IommuLocals(Scope<D> scope, const IommuBounds& b, const IommuSorts& sorts)
      : Record<D>(scope),
        dev(*this, "dev", b.devices - 1),
        bond(*this, "bond", b.bonds - 1),
        mm(*this, "mm", b.mms, pointer_to("mm")),
        task(*this, "current->mm", b.mms, pointer_to("mm")),
        pasid(*this, "pasid", sorts.pasids),
        iommu_mm(*this, "iommu_mm", sorts.iommu_mms.size, pointer_to("iommu_mm")),
        svm(*this, "svm", b.intel ? b.svms() : 0, pointer_to("intel_svm")),
        domain(*this, "domain", b.domains(), pointer_to("iommu_domain")),
        curr(*this, "curr", b.lockless_domains ? b.domains() : 0, pointer_to("iommu_domain")),
        handle(*this, "handle", b.handles(), pointer_to("iommu_sva")),
        tried(*this, "domains_tried", (1U << b.domains()) - 1, mask_format().of(sorts.domains)),
        child(*this, "child", b.forks ? b.mms : 0, pointer_to("mm")),
        device(*this, "device", b.devices),
        entry(*this, "entry", b.devices * b.pasids - 1),
        was_present(*this, "was_present", b.faults ? 1 : 0),
        alone(*this, "alone", b.tagging ? 1 : 0),
        caller(*this, "caller", b.hotplug ? b.devices : 0),
        ret(*this, "ret", iommu::kErrs - 1, names_of<Err>(iommu::kErrs)),
        effects(*this, "took_effect", 1) {}
  Var<D> dev, bond, mm;
  Var<D> task;  ///< the address space that the caller is a task of, or holds a user of
  Element<D> pasid;
  Var<D> iommu_mm;
  Var<D> svm;  ///< of intel-svm
  Var<D> domain;
  Var<D> curr;  ///< the domain that another bind has stored meanwhile
  Var<D> handle;
  Var<D> tried;
  Var<D> child;        ///< fork: the new mm
  Var<D> device;       ///< the cursor of for_each_group_device()
  Var<D> entry;        ///< the PASID entry that mmu_notifier_release() is at
  Var<D> was_present;  ///< remove_dev_pasid() found the entry set
  Var<D> alone;        ///< prctl() has found that this is the only task
  Var<D> caller;       ///< with hotplug: 1 + the device whose driver calls
  Var<D, Err> ret;
  Var<D> effects;  ///< the call has taken effect: once, before it returns
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOMMU_RECORDS_H
