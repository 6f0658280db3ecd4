// SPDX-License-Identifier: MIT
// Following the states that the specification of domains may be in.
#include "conformance/iommu_history.h"

#include <fmt/format.h>

#include "conformance/order_search.h"

namespace iommucheck::conformance {
namespace {

using iommu::CallKind;
using iommu::Err;

class ByIommuSpecification {
 public:
  struct State {
    iommu::Oracle::Snapshot specification;
    std::vector<unsigned> users;   ///< of each mm
    std::vector<unsigned> tables;  ///< the specification's number of each domain; 0: none
    friend bool operator==(const State&, const State&) = default;
  };

  ByIommuSpecification(const IommuWorld& world, std::span<const IommuCall> setup,
                       std::span<const IommuCall> calls)
      : world_{world}, oracle_{world.bounds}, calls_{calls} {
    for (std::size_t call = 0; call < calls.size(); ++call) {
      for (const IommuEffect& effect : calls[call].effects) effects_.push_back({call, &effect});
    }
    unsigned domains = 0;
    const auto count = [&](const IommuCall& call) {
      for (const IommuEffect& effect : call.effects) domains = std::max(domains, effect.domain);
    };
    std::ranges::for_each(setup, count);
    std::ranges::for_each(calls, count);
    first_.push_back({oracle_.snapshot(), world.users, std::vector<unsigned>(domains + 1)});
    for (const IommuCall& call : setup) {
      for (const IommuEffect& effect : call.effects) go_on(call, effect);
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
    const IommuEffect* what;
  };

  /// The set-up does one thing more.
  void go_on(const IommuCall& call, const IommuEffect& effect) {
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
    const auto judgement = oracle_.judge(call, err, value);
    if (!judgement.broken_contract.empty()) {
      to.excused = !world_.keeps_contracts;
      if (world_.keeps_contracts) to.reason = text + ": " + judgement.broken_contract;
    } else if (judgement.legal) {
      to.next.push_back({oracle_.snapshot(), from.users, from.tables});
    } else {
      to.reason = text + ": " + judgement.reason;
    }
  }

  Answered<State> answer(const State& state, const IommuEffect& effect, const std::string& text) {
    using Kind = IommuEffect::Kind;
    Answered<State> to;
    switch (effect.kind) {
      case Kind::call: call(state, effect, text, to); break;
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
    }
    return to;
  }

  void call(const State& state, const IommuEffect& effect, const std::string& text,
            Answered<State>& to) {
    iommu::Call call{effect.call,
                     {.client = effect.client,
                      .device = effect.device,
                      .pasid = effect.pasid,
                      .table = state.tables[effect.domain],
                      .mm = effect.mm,
                      .nomem = effect.nomem ? 1U : 0U}};
    const bool succeeds = effect.err == Err::ok;
    if (effect.call == CallKind::bind || effect.call == CallKind::unbind) {
      const bool binds = effect.call == CallKind::bind;
      oracle_.restore(state.specification);
      const auto slot = oracle_.bond(effect.client, !binds);
      if (!slot && binds) throw std::invalid_argument{text + ": more bonds than the bounds have"};
      // Where nobody holds a bond, the call is not made.
      if (!slot) {
        to.reason = text + ": no bond is held";
        return;
      }
      call.args.bond = *slot;
      const bool told = !binds || !succeeds || effect.value != 0;
      const unsigned last = told ? effect.value : world_.bounds.pasids;
      for (unsigned pasid = told ? effect.value : 1; pasid <= last; ++pasid)
        make(state, call, effect.err, pasid, text, to);
      return;
    }
    const bool gives =
        effect.call == CallKind::domain_alloc || effect.call == CallKind::change_default_domain;
    if (!gives || !succeeds) {
      make(state, call, effect.err, 0, text, to);
      return;
    }
    // Tables that are not there are alike: the first one will do.
    for (unsigned table = 1; table <= world_.bounds.tables && to.next.empty(); ++table) {
      make(state, call, Err::ok, table, text, to);
      for (State& next : to.next) {
        if (effect.call == CallKind::domain_alloc) next.tables[effect.domain] = table;
      }
    }
    if (!to.next.empty()) to.reason.clear();
  }

  const IommuWorld& world_;
  iommu::Oracle oracle_;
  std::span<const IommuCall> calls_;
  std::vector<Effect> effects_;
  std::vector<State> first_;
};

}  // namespace

Linearization linearize(const IommuWorld& world, std::span<const IommuCall> setup,
                        std::span<const IommuCall> calls) {
  return OrderSearch{ByIommuSpecification{world, setup, calls}}.run();
}

}  // namespace iommucheck::conformance
