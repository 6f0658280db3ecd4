// SPDX-License-Identifier: MIT
// Oracle: runs the specification's relation over answers that are given, and over candidates.
#include "spec/ioasid/oracle.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "spec/ioasid/invariants.h"
#include "spec/ioasid/spec.h"

namespace iommucheck::ioasid {
namespace {

using Plain = Arguments<std::uint32_t>;

/// A number as the Concrete domain can hold it: what is too large stays too large for everything.
Val<Concrete> value_of(std::uint32_t number) { return std::min(number, 0xffffU); }

Args<Concrete> values_of(const Plain& a) {
  return {.client = value_of(a.client),
          .set = value_of(a.set),
          .id = value_of(a.id),
          .min = value_of(a.min),
          .max = value_of(a.max),
          .data = value_of(a.data),
          .token = value_of(a.token),
          .quota = value_of(a.quota),
          .ops = value_of(a.ops),
          .spid = value_of(a.spid),
          .nb = value_of(a.nb),
          .getter = value_of(a.getter),
          .take = value_of(a.take),
          .callback = value_of(a.callback),
          .nomem = value_of(a.nomem)};
}

/// The range of an argument within bounds; ids and the like may lie beyond the space.
std::pair<std::uint32_t, std::uint32_t> range_of(std::uint32_t Plain::*field, CallKind kind,
                                                 const Bounds& b) {
  if (field == &Plain::client) return {0, b.clients - 1};
  if (field == &Plain::set) return {0, b.sets};
  if (field == &Plain::data) return {0, b.data};
  if (field == &Plain::token) return {0, b.tokens};
  if (field == &Plain::ops) return {1, b.ops};
  if (field == &Plain::spid) return {0, b.spids};
  if (field == &Plain::nb) return {1, b.notifiers};
  if (field == &Plain::getter) return {0, 2};
  if (field == &Plain::quota && kind == CallKind::install_capacity) return {0, b.capacity};
  return {0, 0xffffffff};
}

bool same(const Outcome& a, const Outcome& b) {
  const auto key = [](const Outcome& o) {
    return std::tuple{o.err, o.value, o.allocator, o.getter_on, o.notified};
  };
  return key(a) == key(b);
}

}  // namespace

struct Oracle::Impl {
  Impl(const Bounds& bounds, Effects e) : spec(machine.root(), bounds), effects(e) {
    Invariants<Concrete>::declare(machine, spec.state);
    machine.context.requirements.contract = Contract::note;
    initial_words();
  }

  void initial_words() {
    machine.context.begin_step();
    spec.set_up();
    in_contract = true;
  }
  StateView words() const { return {machine.context.words.data(), machine.schema.words()}; }

  /// Applies the call; true if the answer is legal.  The caller restores the state if it is not.
  bool apply(const Call& call, Reply<Concrete>& reply) {
    auto& context = machine.context;
    context.begin_step();
    context.clear_rejected();
    reply.compare_allocator = effects.allocator;
    reply.compare_getter = effects.getter;
    reply.compare_notified = effects.notified;
    spec.apply(call.kind, values_of(call.args), reply);
    return context.enabled();
  }
  Reply<Concrete> reply_of(std::uint32_t err, std::uint32_t value) {
    return {machine.context, value_of(err).as<Err>(), value_of(value)};
  }
  bool apply_given(const Call& call, const Outcome& outcome) {
    Reply<Concrete> reply = reply_of(outcome.err, outcome.value);
    reply.allocator = value_of(outcome.allocator);
    reply.getter_on = value_of(outcome.getter_on);
    reply.notified = value_of(outcome.notified);
    reply.generate = false;
    return apply(call, reply);
  }

  /// The outcome with the effects that follow, if it is legal; the state stays.
  std::optional<Outcome> settle(const Call& call, Err err, unsigned value) {
    const auto before = machine.context.words;
    Reply<Concrete> reply = reply_of(static_cast<std::uint32_t>(err), value);
    const bool legal = apply(call, reply);
    machine.context.words = before;
    if (!legal) return std::nullopt;
    return Outcome{static_cast<std::uint32_t>(err), value, reply.allocator.value().word(),
                   reply.getter_on.value().word(), reply.notified.value().word()};
  }

