// SPDX-License-Identifier: MIT
// Histories of binds and unbinds against the specification of domains.
#include "conformance/sva_history.h"

#include <fmt/format.h>

#include "conformance/order_search.h"

namespace iommucheck::conformance {
namespace {

using iommu::CallKind;
using iommu::Err;

class BySvaSpecification {
 public:
  struct State {
    iommu::Oracle::Snapshot specification;
    std::vector<unsigned> users;  ///< of each mm
    friend bool operator==(const State&, const State&) = default;
  };

  BySvaSpecification(const SvaWorld& world, std::span<const SvaCall> setup,
                     std::span<const SvaCall> calls)
      : world_{world}, oracle_{world.bounds}, calls_{calls} {
    for (std::size_t call = 0; call < calls.size(); ++call) {
      for (const SvaEffect& effect : calls[call].effects) effects_.push_back({call, &effect});
    }
    first_.push_back({oracle_.snapshot(), world.users});
    for (const SvaCall& call : setup) {
      for (const SvaEffect& effect : call.effects) go_on(call, effect);
    }
  }

  std::size_t calls() const { return calls_.size(); }
  CallTiming timing(std::size_t call) const { return calls_[call].timing; }
  std::size_t effects() const { return effects_.size(); }
  std::size_t call_of(std::size_t effect) const { return effects_[effect].call; }
  const std::vector<State>& first() const { return first_; }

  Answered<State> ask(const State& state, std::size_t effect) {
    return answer(state, *effects_[effect].what, calls_[effects_[effect].call].text);
  }
  /// The struct of a dead mm that nobody holds is freed.
  std::vector<State> hidden(const State& state) {
    std::vector<State> all;
    for (unsigned mm = 0; mm < world_.bounds.mms; ++mm) {
      if (state.users[mm] != 0 || world_.held_elsewhere[mm]) continue;
      Answered<State> dropped;
      make(state, {CallKind::pasid_drop, {.mm = mm}}, Err::ok, 0, "", dropped);
      for (State& next : dropped.next) all.push_back(std::move(next));
    }
    return all;
  }

 private:
  struct Effect {
    std::size_t call;
    const SvaEffect* what;
  };

  /// The set-up does one thing more.
  void go_on(const SvaCall& call, const SvaEffect& effect) {
    std::vector<State> next;
    std::string reason;
    for (const State& state : first_) {
      Answered<State> answered = answer(state, effect, call.text);
      if (answered.excused) answered.reason = call.text + ": it breaks its contract";
      if (!answered.reason.empty()) reason = answered.reason;
      for (State& one : answered.next) next.push_back(std::move(one));
    }
    if (next.empty()) throw std::invalid_argument{reason};
    for (std::size_t i = 0; i < next.size(); ++i) {
      for (State& one : hidden(next[i])) {
        if (std::find(next.begin(), next.end(), one) == next.end()) next.push_back(std::move(one));
      }
    }
    first_ = std::move(next);
  }

  /// Adds where the call leads, if its answer is legal.
  void make(const State& from, const iommu::Call& call, Err err, unsigned value,
            const std::string& text, Answered<State>& to) {
    oracle_.restore(from.specification);
    const iommu::Judgement judgement = oracle_.judge(call, err, value);
    if (!judgement.broken_contract.empty()) {
      to.excused = true;
    } else if (judgement.legal) {
      to.next.push_back({oracle_.snapshot(), from.users});
    } else {
      to.reason = text + ": " + judgement.reason;
    }
  }

  Answered<State> answer(const State& state, const SvaEffect& effect, const std::string& text) {
    using Kind = SvaEffect::Kind;
    Answered<State> to;
    const std::uint32_t nomem = effect.nomem ? 1 : 0;
    const auto bond = [&](bool held) {
      oracle_.restore(state.specification);
      return oracle_.bond(effect.client, held);
    };
    switch (effect.kind) {
      case Kind::bind: {
        const auto slot = bond(false);
        if (!slot) throw std::invalid_argument{text + ": more bonds than the bounds have"};
        const iommu::Call call{CallKind::bind,
                               {.client = effect.client,
                                .bond = *slot,
                                .device = effect.device,
                                .mm = effect.mm,
                                .nomem = nomem}};
        const bool told = effect.err != Err::ok || effect.value != 0;
        const unsigned last = told ? effect.value : world_.bounds.pasids;
        for (unsigned pasid = told ? effect.value : 1; pasid <= last; ++pasid)
          make(state, call, effect.err, pasid, text, to);
        break;
      }
      case Kind::unbind: {
        const auto slot = bond(true);
        // Where nobody holds a bond, the call is not made.
        if (!slot) {
          to.reason = text + ": no bond is held";
          break;
        }
        make(state, {CallKind::unbind, {.client = effect.client, .bond = *slot}}, Err::ok, 0, text,
             to);
        break;
      }
      case Kind::may_have: {
        Answered<State> given;
        for (unsigned pasid = 1; pasid <= world_.bounds.pasids; ++pasid)
          make(state, {CallKind::pasid_alloc, {.mm = effect.mm}}, Err::ok, pasid, text, given);
        to.next = std::move(given.next);
        to.next.push_back(state);
        break;
      }
      case Kind::get:
        // Where nobody is left, the call is not made.
        if (state.users[effect.mm] == 0) {
          to.reason = text + ": the process has ended";
          break;
        }
        to.next.push_back(state);
        ++to.next.back().users[effect.mm];
        break;
      case Kind::put:
        if (state.users[effect.mm] == 0) {
          to.reason = text + ": the process has ended";
          break;
        }
        if (state.users[effect.mm] != 1) {
          to.next.push_back(state);
        } else {
          make(state, {CallKind::exit, {.mm = effect.mm}}, Err::ok, 0, text, to);
        }
        for (State& next : to.next) --next.users[effect.mm];
        break;
      case Kind::release:
        make(state, {CallKind::release_device, {.device = effect.device}}, Err::ok, 0, text, to);
        break;
    }
    return to;
  }

  const SvaWorld& world_;
  iommu::Oracle oracle_;
  std::span<const SvaCall> calls_;
  std::vector<Effect> effects_;
  std::vector<State> first_;
};

}  // namespace

Linearization linearize(const SvaWorld& world, std::span<const SvaCall> setup,
                        std::span<const SvaCall> calls) {
  return OrderSearch{BySvaSpecification{world, setup, calls}}.run();
}

}  // namespace iommucheck::conformance
