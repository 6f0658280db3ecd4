// SPDX-License-Identifier: MIT
// Execution of calls by our allocator: arguments to real things, answers to numbers.
#include "impl/ioasid/subject.h"

#include <algorithm>

#include "impl/ioasid/errors.h"

namespace iommucheck::ioasid {
namespace {

Outcome answer(Err err, std::uint32_t value = 0) {
  Outcome outcome;
  outcome.err = static_cast<std::uint32_t>(err);
  outcome.value = value;
  return outcome;
}

Outcome answer(std::errc error) { return answer(to_err(error)); }

}  // namespace

Outcome AllocatorSubject::execute(const Call& call) {
  outcome_ = {};
  callback_ = call.args.callback;
  getter_ = static_cast<Getter>(call.args.getter);
  memory_.failing = call.args.nomem != 0;
  Outcome result = dispatch(call);
  memory_.failing = false;
  // What the callbacks have noted meanwhile.
  result.allocator = outcome_.allocator;
  result.getter_on = outcome_.getter_on;
  result.notified = outcome_.notified;
  return result;
}

Outcome AllocatorSubject::dispatch(const Call& call) {
  const Args& args = call.args;
  impl::Allocator& ids = *allocator_;
  const impl::Set set = real_set(args.set);
  const impl::Ioasid id = real_id(args.id);
  switch (call.kind) {
    case CallKind::install_capacity: return answer(ids.install_capacity(args.quota));
    case CallKind::alloc_set: return alloc_set(args);
    case CallKind::set_get: return set_get(args);
    case CallKind::set_put: return set_put(args);
    case CallKind::adjust_set: return answer(ids.adjust_set(set, args.quota));
    case CallKind::find_set: return find_set(args);
    case CallKind::alloc: return alloc(args);
    case CallKind::free: static_cast<void>(ids.free(set, id)); return answer(Err::ok);
    case CallKind::get: return get(args);
    case CallKind::put: return put(args);
    case CallKind::find: return find(args);
    case CallKind::set_data: return answer(ids.set_data(id, real_data(args.data)).error);
    case CallKind::attach_data: return answer(ids.attach_data(id, real_data(args.data)));
    case CallKind::detach_data: static_cast<void>(ids.detach_data(id)); return answer(Err::ok);
    case CallKind::attach_spid: return answer(ids.attach_spid(id, real_spid(args.spid)));
    case CallKind::detach_spid: static_cast<void>(ids.detach_spid(id)); return answer(Err::ok);
    case CallKind::find_by_spid: return find_by_spid(args);
    case CallKind::register_allocator: return answer(ids.register_allocator(real_ops(args.ops)));
    case CallKind::unregister_allocator:
      static_cast<void>(ids.unregister_allocator(real_ops(args.ops)));
      return answer(Err::ok);
    case CallKind::register_notifier:
      return answer(ids.register_notifier(set, real_notifier(args.nb)));
    case CallKind::unregister_notifier:
      return answer(ids.unregister_notifier(set, real_notifier(args.nb)));
  }
  return answer(Err::einval);
}

Outcome AllocatorSubject::alloc_set(const Args& args) {
  const auto number = std::ranges::find_if(
      sets_, [&](impl::Set set) { return allocator_->set_state(set) == impl::SetState::gone; });
  if (number == sets_.end()) return answer(Err::enomem);
  const auto made = allocator_->alloc_set(real_token(args.token), args.quota);
  if (!made) return answer(made.error);
  *number = made.value;
  const auto index = static_cast<std::size_t>(number - sets_.begin());
  set_holders_[index].assign(config_.clients, false);
  note(set_holders_, index, args.client, true);
  return answer(Err::ok, static_cast<std::uint32_t>(index + 1));
}

Outcome AllocatorSubject::set_get(const Args& args) {
  const std::errc error = allocator_->get_set(real_set(args.set));
  if (error == std::errc{}) note(set_holders_, args.set - 1U, args.client, true);
  return answer(error);
}

Outcome AllocatorSubject::set_put(const Args& args) {
  const std::errc error = allocator_->put_set(real_set(args.set));
  if (error == std::errc{}) note(set_holders_, args.set - 1U, args.client, false);
  return answer(error);
}

Outcome AllocatorSubject::find_set(const Args& args) {
  const auto found = allocator_->find_set(real_token(args.token));
  if (!found) return answer(found.error);
  const std::uint32_t number = number_of_set(found.value);
  if (holds(set_holders_, number - 1U, args.client)) {
    // A client has at most one reference on a set; it is not the last one.
    static_cast<void>(allocator_->put_set(found.value));
  } else {
    note(set_holders_, number - 1U, args.client, true);
  }
  return answer(Err::ok, number);
}

Outcome AllocatorSubject::alloc(const Args& args) {
  const auto got = allocator_->alloc(real_set(args.set), real_id(args.min), real_max(args.max),
                                     real_data(args.data));
  if (!got) return answer(Err::invalid);
  const std::uint32_t number = got.value - config_.first_id;
  if (number < config_.ids) {
    owners_[number] = args.client + 1;
    id_holders_[number].assign(config_.clients, false);
  }
  return answer(Err::ok, number);
}

Outcome AllocatorSubject::get(const Args& args) {
  const std::errc error = allocator_->get(real_set(args.set), real_id(args.id));
  if (error == std::errc{}) note(id_holders_, args.id, args.client, true);
  return answer(error);
}

Outcome AllocatorSubject::put(const Args& args) {
  const impl::Set set = real_set(args.set);
  const impl::Ioasid id = real_id(args.id);
  impl::Result<bool> freed{};
  if (holds(id_holders_, args.id, args.client)) {
    freed = allocator_->put(set, id);
    if (freed) note(id_holders_, args.id, args.client, false);
  } else if (args.id < config_.ids && owners_[args.id] == args.client + 1) {
    freed = allocator_->put_owner(set, id);
  }
  return answer(Err::ok, freed.value ? 1 : 0);
}

Outcome AllocatorSubject::find(const Args& args) {
  const impl::Set set = real_set(args.set);
  const impl::Ioasid id = real_id(args.id);
  const auto found =
      getter_ == Getter::none ? allocator_->find(set, id) : allocator_->find(set, id, show, this);
  return found ? answer(Err::ok, number_of_data(found.value)) : answer(found.error);
}

Outcome AllocatorSubject::find_by_spid(const Args& args) {
  const impl::Set set = real_set(args.set);
  const auto found = allocator_->find_by_spid(set, real_spid(args.spid), args.take != 0);
  if (!found) return answer(Err::invalid);
  const std::uint32_t number = found.value - config_.first_id;
  if (args.take != 0 && holds(id_holders_, number, args.client)) {
    static_cast<void>(allocator_->put(set, found.value));  // one per client, as with sets
  } else if (args.take != 0) {
    note(id_holders_, number, args.client, true);
  }
  return answer(Err::ok, number);
}

}  // namespace iommucheck::ioasid
