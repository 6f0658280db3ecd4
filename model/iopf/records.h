// SPDX-License-Identifier: MIT
// The records of iopf/queue: bounds, iommu_fault_param, iopf_group, iopf_fault, what the device has
// asked for, and the local variables of a call.
#ifndef IOMMUCHECK_MODEL_IOPF_RECORDS_H
#define IOMMUCHECK_MODEL_IOPF_RECORDS_H

#include <algorithm>

#include "model/kernel/call_locals.h"
#include "model/kernel/heap.h"
#include "model/kernel/refcount.h"

namespace iommucheck::model {

struct IopfBounds : ProcessBounds {
  unsigned requests = 1;  ///< page request groups that the device has under way; 1 .. 2
  bool partial = false;   ///< a group may have two requests: one that is not the last, and the last
  bool user = false;      ///< user space handles the groups (iommufd); else a work queue (SVA)
  /// Groups stay on the pending list, where who answers finds them by their number, as
  /// iommu_page_response() did before 6.9.
  bool numbers = false;
  bool failures = false;  ///< allocations fail, and a device joins that has joined
  bool codes = false;     ///< what an answer says is judged, too

  /// One, and those that groups of before still use, or who looks for a group.
  unsigned params() const { return std::max(2U, threads) + (numbers ? 1U : 0U); }
  /// Who handles a group has answered it, so that the device sends the next one, and not freed it.
  unsigned groups() const { return requests + (user || numbers ? threads : 1); }
  unsigned faults() const { return partial ? groups() : 0; }
  /// One, and those that groups of before still name: who answers is at one group, and who attaches
  /// at none.
  unsigned handles() const { return std::max(2U, threads); }
};

/// Whether the device takes part: its driver does one thing after the other.
enum class Attachment : std::uint8_t { off, changing, on };
inline std::string_view name(Attachment attachment) {
  constexpr std::array<std::string_view, 3> kNames{"off", "changing", "on"};
  return kNames.at(static_cast<std::size_t>(attachment));
}

/// What is in the hardware queue of a page request group.
enum class Queued : std::uint8_t { nothing, partial, last };
inline std::string_view name(Queued queued) {
  constexpr std::array<std::string_view, 3> kNames{"nothing", "a request", "the last request"};
  return kNames.at(static_cast<std::size_t>(queued));
}

/// A page request group, as the device knows it.
template <class D>
struct AskedFor : Record<D> {
  AskedFor(Scope<D> scope, const IopfBounds& b)
      : Record<D>(std::move(scope)),
        queued(*this, "queued", 2, names_of<Queued>(3)),
        stray(*this, "stray"),
        begun(*this, "begun", b.partial ? 1 : 0),
        lost(*this, "lost", b.partial && b.codes ? 1 : 0),
        waits(*this, "waits") {}
  Var<D, Queued> queued;
  Flag<D> stray;  ///< with a PASID that no domain handles
  Var<D> begun;   ///< a request that is not the last has been sent
  Var<D> lost;    ///< ... and was forgotten for lack of memory
  Flag<D> waits;  ///< the last one has been sent, and no answer has come
};

/// struct iommu_attach_handle, with the domain that handles the faults.
template <class D>
struct AttachHandle : HeapObject<D> {
  using HeapObject<D>::HeapObject;
};

/// struct iommu_fault_param.
template <class D>
struct FaultParam : HeapObject<D> {
  FaultParam(Scope<D> scope, unsigned processes, const Design<D>* design, const IopfBounds& b)
      : HeapObject<D>(std::move(scope), processes),
        users(*this, "users", *design, 2 + b.groups() + (b.numbers ? b.threads : 0)),
        partial(*this, "partial", (1U << b.faults()) - 1, mask_format()) {}
  Refcount<D> users;
  Var<D> partial;  ///< the iopf_faults on the list
};

/// struct iopf_fault of a request that is not the last.
template <class D>
struct PartialFault : HeapObject<D> {
  PartialFault(Scope<D> scope, unsigned processes, const IopfBounds& b)
      : HeapObject<D>(std::move(scope), processes), grpid(*this, "grpid", b.requests - 1) {}
  Var<D> grpid;
};

/// struct iopf_group.
template <class D>
struct IopfGroup : HeapObject<D> {
  IopfGroup(Scope<D> scope, unsigned processes, const IopfBounds& b)
      : HeapObject<D>(std::move(scope), processes),
        param(*this, "fault_param", b.params(), pointer_to("fault_param")),
        attach_handle(*this, "attach_handle", b.handles(), pointer_to("attach_handle")),
        grpid(*this, "grpid", b.requests - 1),
        faults(*this, "faults", (1U << b.faults()) - 1, mask_format()),
        pending(*this, "pending"),
        handed_over(*this, b.user ? "on_deliver" : "queue_work"),
        on_stack(*this, "on_stack", b.failures ? 1 : 0) {}
  Var<D> param, attach_handle, grpid;
  Var<D> faults;        ///< the requests before the last one
  Flag<D> pending;      ///< on fault_param->faults
  Flag<D> handed_over;  ///< on fault->deliver of iommufd, or on the work queue
  Var<D> on_stack;      ///< abort_group of iommu_report_device_fault(): there until that returns
};

template <class D>
struct IopfLocals : Record<D> {
  IopfLocals(Scope<D> scope, const IopfBounds& b)
      : Record<D>(std::move(scope)),
        grpid(*this, "grpid", b.requests - 1),
        last(*this, "last"),
        stray(*this, "stray"),
        attach_handle(*this, "attach_handle", b.handles(), pointer_to("attach_handle")),
        param(*this, "iopf_param", b.params(), pointer_to("fault_param")),
        group(*this, "group", b.groups(), pointer_to("iopf_group")) {}
  Var<D> grpid;
  Flag<D> last, stray;
  Var<D> attach_handle, param, group;
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_IOPF_RECORDS_H
