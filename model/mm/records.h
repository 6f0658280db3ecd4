// SPDX-License-Identifier: MIT
// The records of the design mm: bounds, struct mm_struct, an SVA bond with its mmu_notifier, tasks.
#ifndef IOMMUCHECK_MODEL_MM_RECORDS_H
#define IOMMUCHECK_MODEL_MM_RECORDS_H

#include "model/kernel/call_locals.h"
#include "model/kernel/heap.h"
#include "model/kernel/locks.h"
#include "model/kernel/refcount.h"

namespace iommucheck::model {

struct MmBounds : ProcessBounds {
  unsigned mms = 2;     ///< in memory at once; all threads are tasks of the first; 1 .. 3
  unsigned pasids = 2;  ///< PASIDs 1 .. pasids; 1 .. 3
  bool forks = false;   ///< tasks fork, clone and exec
  bool lazy = false;    ///< CPUs keep the mm of their last task while they run kernel threads
  /// One for each thread: it holds one at most, or makes or unmakes it.
  unsigned bonds() const { return threads; }
  /// Tasks, and who uses an address space for them.
  unsigned users() const { return 2 * threads; }
};

/// struct mm_struct.
template <class D>
struct ProcessMm : HeapObject<D> {
  ProcessMm(Scope<D> scope, unsigned processes, const Design<D>* design, const MmBounds& b)
      : HeapObject<D>(std::move(scope), processes),
        users(*this, "mm_users", *design, b.users()),
        count(*this, "mm_count", *design, 1 + b.bonds() + b.threads),
        page_tables(*this, "page_tables"),
        pasid(*this, "pasid", b.pasids) {}
  Refcount<D> users;    ///< the tasks, and who uses the address space
  Refcount<D> count;    ///< those together, and who uses the struct
  Flag<D> page_tables;  ///< they are there
  Var<D> pasid;         ///< 0: none
};

/// What a driver has for each bond: a struct mmu_notifier, and the PASID entry of its device.
template <class D>
struct MmBond : HeapObject<D> {
  MmBond(Scope<D> scope, unsigned processes, const MmBounds& b)
      : HeapObject<D>(std::move(scope), processes),
        mm(*this, "mm", b.mms, pointer_to("mm")),
        hashed(*this, "hashed"),
        released(*this, "released"),
        entry(*this, "pasid_entry"),
        pasid(*this, "pasid", b.pasids) {}
  Var<D> mm;
  Flag<D> hashed;    ///< on mm->notifier_subscriptions->list
  Flag<D> released;  ///< ->release() has begun: it does its work once
  Flag<D> entry;     ///< the device walks the page tables of the mm
  Var<D> pasid;      ///< that the device uses; 0: not yet
};

template <class D>
struct MmLocals : Record<D> {
  MmLocals(Scope<D> scope, const MmBounds& b, Sort threads)
      : Record<D>(std::move(scope)),
        mm(*this, "mm", b.mms, pointer_to("mm")),
        child(*this, "child", b.forks ? b.mms : 0, pointer_to("mm")),
        task(*this, "new_task", b.forks ? b.threads : 0, Format{}.of(threads)),
        bond(*this, "bond", b.bonds(), pointer_to("bond")),
        walk(*this, "walked", (1U << b.bonds()) - 1, mask_format()) {}
  Var<D> mm;
  Var<D> child;  ///< the new mm of fork() and exec()
  Var<D> task;   ///< 1 + the thread that the new task runs on
  Var<D> bond;
  Var<D> walk;  ///< the subscriptions that mmu_notifier_release() has been at
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_MM_RECORDS_H
