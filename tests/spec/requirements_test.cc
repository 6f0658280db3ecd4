// SPDX-License-Identifier: MIT
// Every requirement and every precondition of the specification is needed: without it, some answer
// in some reachable state becomes legal (or some call becomes rightful) that was not.
#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>

#include "spec/ioasid/spec_machine.h"
#include "tests/spec/explore.h"

namespace iommucheck::ioasid {
namespace {

/// What has to be shown to be needed: a sentence, in a kind of call.
using Use = std::pair<CallKind, std::string>;

/// All sentences of a call, with given answers: the symbolic reading goes through every branch.
void collect(const Bounds& bounds, CallKind kind, std::set<Use>& uses) {
  TermArena arena;
  SpecMachine<Symbolic> machine{bounds};
  auto& context = machine.context;
  context.begin_step();
  const auto& fields = machine.schema.fields();
  for (std::size_t f = 0; f < fields.size(); ++f) {
    context.state[f] = arena.variable(fields[f].name, fields[f].max);
  }
  const auto any = [&](const char* name) {
    return Val<Symbolic>::from_word(arena.variable(name, kMaxField));
  };
  const Args<Symbolic> args{.client = any("client"),
                            .set = any("set"),
                            .id = any("id"),
                            .min = any("min"),
                            .max = any("max"),
                            .data = any("data"),
                            .token = any("token"),
                            .quota = any("quota"),
                            .ops = any("ops"),
                            .spid = any("spid"),
                            .nb = any("nb"),
                            .getter = any("getter"),
                            .take = any("take"),
                            .callback = any("callback"),
                            .nomem = any("nomem")};
  Reply<Symbolic> reply{context, any("err").as<Err>(), any("value")};
  reply.allocator = any("allocator");
  reply.getter_on = any("getter_on");
  reply.notified = any("notified");
  reply.generate = false;
  machine.spec().apply(kind, args, reply);
  for (const char* sentence : context.sentences()) uses.emplace(kind, sentence);
}

/// Runs single calls on given states, with or without one sentence.
class Bench {
 public:
  explicit Bench(const Bounds& bounds) : machine_(bounds) {
    machine_.context.requirements.contract = Contract::note;
  }
  struct Result {
    bool legal;
    const char* rejected;
    const char* contract_broken;
    Outcome outcome;
  };
  Result run(const Packed& state, const Call& call, const Outcome& outcome, bool generate,
             const char* dropped) {
    auto& context = machine_.context;
    std::copy(state.begin(), state.end(), context.words.begin());
    context.begin_step();
    context.clear_rejected();
    context.requirements.dropped = dropped;
    const auto& a = call.args;
    const Args<Concrete> args{.client = a.client,
                              .set = a.set,
                              .id = a.id,
                              .min = a.min,
                              .max = a.max,
                              .data = a.data,
                              .token = a.token,
                              .quota = a.quota,
                              .ops = a.ops,
                              .spid = a.spid,
                              .nb = a.nb,
                              .getter = a.getter,
                              .take = a.take,
                              .callback = a.callback,
                              .nomem = a.nomem};
    Reply<Concrete> reply{context, Val<Concrete>(outcome.err).as<Err>(), outcome.value};
    reply.generate = generate;
    reply.allocator = outcome.allocator;
    reply.getter_on = outcome.getter_on;
    reply.notified = outcome.notified;
    machine_.spec().apply(call.kind, args, reply);
    return {context.enabled(),
            context.rejected(),
            context.contract_broken(),
            {outcome.err, outcome.value, reply.allocator.value().word(),
             reply.getter_on.value().word(), reply.notified.value().word()}};
  }
  SpecMachine<Concrete>& machine() { return machine_; }

 private:
  SpecMachine<Concrete> machine_;
};

/// Looks for a witness of each use of a sentence, and takes out of `open` those that have one.
class WitnessSearch {
 public:
  WitnessSearch(const Bounds& bounds, std::set<Use>& open)
      : bounds_(bounds), bench_(bounds), open_(open) {}

