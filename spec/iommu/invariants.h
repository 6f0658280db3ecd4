// SPDX-License-Identifier: MIT
// What holds in every state of the IOMMU specification, each with a sentence.
// Together they are inductive: `iommucheck prove iommu` shows it.
#ifndef IOMMUCHECK_SPEC_IOMMU_INVARIANTS_H
#define IOMMUCHECK_SPEC_IOMMU_INVARIANTS_H

#include "core/machine.h"
#include "spec/iommu/state.h"

namespace iommucheck::iommu {

template <class D>
class Invariants {
 public:
  /// Declares the invariants of `state` as properties of `machine`; both outlive this call.
  static void declare(Machine<D>& machine, const State<D>& state) {
    using B = Bool<D>;
    const State<D>* s = &state;
    const Bounds& b = state.bounds;
    const auto for_groups = [s](auto f) {
      return [s, f] {
        return all_of<D>(s->bounds.group_count(), [&](unsigned g) { return f(*s, g); });
      };
    };
    const auto for_translations = [s](auto f) {
      return [s, f] {
        return all_of<D>(s->bounds.group_count(), [&](unsigned g) {
          return all_of<D>(s->bounds.pasids, [&](unsigned p) { return f(*s, g, p + 1); });
        });
      };
    };
    if (b.tables != 0) {
      machine.property("table-is-there", "No TLP, with a PASID or without, meets a freed table.",
                       for_groups([](auto& st, unsigned g) {
                         return all_of<D>(st.bounds.tables, [&](unsigned t) {
                           return st.exists(t + 1) || (st.group[g].rid != t + 1 &&
                                                       all_of<D>(st.bounds.pasids, [&](unsigned p) {
                                                         return st.translation(g, p + 1) != t + 1;
                                                       }));
                         });
                       }));
      machine.property("table-fits",
                       "A device meets only tables that its own kind of IOMMU can walk.",
                       for_groups([](auto& st, unsigned g) {
                         return all_of<D>(st.bounds.tables, [&](unsigned t) {
                           const B met = st.group[g].rid == t + 1 ||
                                         any_of<D>(st.bounds.pasids, [&](unsigned p) {
                                           return st.translation(g, p + 1) == t + 1;
                                         });
                           return !met || st.table[t].kind == st.bounds.kind_of_group(g);
                         });
                       }));
      machine.property("free-table-is-clean", "A table that is not there maps nothing.", [s] {
        return all_of<D>(s->bounds.tables, [&](unsigned t) {
          return s->exists(t + 1) || (s->table[t].mapped == 0U && s->table[t].kind == 0U);
        });
      });
    }
    if (b.default_domains && b.tables != 0) {
      machine.property("default-domain-stands",
                       "The default domain of a group is there as long as the group, and fits it.",
                       for_groups([](auto& st, unsigned g) {
                         return any_of<D>(st.bounds.tables, [&](unsigned t) {
                           return st.group[g].standing == t + 1 &&
                                  st.table[t].life == TableLife::standing &&
                                  st.table[t].kind == st.bounds.kind_of_group(g);
                         });
                       }));
    }
    if (b.owners) {
      machine.property(
          "default-domain-is-of-one-group",
          "Nothing meets the default domain of a group but its own RIDs, and the PASID of its DMA "
          "API; and it is no other group's.",
          for_groups([](auto& st, unsigned g) {
            const auto& standing = st.group[g].standing;
            return all_of<D>(st.bounds.group_count(), [&](unsigned h) {
              const B apart = h == g
                                  ? B(true)
                                  : st.group[h].rid != standing && st.group[h].standing != standing;
              return apart && all_of<D>(st.bounds.pasids, [&](unsigned p) {
                       return st.translation(h, p + 1) != standing ||
                              (B(h == g) && st.group[g].dma_pasid == p + 1);
                     });
            });
          }));
    }
    if (b.mms != 0) {
      machine.property("process-is-there",
                       "A TLP reaches the address space of a running process only.",
                       for_translations([](auto& st, unsigned g, unsigned p) {
                         return all_of<D>(st.bounds.mms, [&](unsigned m) {
                           return st.translation(g, p) != st.bounds.mm_target(m) || st.runs(m);
                         });
                       }));
      machine.property(
          "bond-translates",
          "A PASID reaches a process exactly as long as a device of the group is bound to it and "
          "the process runs; and it is the PASID of that process.",
          for_translations([](auto& st, unsigned g, unsigned p) {
            return all_of<D>(st.bounds.mms, [&](unsigned m) {
              const B reaches = st.translation(g, p) == st.bounds.mm_target(m);
              return reaches == (st.group_bound(g, m) && st.runs(m) && st.mm[m].pasid == p);
            });
          }));
      machine.property(
          "bound-process-has-a-pasid",
          "A process that somebody holds a bond with has a PASID, and is not freed.", [s] {
            return all_of<D>(s->bounds.mms, [&](unsigned m) {
              return !s->held(m) || (s->mm[m].pasid != 0U && s->mm[m].life != MmLife::none);
            });
          });
      machine.property("no-mm-has-no-pasid", "An mm that is not there has no PASID.", [s] {
        return all_of<D>(s->bounds.mms, [&](unsigned m) {
          return s->mm[m].life != MmLife::none || s->mm[m].pasid == 0U;
        });
      });
      if (b.tagging) {
        machine.property("tagged-process-has-no-pasid",
                         "A process that tags its addresses has no PASID.", [s] {
                           return all_of<D>(s->bounds.mms, [&](unsigned m) {
                             return s->mm[m].tagged == 0U || s->mm[m].pasid == 0U;
                           });
                         });
        machine.property("no-mm-has-no-tags", "An mm that is not there is not tagged.", [s] {
          return all_of<D>(s->bounds.mms, [&](unsigned m) {
            return s->mm[m].life != MmLife::none || s->mm[m].tagged == 0U;
          });
        });
      }
      machine.property("bonds-are-whole",
                       "A bond is with a device and with an mm, or with neither.", [s] {
                         return !s->some_bond(
                             [](auto&& bond) { return (bond.device == 0U) != (bond.mm == 0U); });
                       });
    }
    if (b.hotplug) {
      machine.property("no-reset-of-what-is-gone", "A device that is not there is not being reset.",
                       [s] {
                         return all_of<D>(s->bounds.devices, [&](unsigned d) {
                           return s->device[d].gone == 0U || !s->device[d].resetting;
                         });
                       });
      machine.property("empty-group-uses-its-default-domain",
                       "A group without a device uses its default domain.",
                       for_groups([](auto& st, unsigned g) -> B {
                         const B empty = all_of<D>(st.bounds.devices, [&](unsigned d) {
                           return st.bounds.group_of(d) == g ? st.device[d].gone != 0U : B(true);
                         });
                         return !empty || st.group[g].rid == st.group[g].standing;
                       }));
    }
    if (b.owners) declare_owners(machine, b, for_groups);
    machine.property("one-owner-per-pasid",
                     "A PASID is one process's, or one group's DMA API's, never two owners'.", [s] {
                       return all_of<D>(s->bounds.pasids,
                                        [&](unsigned p) { return owners(*s, p + 1) <= 1U; });
                     });
    if (b.dma_pasid) {
      machine.property("dma-pasid-translates-as-the-rid",
                       "The DMA-API PASID of a group meets what its RIDs meet, at every instant.",
                       for_translations([](auto& st, unsigned g, unsigned p) -> B {
                         return st.group[g].dma_pasid != p ||
                                st.translation(g, p) == st.group[g].rid;
                       }));
      machine.property("dma-pasid-users-are-of-the-group",
                       "Only devices of a group want the PASID of its DMA API.",
                       for_groups([](auto& st, unsigned g) {
                         return all_of<D>(st.bounds.devices, [&](unsigned d) {
                           return B(st.bounds.group_of(d) == g) ||
                                  !has_bit(st.group[g].dma_users, d);
                         });
                       }));
      machine.property("dma-pasid-is-held",
                       "A group has a DMA-API PASID exactly as long as a device of it wants one.",
                       for_groups([](auto& st, unsigned g) -> B {
                         return (st.group[g].dma_pasid == 0U) == (st.group[g].dma_users == 0U);
                       }));
    }
    if (b.dma_pasid || b.tables != 0) {
      machine.property(
          "pasid-of-one-kind",
          "Nothing is attached to the PASID of a process, or of the DMA API, beside "
          "what it stands for.",
          for_translations([](auto& st, unsigned g, unsigned p) {
            const B table = st.translation(g, p) != 0U && st.translation(g, p) <= st.bounds.tables;
            return !table ||
                   (all_of<D>(st.bounds.mms, [&](unsigned m) { return st.mm[m].pasid != p; }) &&
                    all_of<D>(st.bounds.group_count(),
                              [&](unsigned h) { return h == g || st.group[h].dma_pasid != p; }));
          }));
    }
  }

