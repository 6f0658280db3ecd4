// SPDX-License-Identifier: MIT
// What threads do to ioasid.c at once.
#include "impl/linux/ioasid_scenarios.h"

#include "impl/linux/target.h"
#include "spec/ioasid/make_call.h"
#include "spec/ioasid/orders.h"

namespace iommucheck::linux_harness {
namespace {

using ioasid::Call;
using ioasid::Getter;
using namespace ioasid::calls;  // NOLINT(google-build-using-namespace): this file is a table of
                                // them

// Ids 0 .. 3, so that they share a node of the xarray.  Sets and data: 1, 2.

/// The caller reuses the old private data as soon as the call has returned.
Call replace_data(unsigned id, unsigned data, unsigned old) {
  Call call = set_data(id, data);
  call.args.take = old;
  return call;
}
bool keeps_contract(const Scenario& scenario) {
  const auto plain = [](const std::vector<TargetCall>& calls) {
    std::vector<Call> all;
    for (const TargetCall& call : calls) all.push_back(*call.ioasid);
    return all;
  };
  std::vector<std::vector<Call>> threads;
  for (const auto& calls : scenario.threads) threads.push_back(plain(calls));
  ioasid::Oracle oracle{ioasid_harness_bounds()};
  return ioasid::keeps_contract_in_every_order(oracle, plain(scenario.setup), threads);
}

}  // namespace

ioasid::Bounds ioasid_harness_bounds() {
  return {.ids = 8,
          .sets = 2,
          .data = 2,
          .clients = 1,
          .ops = 3,
          .static_sets = true,
          .references = false};
}

const std::vector<Scenario>& written_ioasid_scenarios() {
  static const std::vector<Scenario> scenarios{
      {"find-free",
       "a look-up races with the free of its id",
       {alloc(1, 0, 3, 1)},
       {{find(1, 0)}, {free_id(0)}}},
      {"find-getter-free",
       "a look-up takes a reference on the private data of an id being freed",
       {alloc(1, 0, 3, 1)},
       {{find(1, 0, Getter::accept)}, {free_id(0)}}},
      {"find-free-node",
       "a look-up races with the free of the last id in a node of the xarray",
       {alloc(1, 1, 1, 1)},
       {{find(1, 1)}, {free_id(1)}}},
      {"alloc-alloc",
       "two allocations in the same range",
       {},
       {{alloc(1, 0, 3, 1)}, {alloc(2, 0, 3, 2)}}},
      {"last-id",
       "two allocations where one id is left",
       {alloc(1, 0, 0, 1), alloc(1, 1, 1, 1)},
       {{alloc(1, 0, 2, 1)}, {alloc(2, 0, 2, 2)}}},
      {"reuse",
       "an id is freed and given out again while it is looked up by its first set",
       {alloc(1, 0, 0, 1)},
       {{find(1, 0), find(1, 0)}, {free_id(0)}, {alloc(2, 0, 0, 2)}}},
      {"set-data",
       "private data is replaced under a look-up",
       {alloc(1, 0, 0, 1)},
       {{find(1, 0), find(1, 0)}, {set_data(0, 2)}}},
      {"replace-data",
       "private data is replaced and reused under a look-up that takes a reference",
       {alloc(1, 0, 0, 1)},
       {{find(1, 0, Getter::accept)}, {replace_data(0, 2, 1)}}},
      {"set-data-free",
       "private data is attached to an id that is being freed",
       {alloc(1, 0, 0, 1)},
       {{set_data(0, 2)}, {free_id(0)}, {find(1, 0, Getter::accept)}}},
      {"alloc-find",
       "an id is looked up while it is being allocated",
       {},
       {{alloc(1, 0, 0, 1)}, {find(1, 0, Getter::accept)}, {find(0, 0)}}},
      {"switch-alloc",
       "a custom allocator is registered under an allocation",
       {},
       {{enroll(1)}, {alloc(1, 0, 3, 1, 3)}}},
      {"switch-back",
       "a custom allocator goes while a look-up runs",
       {enroll(1)},
       {{withdraw(1)}, {find(1, 0)}, {enroll(3)}}},
      {"shared-ops",
       "one of two allocators that share their functions goes and comes back",
       {enroll(1), enroll(2)},
       {{withdraw(2), enroll(2)}, {alloc(1, 0, 3, 1, 3)}}},
      {"both-go",
       "two allocators that share their functions go, then the default one serves",
       {enroll(1), enroll(2)},
       {{withdraw(2), withdraw(1), alloc(1, 0, 3, 1, 3)}, {find(1, 0)}}},
      {"custom-free",
       "an id of a custom allocator is freed while it is looked up",
       {enroll(1), alloc(1, 0, 0, 1, 1)},
       {{find(1, 0, Getter::accept)}, {free_id(0)}}},
      {"four",
       "allocation and free, two look-ups, a custom allocator that comes and goes",
       {alloc(1, 0, 0, 1)},
       {{alloc(1, 1, 3, 1), free_id(0)}, {find(1, 0)}, {enroll(3)}, {find(1, 1)}}},
  };
  return scenarios;
}

std::vector<Scenario> generated_ioasid_scenarios(unsigned threads) {
  const std::vector<std::vector<TargetCall>> setups{
      {},          {alloc(1, 0, 0, 1)},    {alloc(1, 0, 0, 0)},
      {enroll(1)}, {enroll(1), enroll(2)}, {enroll(1), alloc(1, 0, 0, 1, 1)}};
  const std::vector<TargetCall> calls{alloc(1, 0, 3, 1, 3),
                                      alloc(2, 0, 0, 2, 1),
                                      free_id(0),
                                      find(1, 0),
                                      find(0, 0, Getter::accept),
                                      find(2, 0),
                                      set_data(0, 2),
                                      enroll(1),
                                      enroll(2),
                                      withdraw(1)};
  return combinations(setups, calls, threads, keeps_contract);
}

}  // namespace iommucheck::linux_harness
