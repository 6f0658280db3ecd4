// SPDX-License-Identifier: MIT
// The state of the IOASID specification: who holds which set and id, and what each id carries.
#ifndef IOMMUCHECK_SPEC_IOASID_STATE_H
#define IOMMUCHECK_SPEC_IOASID_STATE_H

#include <algorithm>

#include "core/var.h"
#include "spec/ioasid/bounds.h"
#include "spec/ioasid/call.h"
#include "spec/sequence.h"

namespace iommucheck::ioasid {

/// live: from alloc_set to the last set_put.  dying: nobody holds it, but ids of it are left.
enum class SetLife : std::uint8_t { gone, live, dying };
inline std::string_view name(SetLife life) {
  constexpr std::array<std::string_view, 3> kNames{"gone", "live", "dying"};
  return kNames.at(static_cast<std::size_t>(life));
}

inline unsigned mask_of(unsigned n) { return (1U << n) - 1; }
/// Function groups among ops 1 .. ops.
inline unsigned groups_of(const Bounds& b) { return ops_functions(b.ops); }

/// What the state's things are elements of, where they are interchangeable: sorts of the machine
/// that the state is part of.
struct Sorts {
  Sort ids = {}, sets = {}, data = {}, clients = {}, tokens = {}, spids = {}, notifiers = {};
};

/// One ioasid_set.  Static sets have no life of their own: no fields.
template <class D>
struct SetRecord : Record<D> {
  SetRecord(Scope<D> scope, const Bounds& b, const Sorts& sorts)
      : Record<D>(scope),
        life(*this, "life", b.static_sets ? 0 : 2, names_of<SetLife>(3)),
        token(*this, "token", b.static_sets ? 0 : b.tokens, Format{}.of(sorts.tokens)),
        quota(*this, "quota", b.static_sets ? 0 : b.capacity),
        holders(*this, "holders", b.static_sets ? 0 : mask_of(b.clients),
                mask_format().of(sorts.clients)) {}
  Var<D, SetLife> life;
  Var<D> token;
  Var<D> quota;
  Var<D> holders;  ///< clients with a reference
};

/// One id.
template <class D>
struct IdRecord : Record<D> {
  IdRecord(Scope<D> scope, const Bounds& b, const Sorts& sorts)
      : Record<D>(scope),
        state(*this, "state", 3, names_of<IdState>(4)),
        set(*this, "set", b.sets, Format{}.of(sorts.sets)),
        data(*this, "data", b.data, Format{}.of(sorts.data)),
        group(*this, "group", groups_of(b)),
        owner(*this, "owner", b.references ? b.clients : 0, Format{}.of(sorts.clients)),
        holders(*this, "holders", b.references ? mask_of(b.clients) : 0,
                mask_format().of(sorts.clients)),
        spid(*this, "spid", b.spids, Format{}.of(sorts.spids)) {}
  Var<D, IdState> state;
  Var<D> set;      ///< 0: NULL
  Var<D> data;     ///< 0: not there
  Var<D> group;    ///< the allocator (function group) that knows it; 0: the default one
  Var<D> owner;    ///< 1 + the client that has the owner's reference; 0: dropped
  Var<D> holders;  ///< clients with a reference by get
  Var<D> spid;     ///< 0: none
};

template <class D>
struct State : Record<D> {
  State(Scope<D> scope, const Bounds& b, const Sorts& sorts = {})
      : Record<D>(scope),
        bounds(b),
        capacity(*this, "capacity", b.static_sets ? 0 : std::max(b.capacity, 1U)),
        set(*this, "set", over(sorts.sets, b.sets), b, sorts),
        id(*this, "id", over(sorts.ids, b.ids), b, sorts),
        groups(*this, "allocators", groups_of(b), groups_of(b)),
        members(*this, "allocator", groups_of(b), 2U, b.ops),
        chain(*this, "notifier", over(sorts.notifiers, b.notifiers), 1 + b.sets,
              Format{}.of(sorts.sets, 2)) {}

  const Bounds bounds;
  Var<D> capacity;
  Array<D, SetRecord<D>> set;  ///< set s is element s - 1
  Array<D, IdRecord<D>> id;
  Sequence<D> groups;             ///< registered function groups, the active one first
  Array<D, Sequence<D>> members;  ///< of group g, at g - 1: its ops, the serving one first
  Array<D, Var<D>> chain;  ///< of nb, at nb - 1: 0 none, 1 the global one, 1 + s that of set s

  // Relations, as calls and invariants use them.  Set numbers are 1 .. sets, ids 0 .. ids - 1.

  Bool<D> live(unsigned s) const {
    return bounds.static_sets ? Bool<D>(true) : set[s - 1].life == SetLife::live;
  }
  Bool<D> gone(unsigned s) const {
    return bounds.static_sets ? Bool<D>(false) : set[s - 1].life == SetLife::gone;
  }
  /// f(s) for the set with this number; false for 0 and beyond.
  template <class F>
  Bool<D> set_is(Val<D> number, F f) const {
    return any_of<D>(bounds.sets, [&](unsigned i) { return number == i + 1 && f(i + 1); });
  }
  Val<D> available() const {
    return capacity - sum_of<D>(bounds.sets, [&](unsigned i) { return Val<D>(set[i].quota); });
  }

  Val<D> active_group() const { return groups.front(); }
  /// The ops whose callbacks run and get its pdata; 0 under the default allocator.
  Val<D> serving_ops() const {
    return sum_of<D>(members.size(), [&](unsigned g) {
      return select(active_group() == g + 1, members[g].front(), Val<D>(0));
    });
  }
  /// Allocated, as far as calls can see: by the allocator that is active now.
  Bool<D> allocated(unsigned i) const {
    return id[i].state != IdState::free && id[i].group == active_group();
  }
  Bool<D> known(Val<D> number) const {
    return any_of<D>(bounds.ids, [&](unsigned i) { return number == i && allocated(i); });
  }
  /// Ids of a set, free pending ones included.
  Val<D> members_of(unsigned s) const {
    return count_of<D>(bounds.ids,
                       [&](unsigned i) { return id[i].state != IdState::free && id[i].set == s; });
  }
  /// Whether a look-up that names `wanted` (0: any set) may see an id of set `actual`.
  static Bool<D> set_fits(Val<D> wanted, Val<D> actual) { return wanted == 0U || wanted == actual; }

  /// Notifiers (mask) on the global chain, on that of set `s` (0: no set).
  Val<D> on_global_chain() const { return on_chain(1); }
  Val<D> on_set_chain(Val<D> s) const { return select(s == 0U, Val<D>(0), on_chain(s + 1U)); }

 private:
  Val<D> on_chain(Val<D> which) const {
    return sum_of<D>(chain.size(), [&](unsigned n) {
      return select(chain[n] == which, Val<D>(1U << n), Val<D>(0));
    });
  }
};

}  // namespace iommucheck::ioasid

#endif  // IOMMUCHECK_SPEC_IOASID_STATE_H
