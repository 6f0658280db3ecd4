// SPDX-License-Identifier: MIT
// What holds in every state of the specification of /dev/iommu, each with a sentence.
// Together they are inductive: `iommucheck prove iommufd` shows it.
#ifndef IOMMUCHECK_SPEC_IOMMUFD_INVARIANTS_H
#define IOMMUCHECK_SPEC_IOMMUFD_INVARIANTS_H

#include "core/machine.h"
#include "spec/iommufd/state.h"

namespace iommucheck::iommufd {

template <class D>
class Invariants {
 public:
  /// Declares the invariants of `state` as properties of `machine`; both outlive this call.
  static void declare(Machine<D>& machine, const State<D>& state) {
    using B = Bool<D>;
    const State<D>* s = &state;
    const auto for_groups = [s](auto f) {
      return
          [s, f] { return all_of<D>(s->bounds.groups, [&](unsigned g) -> B { return f(*s, g); }); };
    };
    const auto for_devices = [s](auto f) {
      return [s, f] {
        return all_of<D>(s->bounds.devices, [&](unsigned d) -> B { return f(*s, d); });
      };
    };
    machine.property("target-is-there", "No group meets what has been destroyed.",
                     for_groups([](auto& st, unsigned g) {
                       return all_of<D>(st.bounds.targets(), [&](unsigned t) {
                         return st.group[g].met != t + 1 || st.there(t + 1);
                       });
                     }));
    machine.property("target-fits", "A group meets only page tables for its kind of IOMMU.",
                     for_devices([](auto& st, unsigned d) {
                       return all_of<D>(st.bounds.targets(), [&](unsigned t) {
                         return st.group[st.bounds.group_of(d)].met != t + 1 || st.fits(t + 1, d);
                       });
                     }));
    machine.property(
        "attached-meets",
        "A group meets something as long as a device of it is attached, and no longer.",
        for_groups([](auto& st, unsigned g) {
          const B meets = st.group[g].met != 0U;
          return (meets && st.attached(g)) || (!meets && !st.attached(g));
        }));
    machine.property("attached-is-bound", "Only devices that are bound are attached.",
                     for_devices([](auto& st, unsigned d) {
                       return !st.device[d].attached || st.device[d].bound;
                     }));
    if (state.bounds.hwpts != 0) {
      machine.property("hwpt-has-ioas", "The IOAS of a page table is there.", [s] {
        return all_of<D>(s->bounds.hwpts, [&](unsigned t) {
          return all_of<D>(s->bounds.ioases,
                           [&](unsigned i) { return s->hwpt[t].ioas != i + 1 || s->there(i + 1); });
        });
      });
      machine.property("no-hwpt-is-clean", "A page table that is not there is for no IOMMU.", [s] {
        return all_of<D>(s->bounds.hwpts, [&](unsigned t) {
          return s->hwpt[t].ioas != 0U || (s->hwpt[t].kind == 0U && s->hwpt[t].parent == 0U);
        });
      });
    }
    if (state.bounds.hwpts > 1 && state.bounds.queues != 0) {
      machine.property(
          "nested-has-parent",
          "A page table within another one has the mappings of its parent, for the same kind of "
          "IOMMU, and the parent is within none.",
          [s] {
            return all_of<D>(s->bounds.hwpts, [&](unsigned t) {
              return all_of<D>(s->bounds.hwpts, [&](unsigned p) {
                const auto &child = s->hwpt[t], &parent = s->hwpt[p];
                return child.parent != p + 1 ||
                       (parent.ioas != 0U && parent.parent == 0U && child.ioas == parent.ioas &&
                        child.kind == parent.kind);
              });
            });
          });
    }
    if (state.bounds.accesses != 0) {
      machine.property(
          "access-reaches-what-is-there",
          "A driver reaches only an IOAS that is there, and only as long as it is there "
          "itself.",
          [s] {
            const auto& access = s->access[0];
            return all_of<D>(s->bounds.ioases, [&](unsigned i) {
              return access.ioas != i + 1 || (access.there && s->there(i + 1));
            });
          });
    }
    if (state.bounds.queues != 0) {
      machine.property(
          "used-queue-is-there",
          "A fault queue is there as long as its file is open, or a page table has it.",
          [s] { return (!s->queue[0].open && !s->queue_used()) || s->queue[0].there; });
    }
  }
};

}  // namespace iommucheck::iommufd

#endif  // IOMMUCHECK_SPEC_IOMMUFD_INVARIANTS_H
