// SPDX-License-Identifier: MIT
// What holds in every state of the IOASID specification, each with a sentence.
// Together they are inductive: `iommucheck prove ioasid` shows it.
#ifndef IOMMUCHECK_SPEC_IOASID_INVARIANTS_H
#define IOMMUCHECK_SPEC_IOASID_INVARIANTS_H

#include "core/machine.h"
#include "spec/ioasid/state.h"

namespace iommucheck::ioasid {

template <class D>
class Invariants {
 public:
  /// Declares the invariants of `state` as properties of `machine`; both outlive this call.
  static void declare(Machine<D>& machine, const State<D>& state) {
    const State<D>* s = &state;
    const auto for_ids = [s](auto f) {
      return [s, f] {
        return all_of<D>(s->bounds.ids, [&](unsigned i) { return f(*s, i, s->id[i]); });
      };
    };
    const auto for_sets = [s](auto f) {
      return [s, f] {
        if (s->bounds.static_sets) return Bool<D>(true);
        return all_of<D>(s->bounds.sets, [&](unsigned k) { return f(*s, k + 1, s->set[k]); });
      };
    };
    using B = Bool<D>;

    machine.property(
        "quotas-balance", "The quotas of all sets together never exceed the capacity.", [s] {
          return sum_of<D>(s->bounds.sets, [&](unsigned k) { return Val<D>(s->set[k].quota); }) <=
                 s->capacity;
        });
    machine.property("quota-kept", "No set has more ids than its quota.",
                     for_sets([](auto& st, unsigned k, auto&& set) -> B {
                       return st.members_of(k) <= set.quota;
                     }));
    machine.property("gone-set-is-clean",
                     "A set that is gone has no token, no quota and no holder.",
                     for_sets([](auto&, unsigned, auto&& set) -> B {
                       return set.life != SetLife::gone ||
                              (set.token == 0U && set.quota == 0U && set.holders == 0U);
                     }));
    machine.property("live-set-is-held",
                     "A set is live exactly as long as somebody holds a reference on it.",
                     for_sets([](auto&, unsigned, auto&& set) -> B {
                       return (set.life == SetLife::live) == (set.holders != 0U);
                     }));
    machine.property("dying-set-has-ids",
                     "A set that nobody holds is there for its last ids only, and has no token.",
                     for_sets([](auto& st, unsigned k, auto&& set) -> B {
                       return set.life != SetLife::dying ||
                              (st.members_of(k) != 0U && set.token == 0U);
                     }));
    machine.property("tokens-unique", "No two live sets have the same token.",
                     for_sets([](auto& st, unsigned k, auto&& set) -> B {
                       return all_of<D>(k - 1, [&](unsigned other) {
                         return set.token == 0U || set.token != st.set[other].token;
                       });
                     }));
    machine.property("id-in-existing-set", "An id belongs to a set that exists.",
                     for_ids([](auto& st, unsigned, auto&& id) -> B {
                       return all_of<D>(st.bounds.sets, [&](unsigned k) {
                         return id.set != k + 1 || !st.gone(k + 1);
                       });
                     }));
    machine.property("free-id-is-clean", "An id that nobody has carries nothing.",
                     for_ids([](auto&, unsigned, auto&& id) -> B {
                       return id.state != IdState::free ||
                              (id.set == 0U && id.data == 0U && id.group == 0U && id.owner == 0U &&
                               id.holders == 0U && id.spid == 0U);
                     }));
    machine.property("id-is-held", "An allocated id is held: by its owner, or by a reference.",
                     for_ids([](auto& st, unsigned, auto&& id) -> B {
                       if (!st.bounds.references) return true;
                       return id.state == IdState::free || id.owner != 0U || id.holders != 0U;
                     }));
    machine.property(
        "pending-id-is-referenced",
        "An id is free pending only while references by get are left, and without its owner.",
        for_ids([](auto&, unsigned, auto&& id) -> B {
          return id.state != IdState::free_pending || (id.owner == 0U && id.holders != 0U);
        }));
    machine.property("dying-set-has-pending-ids",
                     "Every id of a set that nobody holds is free pending.",
                     for_ids([](auto& st, unsigned, auto&& id) -> B {
                       return id.state == IdState::free || id.state == IdState::free_pending ||
                              !st.set_is(id.set, [&](unsigned k) { return !st.live(k); });
                     }));
    machine.property(
        "state-tells-data",
        "An id is active exactly when its private data is there; idle, when it is not.",
        for_ids([](auto&, unsigned, auto&& id) -> B {
          return (id.state != IdState::idle || id.data == 0U) &&
                 (id.state != IdState::active || id.data != 0U);
        }));
    machine.property(
        "spid-unique", "A set-private id names one id of its set, and only ids of sets have one.",
        for_ids([](auto& st, unsigned i, auto&& id) -> B {
          return id.spid == 0U || (id.set != 0U && all_of<D>(i, [&](unsigned j) {
                                     return st.id[j].spid != id.spid || st.id[j].set != id.set;
                                   }));
        }));
    machine.property("ids-of-active-allocator",
                     "Every id that is out belongs to the active allocator.",
                     for_ids([](auto& st, unsigned, auto&& id) -> B {
                       return id.state == IdState::free || id.group == st.active_group();
                     }));
    machine.property(
        "allocators-listed",
        "An allocator is on the list exactly while ops of it are registered, each once.", [s] {
          return s->groups.well_formed() && all_of<D>(s->members.size(), [&](unsigned g) {
                   auto&& members = s->members[g];
                   return members.well_formed() &&
                          (s->groups.contains(g + 1) == !members.empty()) &&
                          all_of<D>(members.capacity(), [&](unsigned m) {
                            return all_of<D>(s->bounds.ops, [&](unsigned o) {
                              return members[m] != o + 1 || B(ops_functions(o + 1) == g + 1);
                            });
                          });
                 });
        });
    machine.property(
        "notifier-on-existing-chain", "A notifier block is on a chain that exists.", [s] {
          return all_of<D>(s->chain.size(), [&](unsigned n) {
            return all_of<D>(s->bounds.sets,
                             [&](unsigned k) { return s->chain[n] != k + 2 || !s->gone(k + 1); });
          });
        });
  }
};

}  // namespace iommucheck::ioasid

#endif  // IOMMUCHECK_SPEC_IOASID_INVARIANTS_H
