// SPDX-License-Identifier: MIT
// Variables, records, arrays, locals and choices, concretely; names and numbers in both domains.
#include <gtest/gtest.h>

#include <set>

#include "core/machine.h"

namespace iommucheck {
namespace {

enum class Colour : std::uint8_t { red, green, blue };
std::string_view name(Colour c) {
  static constexpr std::array<std::string_view, 3> kNames{"red", "green", "blue"};
  return kNames.at(static_cast<std::size_t>(c));
}

template <class D>
struct Item : Record<D> {
  Item(Scope<D> scope, std::uint32_t max)
      : Record<D>(scope),
        colour(*this, "colour", 2, names_of<Colour>(3)),
        pair(*this, "pair", 2, max) {}
  Var<D, Colour> colour;
  Array<D, Var<D>> pair;
};

template <class D>
struct Things : Record<D> {
  explicit Things(Scope<D> scope)
      : Record<D>(scope), x(*this, "x", 5), f(*this, "f"), item(*this, "item", 3, 9U) {}
  Var<D> x;
  Flag<D> f;
  Array<D, Item<D>> item;
};

class Concretely : public testing::Test {
 protected:
  Concretely() { machine_.context.begin_step(); }
  Machine<Concrete> machine_;
  Things<Concrete> t_{machine_.root()};
  Context<Concrete>& c_ = machine_.context;
};

template <class D>
std::vector<std::string> names() {
  Machine<D> machine;
  Things<D> things{machine.root()};
  std::vector<std::string> result;
  for (const FieldInfo& f : machine.schema.fields()) result.push_back(f.name);
  return result;
}

TEST(State, FieldsHaveTheSameNamesInBothDomains) {
  TermArena arena;
  const std::vector<std::string> expected{"x",
                                          "f",
                                          "item[0].colour",
                                          "item[0].pair[0]",
                                          "item[0].pair[1]",
                                          "item[1].colour",
                                          "item[1].pair[0]",
                                          "item[1].pair[1]",
                                          "item[2].colour",
                                          "item[2].pair[0]",
                                          "item[2].pair[1]"};
  EXPECT_EQ(names<Concrete>(), expected);
  EXPECT_EQ(names<Symbolic>(), expected);
}

TEST_F(Concretely, ReadsWhatWasWritten) {
  t_.x = 5;
  t_.f = true;
  t_.item[1].colour = Colour::blue;
  t_.item[2].pair[1] = t_.x;
  t_.x -= 2;
  t_.x += 1;
  EXPECT_EQ(t_.x.value().word(), 4);
  EXPECT_TRUE((t_.item[1].colour == Colour::blue).bit());
  EXPECT_EQ(machine_.schema.print(machine_.context.words),
            "x=4 f=true item[1].colour=blue item[2].pair[1]=5");
  EXPECT_FALSE(c_.failed());
}

TEST_F(Concretely, AValueBeyondItsRangeFails) {
  t_.x = 3;
  t_.x = 6;
  EXPECT_TRUE(c_.failed());
  EXPECT_EQ(c_.failure().property, kInRange);
  EXPECT_EQ(t_.x.value().word(), 3);  // the neighbours are safe
}

TEST_F(Concretely, SubtractionBelowZeroFails) {
  t_.x -= 1;
  EXPECT_TRUE(c_.failed());
}

TEST_F(Concretely, AnIndexBeyondItsArrayFails) {
  t_.x = 3;
  EXPECT_EQ(t_.item[t_.x].colour.value().word(), 0);
  EXPECT_TRUE(c_.failed());
  EXPECT_STREQ(c_.failure().detail, "an index leaves its array");
}

TEST_F(Concretely, TheFirstFailureCounts) {
  const PropertyId mine = machine_.property("mine", "Mine.");
  c_.fail_unless(t_.x == 0U, mine, "not this");
  c_.fail(mine, "first");
  t_.x = 99;
  EXPECT_EQ(c_.failure().property, mine);
  EXPECT_STREQ(c_.failure().detail, "first");
}

TEST_F(Concretely, AStepThatIsNotEnabledDoesNotFail) {
  c_.require(t_.x == 1U, "x is 1");
  c_.fail(kInRange, "never seen");
  EXPECT_FALSE(c_.enabled());
  EXPECT_FALSE(c_.failed());
  EXPECT_STREQ(c_.rejected(), "x is 1");
}

TEST_F(Concretely, ContractsInTheirThreeMeanings) {
  c_.requirements.contract = Contract::guard;
  c_.contract(false, "promised");
  EXPECT_FALSE(c_.enabled());
  c_.begin_step();
  c_.requirements.contract = Contract::violate;
  c_.requirements.contract_kept = machine_.property("kept", "Kept.");
  c_.contract(false, "promised");
  EXPECT_TRUE(c_.failed());
  c_.begin_step();
  c_.requirements.contract = Contract::note;
  c_.contract(false, "promised");
  c_.contract(false, "also");
  EXPECT_TRUE(c_.enabled());
  EXPECT_STREQ(c_.contract_broken(), "promised");
}

TEST_F(Concretely, InLockstepARequirementIsAProperty) {
  c_.requirements.lockstep = true;
  c_.requirements.legal = machine_.property("legal", "Legal.");
  c_.require(false);  // without a sentence: a guard all the same
  EXPECT_FALSE(c_.enabled());
  c_.begin_step();
  c_.require(false, "legal answer");
  EXPECT_TRUE(c_.enabled());
  EXPECT_TRUE(c_.failed());
}

TEST_F(Concretely, DroppedRequirementsAreNotAsked) {
  c_.requirements.dropped = "dropped";
  c_.require(false, "dropped");
  c_.contract(false, "dropped");
  EXPECT_TRUE(c_.enabled());
  c_.require(false, "kept");
  EXPECT_FALSE(c_.enabled());
}

TEST_F(Concretely, ChoicesAreEnumerated) {
  std::multiset<std::uint32_t> seen;
  c_.begin_choices();
  do {
    c_.begin_step();
    const auto first = c_.choose(3);
    const auto none = c_.choose(1);
    // The second choice is there for one value of the first only.
    Local<Concrete> second{c_, 0};
    c_.when(first == 1U, [&] { second = c_.choose(2); });
    seen.insert(first.word() * 10U + second.value().word() + none.word());
  } while (c_.next_choices());
  EXPECT_EQ(seen, (std::multiset<std::uint32_t>{0, 10, 11, 20}));
}

TEST_F(Concretely, AChoiceOfNothingIsNotEnabled) {
  c_.choose(0);
  EXPECT_FALSE(c_.enabled());
}

TEST(State, SymbolicIndicesSelectElements) {
  TermArena arena;
  Machine<Symbolic> machine;
  Things<Symbolic> t{machine.root()};
  const auto& fields = machine.schema.fields();
  for (std::size_t f = 0; f < fields.size(); ++f) {
    machine.context.state[f] = arena.variable(fields[f].name, fields[f].max);
  }
  machine.context.begin_step();
  const Val<Symbolic> index = t.x;
  const Term read = t.item[index].pair[1].value().word();
  t.item[index].pair[0] = 7;
  // x = 1, item[1].pair = {2, 3}; the others are 0.
  std::vector<std::uint32_t> at(fields.size());
  at[0] = 1;
  at[6] = 2;
  at[7] = 3;
  EXPECT_EQ(evaluate(read, at), 3U);
  EXPECT_EQ(evaluate(machine.context.state[6], at), 7U);
  EXPECT_EQ(evaluate(machine.context.state[3], at), 0U);
  ASSERT_FALSE(machine.context.faults().empty());
  EXPECT_EQ(evaluate(machine.context.faults()[0].condition, at), 0U);
  at[0] = 3;
  EXPECT_EQ(evaluate(machine.context.faults()[0].condition, at), 1U);
}

}  // namespace
}  // namespace iommucheck