 private:
  template <class ForGroups>
  static void declare_owners(Machine<D>& machine, const Bounds& b, const ForGroups& for_groups) {
    using B = Bool<D>;
    // f(d) for the devices of group g.
    const auto for_devices = [for_groups](auto f) {
      return for_groups([f](auto& st, unsigned g) {
        return all_of<D>(st.bounds.devices, [&](unsigned d) {
          return st.bounds.group_of(d) == g ? f(st, g, d) : B(true);
        });
      });
    };
    machine.property("one-owner-per-group",
                     "A group is claimed by one client, or used by drivers of the DMA API, never "
                     "both.",
                     for_devices([](auto& st, unsigned g, unsigned d) {
                       return all_of<D>(d, [&](unsigned e) -> B {
                         if (st.bounds.group_of(e) != g) return true;
                         return st.device[d].user == kUnused || st.device[e].user == kUnused ||
                                st.device[d].user == st.device[e].user;
                       });
                     }));
    machine.property("claimed-group-is-isolated",
                     "A group that somebody has claimed never meets its default domain.",
                     for_groups([](auto& st, unsigned g) -> B {
                       return !st.claimed(g) || st.group[g].rid != st.group[g].standing;
                     }));
    machine.property(
        "unused-group-uses-its-default-domain",
        "A group that nobody uses meets its default domain, and nothing by a PASID.",
        for_groups([](auto& st, unsigned g) -> B {
          const B used = any_of<D>(st.bounds.devices, [&](unsigned d) -> B {
            return st.bounds.group_of(d) == g ? st.device[d].user != kUnused : B(false);
          });
          return used || (st.group[g].rid == st.group[g].standing &&
                          all_of<D>(st.bounds.pasids,
                                    [&](unsigned p) { return st.translation(g, p + 1) == 0U; }));
        }));
    machine.property(
        "drivers-share-the-default-domain",
        "A driver of the DMA API that is not alone in its group meets the default "
        "domain.",
        for_devices([](auto& st, unsigned g, unsigned d) -> B {
          const B alone = all_of<D>(st.bounds.devices, [&](unsigned e) -> B {
            return e == d || st.bounds.group_of(e) != g || st.device[e].user == kUnused;
          });
          return st.device[d].user != kDriver || alone || st.group[g].rid == st.group[g].standing;
        }));
    machine.property("unused-device-is-not-wanted",
                     "A device that nobody uses has no bonds, and wants no DMA-API PASID.",
                     for_devices([](auto& st, unsigned, unsigned d) -> B {
                       return st.device[d].user != kUnused || !st.device_is_wanted(d);
                     }));
    if (!b.hotplug) return;
    machine.property("what-is-gone-is-unused", "A device that is not there has no user.",
                     for_devices([](auto& st, unsigned, unsigned d) -> B {
                       return st.device[d].gone == 0U || st.device[d].user == kUnused;
                     }));
  }
  static Val<D> owners(const State<D>& s, unsigned p) {
    return count_of<D>(s.bounds.mms, [&](unsigned m) { return s.mm[m].pasid == p; }) +
           count_of<D>(s.bounds.group_count(),
                       [&](unsigned g) { return s.group[g].dma_pasid == p; });
  }
};

}  // namespace iommucheck::iommu

#endif  // IOMMUCHECK_SPEC_IOMMU_INVARIANTS_H
