// SPDX-License-Identifier: MIT
// Clients that keep the contract of the allocator's header: they initialise private data before
// they hand it over, look at it inside a ReadSection only, and free it when no section can see it.
#include "impl/ioasid/explored/clients.h"

#include <array>
#include <memory_resource>

#include "checker/schedule/client.h"
#include "impl/ioasid/allocator.h"
#include "impl/ioasid/errors.h"

// Bookkeeping that answers are told by: no part of what is explored.  Each entry is written by one
// client, before the allocator can show others what it stands for.
#define NOT_EXPLORED __attribute__((no_sanitize("thread")))

namespace iommucheck::ioasid::explored {
namespace {

using Args = Arguments<std::uint32_t>;

/// What a device driver would keep for an address space: written once, before it is published.
struct Private {
  std::uint32_t number;
};

/// substitutes.cc; throws std::bad_alloc where allocations may fail.
extern "C" void* ioasid_explored_memory(std::size_t size, std::size_t align);

class Memory : public std::pmr::memory_resource {
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    return ioasid_explored_memory(bytes, alignment);
  }
  void do_deallocate(void* p, std::size_t, std::size_t) override { ck_free(p); }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

struct Ops {
  impl::CustomOps ops;
  unsigned number = 0;
};

struct Clients {
  World world;
  impl::Allocator* allocator = nullptr;
  std::array<impl::Set, kMaxSets + 1> sets{};
  std::array<Private*, kMaxData + 1> data{};  ///< stay when they are freed: answers name them
  std::array<bool, kMaxData + 1> freed{};
  std::array<std::array<bool, kMaxIds>, kMaxClients> gets{};  ///< by get
  std::array<std::array<bool, kMaxIds>, kMaxClients> owns{};  ///< by alloc
  std::array<Ops, kMaxOps + 1> ops{};
  std::array<char, kMaxData + 1> tokens{};
};

Memory memory;
Clients clients;

/// What callbacks answer and have seen during a call; one for each thread of the engine's.
struct Now {
  std::uint32_t callback = 0, allocator = 0;
};
std::array<Now, 16> nows;

NOT_EXPLORED Now& now() { return nows[static_cast<std::size_t>(ck_self())]; }

template <unsigned Group>
NOT_EXPLORED impl::Ioasid custom_alloc(impl::Ioasid, impl::Ioasid, void* pdata) {
  now().allocator = static_cast<const Ops*>(pdata)->number;
  return now().callback == 0 ? impl::kInvalidIoasid : now().callback - 1;
}
template <unsigned Group>
NOT_EXPLORED void custom_free(impl::Ioasid, void* pdata) {
  now().allocator = static_cast<const Ops*>(pdata)->number;
}

NOT_EXPLORED Outcome answer(Err err, std::uint32_t value = 0) {
  Outcome outcome{};
  outcome.err = static_cast<std::uint32_t>(err);
  outcome.value = value;
  return outcome;
}

NOT_EXPLORED Outcome answer(std::errc error) { return answer(to_err(error)); }

NOT_EXPLORED impl::Set real_set(std::uint32_t number) { return clients.sets[number]; }

/// New, where nobody has made it yet: the write of its number is the client's.
void initialise(Private* made, std::uint32_t number) { made->number = number; }
NOT_EXPLORED Private* real_data(std::uint32_t number) {
  if (number == 0) return nullptr;
  if (clients.data[number] == nullptr) {
    auto* made = static_cast<Private*>(ck_alloc(sizeof(Private), alignof(Private), 0));
    initialise(made, number);
    clients.data[number] = made;
  }
  return clients.data[number];
}
NOT_EXPLORED std::uint32_t number_of(const void* data) {
  for (std::uint32_t i = 1; data != nullptr && i <= kMaxData; ++i) {
    if (clients.data[i] == data) return i;
  }
  return data == nullptr ? 0 : kMaxData + 1;
}
/// The client's last look before it frees: what others did with it is over.
void free_data(void* data) {
  if (static_cast<Private*>(data)->number == 0) ck_report("data", "freed data has no number");
  ck_free(data);
}
NOT_EXPLORED void* take_data(std::uint32_t number) {
  clients.freed[number] = true;
  return clients.data[number];
}

/// What find() shows inside of its section.
struct Look {
  Getter getter;
  std::uint32_t seen;
};
bool show(void* data, void* context) {
  auto* look = static_cast<Look*>(context);
  look->seen = static_cast<const Private*>(data)->number;
  return look->getter == Getter::accept;
}

Outcome find(const Args& args) {
  impl::Allocator& ids = *clients.allocator;
  const impl::Set set = real_set(args.set);
  const auto getter = static_cast<Getter>(args.getter);
  Look look{getter, 0};
  const auto found =
      getter == Getter::none ? ids.find(set, args.id) : ids.find(set, args.id, show, &look);
  Outcome outcome = found ? answer(Err::ok, number_of(found.value)) : answer(found.error);
  // Shown is what the data itself says, or what was freed would not be noticed.
  if (look.seen != 0) outcome.getter_on = 1 + look.seen;
  return outcome;
}

NOT_EXPLORED void note(bool& entry, bool value) { entry = value; }
NOT_EXPLORED bool is(const bool& entry) { return entry; }

Outcome alloc(const Args& args) {
  const auto got =
      clients.allocator->alloc(real_set(args.set), args.min, args.max, real_data(args.data));
  if (!got) return answer(Err::invalid);
  note(clients.owns[args.client][got.value], true);
  note(clients.gets[args.client][got.value], false);
  return answer(Err::ok, got.value);
}

void reclaim(const Args& args) {
  if (args.take == 0) return;
  void* data = take_data(args.take);
  if (args.callback != 0) {
    static_cast<void>(clients.allocator->defer(free_data, data));
  } else {
    static_cast<void>(clients.allocator->synchronize());
    free_data(data);
  }
}

Outcome put(const Args& args) {
  bool& reference = clients.gets[args.client][args.id];
  impl::Result<bool> freed{};
  if (is(reference)) {
    freed = clients.allocator->put(real_set(args.set), args.id);
    if (freed) note(reference, false);
  } else if (is(clients.owns[args.client][args.id])) {
    freed = clients.allocator->put_owner(real_set(args.set), args.id);
    if (freed) note(clients.owns[args.client][args.id], false);
  }
  if (freed.value) reclaim(args);
  return answer(Err::ok, freed.value ? 1 : 0);
}

Outcome replace_data(const Args& args, std::uint32_t data) {
  const auto old = clients.allocator->set_data(args.id, real_data(data));
  if (old && args.take != 0 && old.value != nullptr) free_data(take_data(args.take));
  return answer(old.error);
}

NOT_EXPLORED Outcome made(impl::Set set) {
  for (std::uint32_t number = 1; number <= clients.world.sets; ++number) {
    if (clients.sets[number]) continue;
    clients.sets[number] = set;
    return answer(Err::ok, number);
  }
  return answer(Err::enomem);
}

NOT_EXPLORED std::uint32_t number_of(impl::Set set) {
  std::uint32_t number = 1;
  while (number <= clients.world.sets && clients.sets[number] != set) ++number;
  return number;
}

Outcome find_by_spid(const Args& args) {
  const auto found = clients.allocator->find_by_spid(real_set(args.set), args.spid, args.take != 0);
  if (!found) return answer(Err::invalid);
  if (args.take != 0) note(clients.gets[args.client][found.value], true);
  return answer(Err::ok, found.value);
}

Outcome dispatch(const Call& call) {
  impl::Allocator& ids = *clients.allocator;
  const Args& args = call.args;
  const impl::Set set = real_set(args.set);
  switch (call.kind) {
    case CallKind::alloc: return alloc(args);
    case CallKind::free:
      static_cast<void>(ids.free(set, args.id));
      reclaim(args);
      return answer(Err::ok);
    case CallKind::get: {
      const std::errc error = ids.get(set, args.id);
      if (error == std::errc{}) note(clients.gets[args.client][args.id], true);
      return answer(error);
    }
    case CallKind::put: return put(args);
    case CallKind::find: return find(args);
    case CallKind::set_data: return replace_data(args, args.data);
    case CallKind::attach_data: return answer(ids.attach_data(args.id, real_data(args.data)));
    case CallKind::detach_data: static_cast<void>(replace_data(args, 0)); return answer(Err::ok);
    case CallKind::alloc_set: {
      const void* token = args.token == 0 ? nullptr : &clients.tokens[args.token];
      const auto set_made = ids.alloc_set(token, args.quota);
      return set_made ? made(set_made.value) : answer(set_made.error);
    }
    case CallKind::find_set: {
      const auto found = ids.find_set(&clients.tokens[args.token]);
      return found ? answer(Err::ok, number_of(found.value)) : answer(found.error);
    }
    case CallKind::set_get: return answer(ids.get_set(set));
    case CallKind::set_put: return answer(ids.put_set(set));
    case CallKind::adjust_set: return answer(ids.adjust_set(set, args.quota));
    case CallKind::attach_spid: return answer(ids.attach_spid(args.id, args.spid));
    case CallKind::detach_spid: static_cast<void>(ids.detach_spid(args.id)); return answer(Err::ok);
    case CallKind::find_by_spid: return find_by_spid(args);
    case CallKind::register_allocator:
      return answer(ids.register_allocator(&clients.ops[args.ops].ops));
    case CallKind::unregister_allocator:
      static_cast<void>(ids.unregister_allocator(&clients.ops[args.ops].ops));
      return answer(Err::ok);
    default:
      ck_report_fatal("scenario", "the clients have no such call");
      return answer(Err::einval);
  }
}

}  // namespace
}  // namespace iommucheck::ioasid::explored

