// SPDX-License-Identifier: MIT
// What threads do to our allocator at once.
#include <fmt/format.h>

#include "impl/ioasid/explored/explorer.h"
#include "spec/ioasid/make_call.h"
#include "spec/ioasid/orders.h"

namespace iommucheck::ioasid::explored {
namespace {

using namespace calls;  // NOLINT(google-build-using-namespace): this file is a table of them

Call by(unsigned client, Call call) {
  call.args.client = client;
  return call;
}
/// The caller frees this private data when it may; deferring, or waiting.
Call and_frees(Call call, unsigned data, bool defers = false) {
  call.args.take = data;
  call.args.callback = defers ? 1 : 0;
  return call;
}
Call get(unsigned client, unsigned set, unsigned id) {
  Call call = by(client, on_id(CallKind::get, id));
  call.args.set = set;
  return call;
}
Call put(unsigned client, unsigned set, unsigned id) {
  Call call = get(client, set, id);
  call.kind = CallKind::put;
  return call;
}
Call attach_data(unsigned id, unsigned data) {
  Call call = on_id(CallKind::attach_data, id);
  call.args.data = data;
  return call;
}
Call detach_data(unsigned id) { return on_id(CallKind::detach_data, id); }
Call on_set(CallKind kind, unsigned client, unsigned set, unsigned quota = 0) {
  Call call = by(client, {kind, {}});
  call.args.set = set;
  call.args.quota = quota;
  return call;
}
Call alloc_set(unsigned quota, unsigned token = 0) {
  Call call = on_set(CallKind::alloc_set, 0, 0, quota);
  call.args.token = token;
  return call;
}
Call find_set(unsigned client, unsigned token) {
  Call call = by(client, {CallKind::find_set, {}});
  call.args.token = token;
  return call;
}
Call set_put(unsigned client, unsigned set) { return on_set(CallKind::set_put, client, set); }
Call set_get(unsigned client, unsigned set) { return on_set(CallKind::set_get, client, set); }
Call adjust_set(unsigned set, unsigned quota) {
  return on_set(CallKind::adjust_set, 0, set, quota);
}
Call with_spid(CallKind kind, unsigned id, unsigned spid) {
  Call call = on_id(kind, id);
  call.args.spid = spid;
  return call;
}
Call find_by_spid(unsigned client, unsigned set, unsigned spid, bool take) {
  Call call = by(client, {CallKind::find_by_spid, {}});
  call.args.set = set;
  call.args.spid = spid;
  call.args.take = take ? 1 : 0;
  return call;
}

constexpr World kStatic{4, 2, true, kMaxIds};
/// Two ids, and sets with quotas.
constexpr World kQuotas{2, 2, false, 2};

}  // namespace

const std::vector<Scenario>& written_scenarios() {
  static const std::vector<Scenario> scenarios{
      {"find-free",
       "a look-up races with the free of its id and of what it finds",
       kStatic,
       {alloc(1, 0, 3, 1)},
       {{find(1, 0, Getter::accept)}, {and_frees(free_id(0), 1)}}},
      {"find-free-deferred",
       "the same, and the data is freed by who comes along after the grace period",
       kStatic,
       {alloc(1, 0, 3, 1)},
       {{find(1, 0, Getter::accept)}, {and_frees(free_id(0), 1, true)}, {find(0, 0)}}},
      {"publish",
       "an id is looked up while it is being allocated",
       kStatic,
       {},
       {{alloc(1, 0, 0, 1)}, {find(1, 0, Getter::accept)}, {find(0, 0, Getter::accept)}}},
      {"reuse",
       "an id is freed and given out again while it is looked up by its first set",
       kStatic,
       {alloc(1, 0, 0, 1)},
       {{find(1, 0, Getter::accept)}, {and_frees(free_id(0), 1)}, {by(2, alloc(2, 0, 0, 2))}}},
      {"set-data",
       "private data is replaced and freed under a look-up",
       kStatic,
       {alloc(1, 0, 0, 1)},
       {{find(1, 0, Getter::accept)}, {and_frees(set_data(0, 2), 1)}}},
      {"set-data-twice",
       "two replace private data under a look-up",
       kStatic,
       {alloc(1, 0, 0, 1)},
       {{find(1, 0, Getter::accept)}, {set_data(0, 2)}, {set_data(0, 3)}},
       2},
      {"attach-detach",
       "private data comes and goes",
       kStatic,
       {alloc(1, 0, 0, 0)},
       {{attach_data(0, 1)}, {attach_data(0, 2)}, {detach_data(0)}}},
      {"set-data-free",
       "private data is attached to an id that is being freed",
       kStatic,
       {alloc(1, 0, 0, 1)},
       {{set_data(0, 2)}, {free_id(0)}, {find(1, 0, Getter::accept)}}},
      {"get-put-free",
       "references come and go while the owner frees",
       kStatic,
       {alloc(1, 0, 0, 1)},
       {{by(0, free_id(0))}, {get(1, 1, 0), put(1, 1, 0)}, {find(1, 0)}}},
      {"last-put",
       "two drop the last references, of which one frees the data",
       kStatic,
       {alloc(1, 0, 0, 1), get(1, 1, 0)},
       {{and_frees(put(0, 1, 0), 1)}, {and_frees(put(1, 1, 0), 1)}, {find(1, 0, Getter::accept)}}},
      {"alloc-alloc",
       "three allocations in the same range",
       kStatic,
       {},
       {{alloc(1, 0, 3, 1)}, {by(1, alloc(2, 0, 3, 2))}, {by(2, alloc(1, 0, 3, 3))}},
       2},
      {"last-id",
       "two allocations where one id is left, and a free",
       kQuotas,
       {alloc_set(2), alloc(1, 0, 0, 1)},
       {{by(0, alloc(1, 0, 1, 2))}, {by(1, alloc(1, 0, 1, 3))}, {free_id(0)}},
       2},
      {"quota",
       "two allocations where the quota leaves one, and a free in the same set",
       kQuotas,
       {alloc_set(1)},
       {{alloc(1, 0, 1, 1)}, {by(1, alloc(1, 0, 1, 2))}}},
      {"adjust-quota",
       "a quota changes under two allocations",
       kQuotas,
       {alloc_set(1)},
       {{alloc(1, 0, 1, 1)}, {by(1, alloc(1, 0, 1, 2))}, {adjust_set(1, 2)}},
       2},
      {"set-goes",
       "the last references of a set go under an allocation in it and a look-up",
       kQuotas,
       {alloc_set(2), set_get(1, 1), alloc(1, 0, 0, 1)},
       {{set_put(0, 1)}, {by(1, alloc(1, 1, 1, 2)), set_put(1, 1)}, {find(0, 0, Getter::accept)}}},
      {"sets-come",
       "two make a set under one token, of which one may, and a third one takes ids from the rest",
       kQuotas,
       {},
       {{alloc_set(1, 1)}, {by(1, alloc_set(1, 1))}, {by(2, alloc_set(2))}}},
      {"set-comes-back",
       "the last reference of a set goes, and another one is made under its token",
       kQuotas,
       {alloc_set(2, 1), alloc(1, 0, 0, 1)},
       {{set_put(0, 1)}, {by(1, alloc_set(1, 1))}, {find(1, 0, Getter::accept)}}},
      {"set-goes-whole",
       "the last reference of a set of two ids goes under look-ups of one and then the other",
       kQuotas,
       {alloc_set(2), alloc(1, 0, 0, 1), alloc(1, 1, 1, 2)},
       {{set_put(0, 1)},
        {find(1, 0, Getter::accept), find(1, 1, Getter::accept)},
        {find(1, 1, Getter::accept), find(1, 0, Getter::accept)}},
       2},
      {"set-goes-in-part",
       "the same where one id has a reference, which is dropped, and one is asked for",
       kQuotas,
       {alloc_set(2), alloc(1, 0, 0, 1), alloc(1, 1, 1, 2), get(1, 1, 1)},
       {{set_put(0, 1)}, {find(1, 0), put(1, 1, 1)}, {get(2, 1, 0), find(1, 1)}},
       2},
      {"set-goes-under-calls",
       "the same where the data of its ids is set",
       kQuotas,
       {alloc_set(2), alloc(1, 0, 0, 1), alloc(1, 1, 1, 0), get(1, 1, 1)},
       {{set_put(0, 1)}, {set_data(0, 2), find(1, 1)}, {attach_data(1, 3), find(1, 0)}},
       2},
      {"set-gives-back",
       "a set goes while its ids and its quota are asked for",
       kQuotas,
       {alloc_set(2, 1), alloc(1, 0, 0, 1)},
       {{set_put(0, 1)}, {find(1, 0), by(1, alloc_set(2))}, {find(1, 0), alloc(0, 0, 0, 2)}},
       2},
      {"set-found",
       "the last reference of a set goes while its token is looked up, and its id is used",
       kQuotas,
       {alloc_set(2, 1), alloc(1, 0, 0, 1)},
       {{set_put(0, 1)}, {find_set(1, 1), get(1, 1, 0)}, {find(1, 0), alloc_set(1, 1)}},
       2},
      {"set-found-again",
       "the same, and an id comes",
       kQuotas,
       {alloc_set(2, 1), alloc(1, 0, 0, 1)},
       {{set_put(0, 1)}, {find_set(1, 1)}, {by(2, alloc(1, 1, 1, 2))}},
       2},
      {"spid",
       "an id is looked up by its set-private id while that goes and the id is freed",
       kStatic,
       {alloc(1, 0, 0, 1), with_spid(CallKind::attach_spid, 0, 1)},
       {{find_by_spid(0, 1, 1, true)}, {with_spid(CallKind::detach_spid, 0, 0)}, {free_id(0)}}},
      {"readers",
       "three look-ups, the last of which may have the place of a thread that has ended",
       kStatic,
       {alloc(1, 0, 0, 1)},
       {{find(1, 0, Getter::accept)}, {find(1, 0, Getter::accept)}, {find(1, 0, Getter::accept)}}},
      {"spid-take",
       "a reference is taken by SPID and dropped, while the owner frees",
       kQuotas,
       {alloc_set(2), alloc(1, 0, 0, 1), with_spid(CallKind::attach_spid, 0, 1)},
       {{find_by_spid(1, 1, 1, true), put(1, 1, 0)}, {free_id(0)}}},
      {"spid-moves",
       "a set-private id moves from one id to another under its look-up",
       kStatic,
       {alloc(1, 0, 0, 1), alloc(1, 1, 1, 2), with_spid(CallKind::attach_spid, 0, 1)},
       {{with_spid(CallKind::detach_spid, 0, 0), with_spid(CallKind::attach_spid, 1, 1)},
        {find_by_spid(1, 1, 1, false), find_by_spid(1, 1, 1, false)}}},
      {"spid-free",
       "an id with a set-private id is freed, and another one gets that",
       kStatic,
       {alloc(1, 0, 0, 1), alloc(1, 1, 1, 2), with_spid(CallKind::attach_spid, 0, 1)},
       {{free_id(0), with_spid(CallKind::attach_spid, 1, 1)}, {find_by_spid(1, 1, 1, false)}}},
      {"spid-again",
       "one thread gives and takes set-private ids, another one looks them up",
       kStatic,
       {alloc(1, 0, 0, 1), alloc(1, 1, 1, 2)},
       {{with_spid(CallKind::attach_spid, 0, 1), with_spid(CallKind::detach_spid, 0, 0),
         with_spid(CallKind::attach_spid, 1, 1), with_spid(CallKind::detach_spid, 0, 0),
         find_by_spid(0, 1, 1, false), with_spid(CallKind::attach_spid, 0, 2),
         with_spid(CallKind::attach_spid, 0, 3), find_by_spid(0, 1, 2, false)},
        {find_by_spid(1, 1, 1, false)}}},
      {"spid-of-former-life",
       "an id with a set-private id is freed and given out again; another one has that by then",
       kStatic,
       {alloc(1, 0, 0, 1), alloc(1, 1, 1, 2), with_spid(CallKind::attach_spid, 0, 1)},
       {{free_id(0), alloc(1, 0, 0, 3), with_spid(CallKind::attach_spid, 1, 1),
         with_spid(CallKind::attach_spid, 0, 2), find_by_spid(0, 1, 1, false)},
        {find_by_spid(1, 1, 1, false)}}},
      {"custom-back",
       "the custom allocator goes, and the default one serves",
       kStatic,
       {enroll(1)},
       {{withdraw(1), alloc(1, 0, 0, 1)}, {find(1, 0, Getter::accept)}}},
      {"custom-set-goes",
       "the last reference of a set with an id of a custom allocator goes under a look-up",
       kQuotas,
       {alloc_set(2), enroll(1)},
       {{alloc(1, 0, 1, 1, 2), set_put(0, 1)}, {find(0, 1, Getter::accept)}}},
      {"custom",
       "a custom allocator comes under an allocation and a look-up",
       kStatic,
       {},
       {{enroll(1), alloc(1, 0, 0, 1, 1)},
        {by(1, alloc(1, 1, 1, 2, 2))},
        {find(1, 0, Getter::accept)}}},
      {"custom-goes",
       "a custom allocator goes while another one waits, and its id is freed before",
       kStatic,
       {enroll(1), enroll(3), alloc(1, 0, 0, 1, 1)},
       {{free_id(0), withdraw(1)}, {find(1, 0, Getter::accept)}, {withdraw(3)}}},
  };
  return scenarios;
}

std::vector<Scenario> generated_scenarios(unsigned threads) {
  struct Base {
    World world;
    std::vector<Call> setup;
  };
  const std::vector<Base> bases{
      {kStatic, {}},
      {kStatic, {alloc(1, 0, 0, 1)}},
      {kStatic, {alloc(1, 0, 0, 1), get(1, 1, 0)}},
      {kQuotas, {alloc_set(2), alloc(1, 0, 0, 1)}},
      {kQuotas, {alloc_set(1)}},
  };
  // As made by client 0; the thread that makes it is its client.
  const std::vector<Call> calls{alloc(1, 0, 1, 2),
                                alloc(1, 0, 0, 3),
                                free_id(0),
                                find(1, 0, Getter::accept),
                                find(0, 0, Getter::refuse),
                                set_data(0, 2),
                                attach_data(0, 3),
                                detach_data(0),
                                get(0, 1, 0),
                                put(0, 1, 0),
                                set_get(0, 1),
                                set_put(0, 1),
                                adjust_set(1, 2),
                                with_spid(CallKind::attach_spid, 0, 1)};
  std::vector<Scenario> all;
  for (const Base& base : bases) {
    std::vector<std::size_t> chosen(threads, 0);
    Oracle oracle{bounds_of(base.world)};
    for (;;) {
      Scenario scenario{fmt::format("{}-{}", threads == 2 ? "pair" : "triple", all.size() + 1),
                        "",
                        base.world,
                        base.setup,
                        {},
                        {}};
      for (unsigned thread = 0; thread < threads; ++thread) {
        Call call = calls[chosen[thread]];
        // Its own data: what two threads hand over, one of them has not initialised.
        if (call.args.data != 0) call.args.data = 2 + thread;
        scenario.threads.push_back({by(thread, call)});
        scenario.sentence += fmt::format("{}{}", thread == 0 ? "" : " | ", print(call));
      }
      if (keeps_contract_in_every_order(oracle, scenario.setup, scenario.threads))
        all.push_back(std::move(scenario));
      // Threads are clients, and so not interchangeable: every tuple.
      std::size_t at = threads;
      while (at > 0 && ++chosen[at - 1] == calls.size()) chosen[--at] = 0;
      if (at == 0) break;
    }
  }
  return all;
}

}  // namespace iommucheck::ioasid::explored
