// SPDX-License-Identifier: MIT
// What kinds of IOASID calls can answer, and which are in scope of which bounds.
#include "spec/ioasid/spec.h"

namespace iommucheck::ioasid {

namespace {

std::vector<Err> make_answers(CallKind kind) {
  using enum Err;
  switch (kind) {
    case CallKind::alloc_set: return {ok, einval, enospc, eexist, enomem};
    case CallKind::adjust_set: return {ok, einval, enospc};
    case CallKind::find_set: return {ok, enoent};
    case CallKind::alloc: return {ok, invalid};
    case CallKind::get: return {ok, einval, ebusy, eacces};
    case CallKind::find: return {ok, enoent, eacces};
    case CallKind::set_data: return {ok, enoent};
    case CallKind::attach_data: return {ok, enoent, ebusy};
    case CallKind::attach_spid: return {ok, einval, enoent};
    case CallKind::find_by_spid: return {ok, invalid};
    case CallKind::register_allocator: return {ok, enomem, eagain, eexist};
    case CallKind::register_notifier: return {ok, eexist};
    case CallKind::unregister_notifier: return {ok, enoent};
    default: return {ok};
  }
}

}  // namespace

const std::vector<Err>& answers(CallKind kind) {
  // Asked for in every lockstep step: built once.
  static const auto kTable = [] {
    std::array<std::vector<Err>, kCallKinds> table;
    for (unsigned k = 0; k < kCallKinds; ++k) table.at(k) = make_answers(static_cast<CallKind>(k));
    return table;
  }();
  return kTable[static_cast<std::size_t>(kind)];
}

unsigned largest_value(CallKind kind, const Bounds& bounds) {
  switch (kind) {
    case CallKind::alloc_set:
    case CallKind::find_set: return bounds.sets;
    case CallKind::alloc:
    case CallKind::find_by_spid: return bounds.ids - 1;
    case CallKind::put: return 1;
    case CallKind::find: return bounds.data;
    default: return 0;
  }
}

PossibleEffects possible_effects(CallKind kind) {
  switch (kind) {
    case CallKind::alloc:
    case CallKind::free:
    case CallKind::put:
    case CallKind::set_put: return {.allocator = true, .getter = false, .notified = true};
    case CallKind::attach_spid:
    case CallKind::detach_spid: return {.allocator = false, .getter = false, .notified = true};
    case CallKind::find: return {.allocator = false, .getter = true, .notified = false};
    default: return {.allocator = false, .getter = false, .notified = false};
  }
}

bool in_scope(CallKind kind, const Bounds& bounds) {
  const bool dynamic_sets = bounds.sets > 0 && !bounds.static_sets;
  switch (kind) {
    case CallKind::install_capacity:
    case CallKind::alloc_set:
    case CallKind::set_get:
    case CallKind::set_put:
    case CallKind::adjust_set: return dynamic_sets;
    case CallKind::find_set: return dynamic_sets && bounds.tokens > 0;
    case CallKind::get:
    case CallKind::put: return bounds.references;
    case CallKind::attach_spid:
    case CallKind::detach_spid: return bounds.spids > 0;
    case CallKind::find_by_spid: return bounds.spids > 0 && bounds.sets > 0 && bounds.references;
    case CallKind::register_allocator:
    case CallKind::unregister_allocator: return bounds.ops > 0;
    case CallKind::register_notifier:
    case CallKind::unregister_notifier: return bounds.notifiers > 0;
    case CallKind::set_data:
    case CallKind::attach_data:
    case CallKind::detach_data: return bounds.data > 0;
    default: return true;
  }
}

}  // namespace iommucheck::ioasid
