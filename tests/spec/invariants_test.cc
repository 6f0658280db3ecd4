// SPDX-License-Identifier: MIT
// Every invariant of the specification can fail: for each there is a mistake that breaks it.
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "spec/ioasid/spec_machine.h"
#include "tests/spec/explore.h"

namespace iommucheck::ioasid {
namespace {

using S = State<Concrete>;
using C = Context<Concrete>;

/// A mistake: a sentence that is not required, or a step that does something wrong.
struct Mistake {
  const char* invariant;
  Bounds bounds;
  const char* dropped = nullptr;
  std::function<void(S&, C&)> wrong_step = nullptr;
};

constexpr Bounds kSets{.ids = 2, .sets = 2, .data = 0, .clients = 1, .tokens = 1, .capacity = 2};
constexpr Bounds kOps{.ids = 1, .sets = 0, .data = 0, .clients = 1, .ops = 2};
constexpr Bounds kNotifier{
    .ids = 1, .sets = 1, .data = 0, .clients = 1, .notifiers = 1, .capacity = 1};
constexpr Bounds kOneSet{.ids = 2, .sets = 1, .data = 1, .clients = 1, .spids = 1, .capacity = 2};

const std::vector<Mistake>& mistakes() {
  constexpr const char* kAllocSet =
      "alloc_set succeeds only with a quota that is available and a token that is not taken";
  constexpr const char* kRegister =
      "register_allocator succeeds only for a new ops, with no ids of the default allocator out";
  static const std::vector<Mistake> kMistakes{
      {"quotas-balance", kSets, kAllocSet},
      {"quota-kept", kSets, "alloc succeeds only in a live set below its quota"},
      {"gone-set-is-clean", kSets,
       "set_get: the set is live and the client holds no reference on it"},
      {"live-set-is-held", kSets, nullptr,
       [](S& s, C& c) {  // the last reference is dropped and nothing happens
         c.require(s.set[0].life == SetLife::live);
         s.set[0].holders = 0;
       }},
      {"dying-set-has-ids", kSets, nullptr,
       [](S& s, C& c) {  // a set without ids waits for them
         c.require(s.set[0].life == SetLife::live && s.members_of(1) == 0U);
         s.set[0].life = SetLife::dying;
         s.set[0].token = 0;
         s.set[0].holders = 0;
       }},
      {"tokens-unique", kSets, kAllocSet},
      {"id-in-existing-set", kSets, nullptr,
       [](S& s, C& c) {  // a set goes before its last id
         c.require(s.set[0].life == SetLife::dying);
         s.set[0].life = SetLife::gone;
         s.set[0].quota = 0;
       }},
      {"free-id-is-clean", kOneSet, nullptr,
       [](S& s, C& c) {  // an id is freed and its spid stays
         c.require(s.id[0].state == IdState::idle && s.id[0].spid != 0U);
         s.id[0].state = IdState::free;
         s.id[0].owner = 0;
         s.id[0].set = 0;
       }},
      {"id-is-held", kOneSet, nullptr,
       [](S& s, C& c) {  // the last put does not free
         c.require(s.id[0].state == IdState::idle && s.id[0].holders == 0U);
         s.id[0].owner = 0;
       }},
      {"pending-id-is-referenced", kOneSet, nullptr,
       [](S& s, C& c) {  // free leaves an id that nobody refers to as free pending
         c.require(s.id[0].state == IdState::idle && s.id[0].holders == 0U);
         s.id[0].owner = 0;
         s.id[0].state = IdState::free_pending;
       }},
      {"dying-set-has-pending-ids", kSets, "alloc succeeds only in a live set below its quota"},
      {"state-tells-data", kOneSet, nullptr,
       [](S& s, C&) { s.id[0].data = 0; }},  // detach forgets the state
      {"spid-unique", kOneSet, "attach_spid succeeds only with an spid that is new in the set"},
      {"ids-of-active-allocator", kOps, kRegister},
      {"allocators-listed", kOps, kRegister},
      {"notifier-on-existing-chain", kNotifier, "register_notifier: the set is NULL or exists"},
  };
  return kMistakes;
}

/// The specification with one mistake.
class Mistaken : public SpecMachine<Concrete> {
 public:
  explicit Mistaken(const Mistake& m) : SpecMachine<Concrete>(m.bounds) {
    context.requirements.dropped = m.dropped;
    if (!m.wrong_step) return;
    code_.push_back({"mistake", "mistake", false, 0,
                     [this, step = m.wrong_step](unsigned) { step(spec().state, context); }});
    process({"mistake", 1, &code_, nullptr});
  }

  /// Names of the invariants that do not hold in this state.
  std::set<std::string> broken(const Packed& state) {
    std::set<std::string> names;
    std::copy(state.begin(), state.end(), context.words.begin());
    context.begin_step();
    for (const auto& property : properties()) {
      if (property.holds && !property.holds().bit()) names.insert(property.name);
    }
    return names;
  }

 private:
  Code code_;
};

TEST(Invariants, EachCanFail) {
  std::set<std::string> without_mistake;
  SpecMachine<Concrete> right{kSets};
  for (const auto& property : right.properties()) {
    if (property.holds) without_mistake.insert(property.name);
  }
  EXPECT_GE(without_mistake.size(), 16U);
  for (const Mistake& mistake : mistakes()) {
    SCOPED_TRACE(mistake.invariant);
    Mistaken machine{mistake};
    std::optional<Packed> witness;
    explore(machine, [&](const Packed& state) {
      if (machine.broken(state).contains(mistake.invariant)) witness = state;
      return witness.has_value();
    });
    ASSERT_TRUE(witness) << "the mistake does not break it";
    // An engine reports it, or another one that the same state breaks.
    const auto reported = broken_invariant(machine, *witness);
    ASSERT_TRUE(reported);
    const auto& name = machine.properties()[static_cast<std::size_t>(reported->property)].name;
    EXPECT_TRUE(machine.broken(*witness).contains(name));
    without_mistake.erase(mistake.invariant);
  }
  for (const std::string& name : without_mistake) ADD_FAILURE() << "no mistake breaks " << name;
}

TEST(Invariants, WithoutAMistakeNoneFails) {
  // Those of the mistakes.
  for (const Bounds& bounds : {kSets, kOps, kOneSet, kNotifier}) {
    Mistaken machine{{"", bounds}};
    explore(machine, [&](const Packed& state) {
      EXPECT_TRUE(machine.broken(state).empty()) << machine.schema.print(state);
      return false;
    });
  }
}

}  // namespace
}  // namespace iommucheck::ioasid
