// SPDX-License-Identifier: MIT
// How an oracle runs the relation of a call over an answer that is given.
#ifndef IOMMUCHECK_SPEC_JUDGE_H
#define IOMMUCHECK_SPEC_JUDGE_H

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/machine.h"
#include "spec/judgement.h"

namespace iommucheck {

inline std::vector<std::uint64_t> words_of(const Machine<Concrete>& machine) {
  const auto* words = machine.context.words.data();
  return {words, words + machine.schema.words()};
}

/// The state stays as it was unless the answer is legal and the call keeps its contract.  Contracts
/// have to be noted (Contract::note).  `print` is the call as text.  Throws std::logic_error if an
/// invariant of the machine breaks.
template <class Apply, class Print>
Judgement judge_call(Machine<Concrete>& machine, Apply apply, Print print) {
  auto& context = machine.context;
  const auto before = context.words;
  context.begin_step();
  context.clear_rejected();
  apply(context);
  Judgement judgement;
  if (context.contract_broken() != nullptr) judgement.broken_contract = context.contract_broken();
  judgement.legal = context.enabled();
  if (!judgement.legal && context.rejected() != nullptr) judgement.reason = context.rejected();
  if (!judgement.legal || !judgement.broken_contract.empty()) {
    context.words = before;
    return judgement;
  }
  if (const auto broken = broken_invariant(machine, words_of(machine))) {
    throw std::logic_error("the specification breaks \"" + std::string{broken->detail} + "\" by " +
                           print());
  }
  return judgement;
}

}  // namespace iommucheck

#endif  // IOMMUCHECK_SPEC_JUDGE_H
