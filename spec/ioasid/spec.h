// SPDX-License-Identifier: MIT
// The specification of IOASIDs: every call, sequential and nondeterministic, and its invariants.
//
// docs/ioasid.md says the same in prose.  Used in three ways: explored by itself (spec_machine.h),
// in lockstep inside a design (model/ioasid), and as the judge of an implementation's answers
// (oracle.h).
#ifndef IOMMUCHECK_SPEC_IOASID_SPEC_H
#define IOMMUCHECK_SPEC_IOASID_SPEC_H

#include "core/machine.h"
#include "spec/ioasid/data_calls.h"
#include "spec/ioasid/id_calls.h"
#include "spec/ioasid/registration_calls.h"
#include "spec/ioasid/set_calls.h"

namespace iommucheck::ioasid {

/// The errors that a kind of call can answer, "ok" first.
const std::vector<Err>& answers(CallKind kind);
/// The largest value that a kind of call can answer, within bounds.
unsigned largest_value(CallKind kind, const Bounds& bounds);
/// Which effects a kind of call can have; one that it cannot have is 0 in every answer.
struct PossibleEffects {
  bool allocator, getter, notified;
};
PossibleEffects possible_effects(CallKind kind);
/// Whether a kind of call makes sense within bounds (sets for set calls, ops for allocators, ...).
bool in_scope(CallKind kind, const Bounds& bounds);

/// Requires that a call has no effect of a sort that it cannot have.
template <class D>
class NoOtherEffects : Relation<D> {
 public:
  using Relation<D>::Relation;
  void apply(CallKind kind, Reply<D>& r) {
    const PossibleEffects possible = possible_effects(kind);
    if (!possible.allocator) this->settle_allocator(r, 0);
    if (!possible.getter) this->settle_getter(r, 0);
    if (!possible.notified) this->settle_notified(r, 0);
  }
};

template <class D>
class Spec {
 public:
  Spec(Scope<D> scope, const Bounds& bounds, const Sorts& sorts = {})
      : state(scope, bounds, sorts),
        sets_(state),
        ids_(state),
        data_(state),
        registrations_(state),
        no_others_(state) {}

  State<D> state;

  /// Requires that `reply` is a legal answer to the call, and moves the state accordingly.
  void apply(CallKind kind, const Args<D>& c, Reply<D>& r) {
    const auto& legal = answers(kind);
    state.context().require(any_of<D>(static_cast<unsigned>(legal.size()),
                                      [&](unsigned i) { return r.err == legal[i]; }),
                            "the answer is one that this call can give");
    no_others_.apply(kind, r);
    switch (kind) {
      case CallKind::install_capacity: return sets_.install_capacity(c, r);
      case CallKind::alloc_set: return sets_.alloc_set(c, r);
      case CallKind::set_get: return sets_.set_get(c, r);
      case CallKind::set_put: return sets_.set_put(c, r);
      case CallKind::adjust_set: return sets_.adjust_set(c, r);
      case CallKind::find_set: return sets_.find_set(c, r);
      case CallKind::alloc: return ids_.alloc(c, r);
      case CallKind::free: return ids_.free(c, r);
      case CallKind::get: return ids_.get(c, r);
      case CallKind::put: return ids_.put(c, r);
      case CallKind::find: return data_.find(c, r);
      case CallKind::set_data: return data_.set_data(c, r);
      case CallKind::attach_data: return data_.attach_data(c, r);
      case CallKind::detach_data: return data_.detach_data(c, r);
      case CallKind::attach_spid: return data_.attach_spid(c, r);
      case CallKind::detach_spid: return data_.detach_spid(c, r);
      case CallKind::find_by_spid: return data_.find_by_spid(c, r);
      case CallKind::register_allocator: return registrations_.register_allocator(c, r);
      case CallKind::unregister_allocator: return registrations_.unregister_allocator(c, r);
      case CallKind::register_notifier: return registrations_.register_notifier(c, r);
      case CallKind::unregister_notifier: return registrations_.unregister_notifier(c, r);
    }
  }

  /// The state before any call.
  void set_up() {
    if (!state.bounds.static_sets) state.capacity = state.bounds.capacity;
  }

 private:
  SetCalls<D> sets_;
  IdCalls<D> ids_;
  DataCalls<D> data_;
  RegistrationCalls<D> registrations_;
  NoOtherEffects<D> no_others_;
};

}  // namespace iommucheck::ioasid

#endif  // IOMMUCHECK_SPEC_IOASID_SPEC_H