using namespace iommucheck::ioasid;            // NOLINT(google-build-using-namespace)
using namespace iommucheck::ioasid::explored;  // NOLINT(google-build-using-namespace)

extern "C" {

void ioasid_clients_start(const World* world) {
  clients.world = *world;
  impl::Config config;
  config.ids = world->ids;
  config.memory = &memory;
  if (!world->static_sets) config.capacity = world->capacity;
  clients.allocator = new impl::Allocator(config);
  for (unsigned i = 1; i <= kMaxOps; ++i) {
    Ops& ops = clients.ops[i];
    ops.number = i;
    ops.ops = i <= 2 ? impl::CustomOps{custom_alloc<1>, custom_free<1>, &ops}
                     : impl::CustomOps{custom_alloc<2>, custom_free<2>, &ops};
  }
  if (!world->static_sets) return;
  for (unsigned i = 1; i <= world->sets; ++i) {
    clients.sets[i] = clients.allocator->alloc_set(nullptr, world->ids + 1).value;
  }
}

void ioasid_clients_attach() { impl::attach_reader(); }

NOT_EXPLORED void ioasid_clients_call(const Call* call, Outcome* outcome) {
  now() = {call->args.callback, 0};
  *outcome = dispatch(*call);
  outcome->allocator = now().allocator;
}

void ioasid_clients_finish() {
  delete clients.allocator;
  clients.allocator = nullptr;
  for (std::uint32_t i = 1; i <= kMaxData; ++i) {
    if (clients.data[i] != nullptr && !clients.freed[i]) ck_free(take_data(i));
  }
}

unsigned ioasid_clients_data(ioasid_clients_region* regions, unsigned most) {
  const std::array<ioasid_clients_region, 4> all{
      {{&clients, sizeof(clients)},
       {&nows, sizeof(nows)},
       {&impl::detail::read_epoch, sizeof(impl::detail::read_epoch)},
       {&impl::detail::reader_slots, sizeof(impl::detail::reader_slots)}}};
  for (unsigned i = 0; i < most && i < all.size(); ++i) regions[i] = all[i];
  return static_cast<unsigned>(all.size());
}

}  // extern "C"
