// SPDX-License-Identifier: MIT
// The simple allocator: maps, sets and linear searches.
#include "tests/conformance/reference.h"

#include <algorithm>

namespace iommucheck::conformance {

using ioasid::CallKind;
using ioasid::Err;
using ioasid::Outcome;

namespace {

Outcome answer(Err err, std::uint32_t value = 0) {
  return {static_cast<std::uint32_t>(err), value, 0, 0, 0};
}
Outcome ok(std::uint32_t value = 0) { return answer(Err::ok, value); }

}  // namespace

Outcome Reference::execute(const ioasid::Call& call) {
  const A& a = call.args;
  switch (call.kind) {
    case CallKind::install_capacity: capacity_ = a.quota; return ok();
    case CallKind::alloc_set: return alloc_set(a);
    case CallKind::set_get: sets_.at(a.set).holders.insert(a.client); return ok();
    case CallKind::set_put: return set_put(a);
    case CallKind::adjust_set: return adjust_set(a);
    case CallKind::find_set: return find_set(a);
    case CallKind::alloc: return alloc(a);
    case CallKind::free: return free(a);
    case CallKind::get: return get(a);
    case CallKind::put: return put(a);
    case CallKind::find: return find(a);
    case CallKind::set_data:
      if (known(a.id) == nullptr) return answer(Err::enoent);
      known(a.id)->data = a.data;
      return ok();
    case CallKind::attach_data: return attach_data(a);
    case CallKind::detach_data:
      if (Id* id = known(a.id)) id->data = 0;
      return ok();
    case CallKind::attach_spid: return attach_spid(a);
    case CallKind::detach_spid: return detach_spid(a);
    case CallKind::find_by_spid: return find_by_spid(a);
    case CallKind::register_allocator: return register_allocator(a);
    case CallKind::unregister_allocator: return unregister_allocator(a);
    case CallKind::register_notifier: return register_notifier(a);
    case CallKind::unregister_notifier: return unregister_notifier(a);
  }
  return {};
}

Reference::Id* Reference::known(Number id) {
  const auto found = space().find(id);
  return found == space().end() ? nullptr : &found->second;
}
Reference::Number Reference::serving() const {
  if (groups_.empty()) return 0;
  const auto& members = ops_.at(groups_.front());
  return is(Mutant::last_ops_serves) ? members.back() : members.front();
}
Reference::Number Reference::chain(Number where) const {
  Number mask = 0;
  for (const auto& [nb, chain] : notifiers_) mask |= chain == where ? 1U << (nb - 1) : 0U;
  return mask;
}
Reference::Number Reference::available() const {
  Number left = capacity_ - lost_;
  for (const auto& [number, set] : sets_) left -= set.quota;
  return left;
}
Reference::Number Reference::members(Number set, bool for_quota) {
  Number count = 0;
  for (const auto& [group, ids] : spaces_) {
    for (const auto& [number, id] : ids) {
      const bool counts = !for_quota || !id.pending || !is(Mutant::pending_is_not_counted);
      count += id.set == set && counts ? 1U : 0U;
    }
  }
  return count;
}
Reference::Set* Reference::live(Number set) {
  const auto found = sets_.find(set);
  return found == sets_.end() || found->second.holders.empty() ? nullptr : &found->second;
}

Outcome Reference::alloc_set(const A& a) {
  if (a.quota == 0) return answer(Err::einval);
  if (a.quota > available()) return answer(Err::enospc);
  for (const auto& [number, set] : sets_) {
    if (a.token != 0 && set.token == a.token) return answer(Err::eexist);
  }
  if (a.nomem != 0 || sets_.size() == bounds_.sets) return answer(Err::enomem);
  Number number = 1;
  while (sets_.contains(number)) ++number;
  sets_[number] = {a.token, a.quota, {a.client}};
  return ok(number);
}

Outcome Reference::set_put(const A& a) {
  Outcome outcome = ok();
  Set& set = sets_.at(a.set);
  set.holders.erase(a.client);
  if (!set.holders.empty()) return outcome;
  if (!is(Mutant::token_survives)) set.token = 0;
  std::vector<Number> ids;
  for (const auto& [number, id] : space()) {
    if (id.set == a.set && !id.pending) ids.push_back(number);
  }
  for (const Number id : ids) drop_owner(id, outcome);
  set_goes_if_empty(a.set);
  return outcome;
}

Outcome Reference::adjust_set(const A& a) {
  Set& set = sets_.at(a.set);
  if (a.quota == 0 || a.quota < members(a.set)) return answer(Err::einval);
  if (a.quota > set.quota + available()) return answer(Err::enospc);
  set.quota = a.quota;
  return ok();
}

Outcome Reference::find_set(const A& a) {
  for (auto& [number, set] : sets_) {
    if (set.token != a.token || set.holders.empty()) continue;
    set.holders.insert(a.client);
    return ok(number);
  }
  return answer(Err::enoent);
}

std::optional<Reference::Number> Reference::choose(const A& a) {
  if (!groups_.empty()) {
    if (a.callback == 0)
      return is(Mutant::refusal_is_id_0) ? std::optional<Number>{0} : std::nullopt;
    return a.callback - 1;
  }
  Number id = a.min + (is(Mutant::range_starts_late) && a.min < a.max ? 1 : 0);
  for (; id <= a.max && id < bounds_.ids; ++id) {
    if (known(id) == nullptr) return id;
  }
  return std::nullopt;
}

Outcome Reference::alloc(const A& a) {
  if (a.nomem != 0) return answer(Err::invalid);
  if (a.set != 0 && !bounds_.static_sets) {
    const Set* set = live(a.set);
    if (set == nullptr || members(a.set, true) >= set->quota) return answer(Err::invalid);
  }
  Outcome outcome = answer(Err::invalid);
  outcome.allocator = serving();
  const auto id = choose(a);
  if (!id || known(*id) != nullptr) return outcome;
  space()[*id] = {a.set, a.data, 0, a.client, {}, false};
  outcome.err = 0;
  outcome.value = *id;
  outcome.notified = a.set == 0 ? 0 : chain(a.set);
  return outcome;
}

void Reference::drop_owner(Number number, Outcome& outcome) {
  Id& id = *known(number);
  id.owner.reset();
  if (id.holders.empty()) {
    outcome.allocator = serving();
    erase(number);
    return;
  }
  id.pending = true;
  if (is(Mutant::free_is_silent)) return;
  outcome.notified |= chain(0) | (id.set == 0 ? 0 : chain(id.set));
}

void Reference::erase(Number id) {
  const Number set = known(id)->set;
  space().erase(id);
  set_goes_if_empty(set);
}

void Reference::set_goes_if_empty(Number set) {
  if (!sets_.contains(set) || live(set) != nullptr || members(set) != 0) return;
  if (is(Mutant::quota_not_returned)) lost_ += sets_.at(set).quota;
  sets_.erase(set);
  std::erase_if(notifiers_, [&](const auto& n) { return n.second == set; });
}

Outcome Reference::free(const A& a) {
  Outcome outcome = ok();
  const Id* id = known(a.id);
  if (id != nullptr && (a.set == 0 || a.set == id->set) && !id->pending) drop_owner(a.id, outcome);
  return outcome;
}

Outcome Reference::get(const A& a) {
  Id* id = known(a.id);
  if (id == nullptr) return answer(Err::einval);
  if (a.set != 0 && id->set != a.set) return answer(Err::eacces);
  if (id->pending && !is(Mutant::pending_can_be_got)) return answer(Err::ebusy);
  id->holders.insert(a.client);
  return ok();
}

Outcome Reference::put(const A& a) {
  Id* id = known(a.id);
  if (id == nullptr || (a.set != 0 && id->set != a.set)) return ok(0);
  if (id->holders.erase(a.client) == 0) id->owner.reset();
  if (id->owner && !(is(Mutant::put_frees_early) && id->holders.empty())) return ok(0);
  if (!id->holders.empty()) return ok(0);
  Outcome outcome = ok(1);
  outcome.allocator = serving();
  erase(a.id);
  return outcome;
}

Outcome Reference::find(const A& a) {
  const Id* id = known(a.id);
  if (id == nullptr) return answer(Err::enoent);
  if (a.set != 0 && id->set != a.set && !is(Mutant::no_set_check)) return answer(Err::eacces);
  const auto getter = static_cast<ioasid::Getter>(a.getter);
  const bool runs =
      getter != ioasid::Getter::none && (id->data != 0 || is(Mutant::getter_sees_null));
  Outcome outcome = ok(getter == ioasid::Getter::refuse ? 0 : id->data);
  outcome.getter_on = runs ? id->data + 1 : 0;
  return outcome;
}

Outcome Reference::attach_data(const A& a) {
  Id* id = known(a.id);
  if (id == nullptr) return answer(Err::enoent);
  if (id->data != 0) return answer(Err::ebusy);
  id->data = a.data;
  return ok();
}

Outcome Reference::attach_spid(const A& a) {
  Id* id = known(a.id);
  if (id == nullptr) return answer(Err::enoent);
  if (a.spid == 0 || id->set == 0) return answer(Err::einval);
  for (const auto& [number, other] : space()) {
    if (other.set == id->set && other.spid == a.spid && !is(Mutant::spid_not_unique)) {
      return answer(Err::einval);
    }
  }
  id->spid = a.spid;
  Outcome outcome = ok();
  outcome.notified = chain(id->set);
  return outcome;
}

Outcome Reference::detach_spid(const A& a) {
  Outcome outcome = ok();
  Id* id = known(a.id);
  if (id == nullptr || id->spid == 0) return outcome;
  id->spid = 0;
  outcome.notified = chain(id->set);
  return outcome;
}

Outcome Reference::find_by_spid(const A& a) {
  for (auto& [number, id] : space()) {
    if (id.set != a.set || id.spid != a.spid || (a.take != 0 && id.pending)) continue;
    if (a.take != 0) id.holders.insert(a.client);
    return ok(number);
  }
  return answer(Err::invalid);
}

Outcome Reference::register_allocator(const A& a) {
  if (groups_.empty() && !space().empty()) return answer(Err::eagain);
  auto& members = ops_[ioasid::ops_functions(a.ops)];
  if (std::ranges::find(members, a.ops) != members.end()) return answer(Err::eexist);
  if (a.nomem != 0) return answer(Err::enomem);
  if (members.empty()) groups_.push_back(ioasid::ops_functions(a.ops));
  members.push_back(a.ops);
  return ok();
}

Outcome Reference::unregister_allocator(const A& a) {
  const Number group = ioasid::ops_functions(a.ops);
  std::erase(ops_[group], a.ops);
  if (ops_[group].empty()) std::erase(groups_, group);
  return ok();
}

Outcome Reference::register_notifier(const A& a) {
  return notifiers_.emplace(a.nb, a.set).second ? ok() : answer(Err::eexist);
}

Outcome Reference::unregister_notifier(const A& a) {
  const auto found = notifiers_.find(a.nb);
  if (found == notifiers_.end() || found->second != a.set) return answer(Err::enoent);
  notifiers_.erase(found);
  return ok();
}

}  // namespace iommucheck::conformance