  Machine<Concrete> machine;
  Spec<Concrete> spec;
  Effects effects;
  bool in_contract = true;
};

Oracle::Oracle(const Bounds& bounds, Effects effects)
    : impl_(std::make_unique<Impl>(bounds, effects)) {}
Oracle::Oracle(const Oracle& other) : Oracle(other.bounds(), other.impl_->effects) {
  impl_->machine.context.requirements = other.impl_->machine.context.requirements;
  restore(other.snapshot());
}
Oracle& Oracle::operator=(const Oracle& other) {
  if (this != &other) *this = Oracle{other};
  return *this;
}
Oracle::Oracle(Oracle&&) noexcept = default;
Oracle& Oracle::operator=(Oracle&&) noexcept = default;
Oracle::~Oracle() = default;

const Bounds& Oracle::bounds() const { return impl_->spec.state.bounds; }
bool Oracle::in_contract() const { return impl_->in_contract; }

bool Oracle::accepts(const Call& call) const {
  if (static_cast<unsigned>(call.kind) >= kCallKinds || !in_scope(call.kind, bounds()))
    return false;
  return std::ranges::all_of(arguments(call.kind), [&](const ArgumentInfo& argument) {
    const auto [low, high] = range_of(argument.field, call.kind, bounds());
    const std::uint32_t value = call.args.*argument.field;
    return value >= low && value <= high;
  });
}

Judgement Oracle::judge(const Call& call, const Outcome& outcome) {
  Judgement judgement;
  if (!accepts(call)) {
    judgement.legal = false;
    judgement.reason = "the call is within the bounds of the specification";
    return judgement;
  }
  auto& context = impl_->machine.context;
  const auto before = context.words;
  judgement.legal = impl_->apply_given(call, outcome);
  if (context.contract_broken() != nullptr) {
    judgement.contract_kept = false;
    judgement.broken_contract = context.contract_broken();
  }
  if (!judgement.legal) {
    if (context.rejected() != nullptr) judgement.reason = context.rejected();
    context.words = before;
    return judgement;
  }
  impl_->in_contract = impl_->in_contract && judgement.contract_kept;
  if (!impl_->in_contract) return judgement;
  const auto error = [&](const char* sentence) {
    return SpecificationError(fmt::format("the specification breaks \"{}\" by {} = {} in state {}",
                                          sentence, print(call), print(call, outcome),
                                          print_state()));
  };
  if (context.failed()) throw error(context.failure().detail);
  // Looking at invariants does not change the state, but the machine copies what it is given.
  const std::vector<std::uint64_t> after(words().begin(), words().end());
  if (const auto broken = broken_invariant(impl_->machine, after)) throw error(broken->detail);
  return judgement;
}

std::string Oracle::contract_broken_by(const Call& call) const {
  if (!accepts(call)) return "the call is within the bounds of the specification";
  auto& context = impl_->machine.context;
  const auto before = context.words;
  // Preconditions do not depend on the answer; every call can answer ok.
  Reply<Concrete> reply = impl_->reply_of(static_cast<std::uint32_t>(Err::ok), 0);
  impl_->apply(call, reply);
  context.words = before;
  return context.contract_broken() == nullptr ? "" : context.contract_broken();
}

std::vector<Outcome> Oracle::legal_outcomes(const Call& call) const {
  std::vector<Outcome> legal;
  if (!accepts(call)) return legal;
  const auto add = [&](const Outcome& outcome) {
    if (std::ranges::none_of(legal, [&](const Outcome& o) { return same(o, outcome); })) {
      legal.push_back(outcome);
    }
  };
  for (const Err err : answers(call.kind)) {
    for (unsigned value = 0; value <= largest_value(call.kind, bounds()); ++value) {
      const auto settled = impl_->settle(call, err, value);
      if (!settled) continue;
      add(*settled);
      // Under failing memory it is open whether the callback ran; all else is settled.
      for (unsigned ops = 0; impl_->effects.allocator && ops <= bounds().ops; ++ops) {
        Outcome other = *settled;
        other.allocator = ops;
        const auto before = impl_->machine.context.words;
        if (impl_->apply_given(call, other)) add(other);
        impl_->machine.context.words = before;
      }
    }
  }
  return legal;
}

std::optional<Outcome> Oracle::first_legal(const Call& call) const {
  if (!accepts(call)) return std::nullopt;
  for (const Err err : answers(call.kind)) {
    for (unsigned value = 0; value <= largest_value(call.kind, bounds()); ++value) {
      if (const auto settled = impl_->settle(call, err, value)) return settled;
    }
  }
  return std::nullopt;
}

std::string Oracle::print_allowed(const Call& call) const {
  const auto legal = legal_outcomes(call);
  std::vector<std::string> words;
  for (std::size_t i = 0; i < legal.size(); ++i) {
    // A run of values with the same effects reads as a range.
    std::size_t last = i;
    const auto follows = [&](Outcome o) {
      o.value += static_cast<std::uint32_t>(last + 1 - i);
      return same(o, legal[last + 1]);
    };
    while (last + 1 < legal.size() && follows(legal[i])) ++last;
    if (last < i + 3) {
      words.push_back(print(call, legal[i]));
    } else {
      const Outcome first{legal[i].err, legal[i].value};
      words.push_back(print(call, first) + " .. " + print(call, legal[last]));
      i = last;
    }
  }
  if (words.empty()) return "nothing";
  std::string text = words.front();
  for (std::size_t i = 1; i < words.size(); ++i) {
    text += (i + 1 == words.size() ? " or " : ", ") + words[i];
  }
  return text;
}

void Oracle::reset() {
  impl_->machine.context.words.fill(0);
  impl_->initial_words();
}
Oracle::Snapshot Oracle::snapshot() const {
  return {{words().begin(), words().end()}, impl_->in_contract};
}
void Oracle::restore(const Snapshot& snapshot) {
  std::ranges::copy(snapshot.words, impl_->machine.context.words.begin());
  impl_->in_contract = snapshot.in_contract;
}
StateView Oracle::words() const { return impl_->words(); }
std::string Oracle::print_state() const { return impl_->machine.schema.print(words()); }
void Oracle::drop(const char* sentence) { impl_->machine.context.requirements.dropped = sentence; }

}  // namespace iommucheck::ioasid
