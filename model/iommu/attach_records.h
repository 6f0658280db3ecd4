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
  bool owners = false;   ///< drivers come and go, groups are claimed, default domains change
  bool misuse = false;   ///< clients also detach domains that are not attached
  bool caches = false;   ///< the IOMMU and the devices cache translations

  unsigned group_count() const { return groups == 0 ? devices : groups; }
  /// The default domain of group g is domain g + 1; those of clients come after them.
  /// Where default domains change, they and those of clients come in any order, and each group may
  /// have an old one and a new one.
  unsigned tables() const { return (owners ? 2 : 1) * group_count() + domains; }
  /// The domains that may be a client's are first_client() + 1 .. tables().
  unsigned first_client() const { return owners ? 0 : group_count(); }
  unsigned client_domains() const { return tables() - first_client(); }
  /// The part of the specification that the attach designs implement.
  iommu::Bounds spec() const {
    return {.devices = devices,
            .groups = groups,
            .kinds = kinds,
            .pasids = pasids,
            .tables = tables(),
            .pages = 0,
            .mms = 0,
            .clients = owners ? threads : 1,
            .bonds = 1,
            .default_domains = true,
            .dma_pasid = pasids != 0,
            .hotplug = hotplug,
            .owners = owners};
  }
};

/// Nothing but threads is interchangeable: domains and PASIDs are handed out lowest first.
struct AttachSorts {
  static AttachSorts declare(Schema&, const AttachBounds& b) { return {b.owners}; }
  iommu::Sorts spec(Sort threads) const {
    return threads_are_clients ? iommu::Sorts{.clients = threads} : iommu::Sorts{};
  }
  bool threads_are_clients;
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
  AttachGroupRecord(Scope<D> scope, const AttachBounds& b, Sort threads)
      : Record<D>(scope),
        domain(*this, "domain", b.tables(), pointer_to("iommu_domain")),
        recovery_cnt(*this, "recovery_cnt", b.resets ? b.devices : 0),
        default_domain(*this, "default_domain", b.owners ? b.tables() : 0,
                       pointer_to("iommu_domain")),
        owner(*this, "owner", b.owners ? b.threads : 0, Format{}.of(threads)),
        owner_cnt(*this, "owner_cnt", b.owners ? b.devices : 0) {}
  Var<D> domain;        ///< 0: the blocking domain
  Var<D> recovery_cnt;  ///< devices that are being reset
  Var<D> default_domain;
  Var<D> owner;      ///< 1 + the thread that has claimed the group; 0: NULL
  Var<D> owner_cnt;  ///< devices with a driver of the DMA API, or by which it is claimed
};

/// struct group_device.
template <class D>
struct GroupDevice : Record<D> {
  GroupDevice(Scope<D> scope, const AttachBounds& b, Sort threads)
      : Record<D>(scope),
        blocked(*this, "blocked", b.resets ? 1 : 0),
        unlisted(*this, "unlisted", b.hotplug ? 1 : 0),
        driverless(*this, "driverless", b.hotplug ? 1 : 0),
        user(*this, "user", b.owners ? b.threads : 0, Format{}.of(threads)),
        claims(*this, "claims", b.owners ? 1 : 0) {}
  Var<D> blocked;     ///< parked on the blocking domain: it is being reset
  Var<D> unlisted;    ///< 1: not on group->devices
  Var<D> driverless;  ///< 1: no driver is bound: gone, coming or going
  /// With owners: 1 + the thread that is its driver, or is about to be; 0: none.
  Var<D> user;
  Var<D> claims;  ///< 1: which claims the group, and does not use the DMA API
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
        whole_group(*this, "whole_group", b.owners ? 1 : 0),
        effects(*this, "took_effect", 1) {}
  Var<D> dev;
  Var<D> device;  ///< the cursor of for_each_group_device()
  Var<D> domain;
  Var<D> target;  ///< the domain that the group, or an entry of it, is to move to
  Var<D> pasid;
  Var<D> whole_group;  ///< 1: dev names its group only
  Var<D> effects;      ///< the call has taken effect: once, before it returns
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOMMU_ATTACH_RECORDS_H
