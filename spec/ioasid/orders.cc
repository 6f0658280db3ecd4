// SPDX-License-Identifier: MIT
// Every order of a few threads, by the specification itself.
#include "spec/ioasid/orders.h"

#include <algorithm>
#include <numeric>

namespace iommucheck::ioasid {
namespace {

bool execute(Oracle& oracle, std::span<const Call> calls) {
  return std::ranges::all_of(calls, [&](const Call& call) {
    if (!oracle.would_keep_contract(call)) return false;
    const auto outcome = oracle.first_legal(call);
    return outcome && oracle.judge(call, *outcome).legal;
  });
}

}  // namespace

bool keeps_contract_in_every_order(Oracle& oracle, std::span<const Call> setup,
                                   std::span<const std::vector<Call>> threads) {
  const auto outer = oracle.snapshot();
  bool keeps = execute(oracle, setup);
  const auto before = oracle.snapshot();
  std::vector<std::size_t> order(threads.size());
  std::iota(order.begin(), order.end(), 0U);
  while (keeps) {
    oracle.restore(before);
    for (const std::size_t thread : order) keeps = keeps && execute(oracle, threads[thread]);
    if (!std::ranges::next_permutation(order).found) break;
  }
  oracle.restore(outer);
  return keeps;
}

}  // namespace iommucheck::ioasid
