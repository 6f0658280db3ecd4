// SPDX-License-Identifier: MIT
// The records of the attach designs: bounds, iommu_domain, iommu_group, who has what, and the local
// variables of a call.
#ifndef IOMMUCHECK_MODEL_IOMMU_ATTACH_RECORDS_H
#define IOMMUCHECK_MODEL_IOMMU_ATTACH_RECORDS_H

#include "model/kernel/heap.h"
#include "model/kernel/refcount.h"
#include "spec/iommu/spec.h"

namespace iommucheck::model {

using iommu::Err;

/// How large an instance of a design is.
struct AttachBounds : ProcessBounds {
  unsigned devices = 1;  ///< 1 .. 3
  unsigned groups = 0;   ///< device d is in group d % groups; 0: each device has a group of its own
  unsigned kinds = 1;    ///< kinds of IOMMU; group g is behind kind g % kinds
  unsigned pasids = 0;   ///< PASIDs 1 .. pasids, for the DMA API; 0 .. 2
  unsigned domains = 1;  ///< beside the default domains, in memory at once; 1 .. 3
  bool resets = false;   ///< devices are reset
  bool hotplug = false;  ///< devices come and go
  bool misuse = false;   ///< clients also detach domains that are not attached
  bool caches = false;   ///< the IOMMU and the devices cache translations

  unsigned group_count() const { return groups == 0 ? devices : groups; }
  /// The default domain of group g is domain g + 1; those of clients come after them.
  unsigned tables() const { return group_count() + domains; }
  /// The part of the specification that the attach designs implement.
  iommu::Bounds spec() const {
    return {.devices = devices,
            .groups = groups,
            .kinds = kinds,
            .pasids = pasids,
            .tables = tables(),
            .pages = 0,
            .mms = 0,
            .clients = 1,
            .bonds = 1,
            .default_domains = true,
            .dma_pasid = pasids != 0,
            .hotplug = hotplug};
  }
};

/// Nothing but threads is interchangeable: domains and PASIDs are handed out lowest first.
struct AttachSorts {
  static AttachSorts declare(Schema&, const AttachBounds&) { return {}; }
  iommu::Sorts spec(Sort) const { return {}; }
};

/// struct iommu_domain, with the driver's part of it.
template <class D>
struct AttachDomain : HeapObject<D> {
  AttachDomain(Scope<D> scope, unsigned processes, const Design<D>* design, const AttachBounds& b)
      : HeapObject<D>(std::move(scope), processes),
        owner(*this, "owner", b.kinds - 1),
        users(*this, "users", *design, 2 * b.devices) {}
  Var<D> owner;       ///< the kind of IOMMU that it was made for
  Refcount<D> users;  ///< of its domain ID: one for each entry that the driver has set
};

/// struct iommu_group.
template <class D>
struct AttachGroupRecord : Record<D> {
  AttachGroupRecord(Scope<D> scope, const AttachBounds& b)
      : Record<D>(scope),
        domain(*this, "domain", b.tables(), pointer_to("iommu_domain")),
        recovery_cnt(*this, "recovery_cnt", b.resets ? b.devices : 0) {}
  Var<D> domain;
  Var<D> recovery_cnt;  ///< devices that are being reset
};

/// struct group_device.
template <class D>
struct GroupDevice : Record<D> {
  GroupDevice(Scope<D> scope, const AttachBounds& b)
      : Record<D>(scope),
        blocked(*this, "blocked", b.resets ? 1 : 0),
        unlisted(*this, "unlisted", b.hotplug ? 1 : 0),
        driverless(*this, "driverless", b.hotplug ? 1 : 0) {}
  Var<D> blocked;     ///< parked on the blocking domain: it is being reset
  Var<D> unlisted;    ///< 1: not on group->devices
  Var<D> driverless;  ///< 1: no driver is bound: gone, coming or going
};

/// What the clients know of a domain.
template <class D>
struct DomainClient : Record<D> {
  DomainClient(Scope<D> scope, const AttachBounds& b, Sort threads)
      : Record<D>(scope),
        owner(*this, "owner", b.threads, Format{}.of(threads)),
        where(*this, "attached_to", b.devices) {}
  Var<D> owner;  ///< 1 + the thread that allocated it; 0: nobody
  Var<D> where;  ///< 1 + the device that its owner attached it to; 0: nowhere
};

/// The local variables of a call.
template <class D>
struct AttachLocals : Record<D> {
  AttachLocals(Scope<D> scope, const AttachBounds& b, const AttachSorts&)
      : Record<D>(scope),
        dev(*this, "dev", b.devices - 1),
        device(*this, "gdev", b.devices - 1),
        domain(*this, "domain", b.tables(), pointer_to("iommu_domain")),
        target(*this, "new_domain", b.tables(), pointer_to("iommu_domain")),
        pasid(*this, "pasid", b.pasids),
        effects(*this, "took_effect", 1) {}
  Var<D> dev;
  Var<D> device;  ///< the cursor of for_each_group_device()
  Var<D> domain;
  Var<D> target;  ///< the domain that the group, or an entry of it, is to move to
  Var<D> pasid;
  Var<D> effects;  ///< the call has taken effect: once, before it returns
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOMMU_ATTACH_RECORDS_H
