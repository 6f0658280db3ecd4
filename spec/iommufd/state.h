// SPDX-License-Identifier: MIT
// The state of the specification of /dev/iommu: the objects of one open file, and what the groups
// of its devices meet.
#ifndef IOMMUCHECK_SPEC_IOMMUFD_STATE_H
#define IOMMUCHECK_SPEC_IOMMUFD_STATE_H

#include "core/var.h"
#include "spec/iommufd/bounds.h"

namespace iommucheck::iommufd {

/// An I/O address space, with the page table that it has for devices that are attached to it.
template <class D>
struct Ioas : Record<D> {
  explicit Ioas(Scope<D> scope) : Record<D>(scope), there(*this, "there") {}
  Flag<D> there;
};

/// A page table that a process has asked for (IOMMU_HWPT_ALLOC).
template <class D>
struct Hwpt : Record<D> {
  Hwpt(Scope<D> scope, const Bounds& b)
      : Record<D>(scope),
        ioas(*this, "ioas", b.ioases),
        kind(*this, "kind", b.kinds - 1),
        parent(*this, "parent", b.hwpts > 1 && b.queues != 0 ? b.hwpts : 0) {}
  Var<D> ioas;    ///< whose mappings it has; 0: it is not there
  Var<D> kind;    ///< of IOMMU that it is for
  Var<D> parent;  ///< the page table that it is within, and it has the fault queue then; 0: none
};

template <class D>
struct Device : Record<D> {
  explicit Device(Scope<D> scope)
      : Record<D>(scope), bound(*this, "bound"), attached(*this, "attached") {}
  Flag<D> bound;     ///< to the file, by its driver
  Flag<D> attached;  ///< to what its group meets
};

template <class D>
struct Group : Record<D> {
  Group(Scope<D> scope, const Bounds& b) : Record<D>(scope), met(*this, "met", b.targets()) {}
  Var<D> met;  ///< a target; 0: nothing of the file's
};

/// A driver that reaches an IOAS, and whose devices have no IOMMU.
template <class D>
struct Access : Record<D> {
  Access(Scope<D> scope, const Bounds& b)
      : Record<D>(scope), there(*this, "there"), ioas(*this, "ioas", b.ioases) {}
  Flag<D> there;
  Var<D> ioas;  ///< 0: none
};

template <class D>
struct Queue : Record<D> {
  explicit Queue(Scope<D> scope) : Record<D>(scope), there(*this, "there"), open(*this, "open") {}
  Flag<D> there;
  Flag<D> open;  ///< its file
};

template <class D>
struct State : Record<D> {
  State(Scope<D> scope, const Bounds& b)
      : Record<D>(scope),
        bounds(b),
        ioas(*this, "ioas", b.ioases),
        hwpt(*this, "hwpt", b.hwpts, b),
        device(*this, "device", b.devices),
        group(*this, "group", b.groups, b),
        access(*this, "access", b.accesses, b),
        queue(*this, "queue", b.queues) {}

  const Bounds bounds;
  Array<D, Ioas<D>> ioas;  ///< IOAS i is element i - 1
  Array<D, Hwpt<D>> hwpt;  ///< likewise
  Array<D, Device<D>> device;
  Array<D, Group<D>> group;
  Array<D, Access<D>> access;
  Array<D, Queue<D>> queue;

  // Relations, as calls and invariants use them.

  Bool<D> met(unsigned target) const {
    return any_of<D>(bounds.groups, [&](unsigned g) { return group[g].met == target; });
  }
  /// Somebody holds IOAS i (1 .. ioases) for good.
  Bool<D> used(unsigned i) const {
    return met(i) || any_of<D>(bounds.hwpts, [&](unsigned t) { return hwpt[t].ioas == i; }) ||
           any_of<D>(bounds.accesses, [&](unsigned a) { return access[a].ioas == i; });
  }
  /// Somebody holds page table t (0 .. hwpts-1) for good.
  Bool<D> hwpt_used(unsigned t) const {
    return met(bounds.ioases + t + 1) ||
           any_of<D>(bounds.hwpts, [&](unsigned n) { return hwpt[n].parent == t + 1; });
  }
  /// Some page table has the fault queue.
  Bool<D> queue_used() const {
    return any_of<D>(bounds.hwpts, [&](unsigned t) { return hwpt[t].parent != 0U; });
  }
  /// Some device of the group is attached.
  Bool<D> attached(unsigned g) const {
    return any_of<D>(bounds.devices, [&](unsigned d) {
      return bounds.group_of(d) == g ? Bool<D>(device[d].attached) : Bool<D>(false);
    });
  }
  /// Whether a target (1 .. targets) is there.
  Bool<D> there(unsigned target) const {
    return target <= bounds.ioases ? Bool<D>(ioas[target - 1].there)
                                   : hwpt[target - bounds.ioases - 1].ioas != 0U;
  }
  /// Whether a target is for the IOMMU of device d: an IOAS has page tables for each.
  Bool<D> fits(unsigned target, unsigned d) const {
    return target <= bounds.ioases ? Bool<D>(true)
                                   : hwpt[target - bounds.ioases - 1].kind == bounds.kind_of(d);
  }
};

}  // namespace iommucheck::iommufd

#endif  // IOMMUCHECK_SPEC_IOMMUFD_STATE_H