  void run() {
    SpecMachine<Concrete> machine{bounds_};
    for (const Packed& state : explore(machine).states) {
      for (const CallKind kind : kinds_left()) {
        for_each_call(kind, bounds_, [&](const Call& call) { look_at(state, call); });
      }
    }
  }

 private:
  std::set<CallKind> kinds_left() const {
    std::set<CallKind> kinds;
    for (const auto& [kind, sentence] : open_) {
      if (in_scope(kind, bounds_)) kinds.insert(kind);
    }
    return kinds;
  }
  void look_at(const Packed& state, const Call& call) {
    for (std::uint32_t err = 0; err < kErrs; ++err) {
      for (std::uint32_t value = 0; value <= largest_value(call.kind, bounds_) + 1; ++value) {
        const Outcome asked{err, value, 0, 0, 0};
        const auto result = bench_.run(state, call, asked, true, nullptr);
        try_contract(state, call, asked, result.contract_broken);
        if (!result.legal) {
          try_requirement(state, call, asked, true, result.rejected);
          continue;
        }
        for (std::uint32_t Outcome::*effect :
             {&Outcome::allocator, &Outcome::getter_on, &Outcome::notified}) {
          Outcome wrong = result.outcome;
          wrong.*effect += 1;
          const auto given = bench_.run(state, call, wrong, false, nullptr);
          EXPECT_FALSE(given.legal && call.args.nomem == 0)
              << print(call) << ": " << print(call, wrong);
          if (!given.legal) try_requirement(state, call, wrong, false, given.rejected);
        }
      }
    }
  }
  void try_requirement(const Packed& state, const Call& call, const Outcome& outcome, bool generate,
                       const char* sentence) {
    ASSERT_NE(sentence, nullptr) << print(call);
    const Use use{call.kind, sentence};
    if (!open_.contains(use)) return;
    if (bench_.run(state, call, outcome, generate, sentence).legal) open_.erase(use);
  }
  void try_contract(const Packed& state, const Call& call, const Outcome& outcome,
                    const char* sentence) {
    if (sentence == nullptr) return;
    const Use use{call.kind, sentence};
    if (!open_.contains(use)) return;
    const auto without = bench_.run(state, call, outcome, true, sentence);
    if (without.contract_broken == nullptr) open_.erase(use);
  }

  Bounds bounds_;
  Bench bench_;
  std::set<Use>& open_;
};

TEST(Requirements, EachIsNeeded) {
  std::set<Use> open;
  for (const Bounds& bounds : small_bounds()) {
    for (unsigned k = 0; k < kCallKinds; ++k) {
      if (in_scope(static_cast<CallKind>(k), bounds))
        collect(bounds, static_cast<CallKind>(k), open);
    }
  }
  EXPECT_GT(open.size(), 150U);  // the collection itself works
  for (const Bounds& bounds : small_bounds()) WitnessSearch{bounds, open}.run();
  for (const auto& [kind, sentence] : open) {
    ADD_FAILURE() << "changes nothing when it is dropped from " << name(kind) << ": " << sentence;
  }
}

TEST(Requirements, DroppingOneChangesTheCountOfTransitions) {
  const Bounds bounds{.ids = 2, .sets = 1, .data = 0, .clients = 1, .capacity = 2};
  const auto transitions = [&](const char* dropped) {
    SpecMachine<Concrete> machine{bounds};
    machine.context.requirements.dropped = dropped;
    return explore(machine).transitions;
  };
  const std::uint64_t all = transitions(nullptr);
  EXPECT_EQ(transitions("no such sentence"), all);
  EXPECT_GT(transitions("alloc gives an id that nobody has"), all);
  EXPECT_GT(transitions("get: -EBUSY only for an id that is free pending"), all);
}

}  // namespace
}  // namespace iommucheck::ioasid
