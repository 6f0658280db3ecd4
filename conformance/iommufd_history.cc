// SPDX-License-Identifier: MIT
// Following the states that the specification of /dev/iommu may be in.
#include "conformance/iommufd_history.h"

#include <stdexcept>

#include "conformance/order_search.h"
#include "spec/iommufd/oracle.h"

namespace iommucheck::conformance {
namespace {

class ByIommufdSpecification {
 public:
  using State = iommufd::Oracle::Snapshot;

  ByIommufdSpecification(const iommufd::Bounds& bounds, std::span<const IommufdCall> setup,
                         std::span<const IommufdCall> calls)
      : oracle_{bounds}, calls_{calls} {
    for (std::size_t call = 0; call < calls.size(); ++call) {
      for (const IommufdEffect& effect : calls[call].effects) effects_.push_back({call, &effect});
    }
    first_ = oracle_.snapshot();
    for (const IommufdCall& call : setup) {
      for (const IommufdEffect& effect : call.effects) {
        const Answered<State> answered = answer(first_, effect, call.text);
        if (answered.next.empty()) throw std::invalid_argument{answered.reason};
        first_ = answered.next.front();
      }
    }
  }

  std::size_t calls() const { return calls_.size(); }
  CallTiming timing(std::size_t call) const { return calls_[call].timing; }
  std::size_t effects() const { return effects_.size(); }
  std::size_t call_of(std::size_t effect) const { return effects_[effect].call; }
  std::vector<State> first() const { return {first_}; }
  static std::vector<State> hidden(const State&) { return {}; }
  Answered<State> ask(const State& state, std::size_t effect) {
    return answer(state, *effects_[effect].what, calls_[effects_[effect].call].text);
  }

 private:
  struct Effect {
    std::size_t call;
    const IommufdEffect* what;
  };

  Answered<State> answer(const State& state, const IommufdEffect& effect, const std::string& text) {
    if (!effect.err)
      return {.reason = text + ": the specification knows no such answer", .next = {}};
    oracle_.restore(state);
    if (effect.if_attached && !oracle_.attached(effect.call.args.device))
      return {.reason = {}, .next = {state}};
    const auto judgement = oracle_.judge(effect.call, *effect.err);
    const std::string& wrong =
        judgement.broken_contract.empty() ? judgement.reason : judgement.broken_contract;
    if (!judgement.legal || !judgement.broken_contract.empty())
      return {.reason = text + ": " + wrong, .next = {}};
    return {.reason = {}, .next = {oracle_.snapshot()}};
  }

  iommufd::Oracle oracle_;
  std::span<const IommufdCall> calls_;
  std::vector<Effect> effects_;
  State first_;
};

}  // namespace

Linearization linearize(const iommufd::Bounds& bounds, std::span<const IommufdCall> setup,
                        std::span<const IommufdCall> calls) {
  return OrderSearch{ByIommufdSpecification{bounds, setup, calls}}.run();
}

}  // namespace iommucheck::conformance
