// SPDX-License-Identifier: MIT
// The symbolic reading of a step against the concrete one: the same successors, the same failures.
#include <gtest/gtest.h>

#include "checker/symbolic/model.h"
#include "tests/checker/symbolic/ioasid.h"
#include "tests/checker/symbolic/search.h"

namespace iommucheck::checker {
namespace {

/// A transition from one concrete state, asked for everything that it leads to.
class From {
 public:
  From(const Relation& relation, const Transition& step, const PackedState& state)
      : relation_(relation),
        step_(step),
        solver_(relation.variables(), Solver::Mode::incremental),
        values_(relation.schema().unpack(state)) {
    for (std::size_t f = 0; f < values_.size(); ++f) {
      solver_.add(equal(relation.state()[f], values_[f]));
    }
    solver_.add(solver_.translate(step.enabled));
  }

  std::set<PackedState> next() {
    std::set<PackedState> all;
    const Solver::Expr sound[] = {solver_.negate(solver_.translate(step_.faulty))};
    while (solver_.check(sound) == Answer::sat) {
      all.insert(pack(relation_, solver_, step_.next, 0));
      check_evaluation();
      std::vector<Solver::Expr> other;
      for (const Term t : step_.next) {
        other.push_back(solver_.negate(equal(t, solver_.value(t))));
      }
      solver_.add(solver_.implies(sound[0], solver_.any(other)));
    }
    return all;
  }

  std::set<std::pair<PropertyId, std::string>> failures() {
    std::set<std::pair<PropertyId, std::string>> all;
    // The first fault counts: one question for each.
    Term none_yet = Symbolic::bit(true);
    for (const Fault& fault : step_.faults) {
      const Solver::Expr here[] = {solver_.translate(Symbolic::both(none_yet, fault.condition))};
      if (solver_.check(here) == Answer::sat) {
        const auto first = first_fault(solver_, step_, 0);
        EXPECT_TRUE(first && first->property == fault.failure.property);
        all.emplace(fault.failure.property, fault.failure.detail);
      }
      none_yet = Symbolic::both(none_yet, Symbolic::negate(fault.condition));
    }
    return all;
  }

 private:
  Solver::Expr equal(Term term, std::uint32_t value) {
    return solver_.equal(solver_.translate(term), solver_.number(value));
  }

  /// The model's choices, put into evaluate(), give the model's next state.
  void check_evaluation() {
    std::vector<std::uint32_t> assignment(relation_.variables().variables().size());
    for (std::size_t f = 0; f < values_.size(); ++f) {
      const TermNode* field = relation_.state()[f].node();
      if (field->op == Op::word_var) assignment[field->value] = values_[f];
    }
    for (const Term input : step_.inputs) assignment[input.node()->value] = solver_.value(input);
    EXPECT_EQ(evaluate(step_.enabled, assignment), 1U);
    EXPECT_EQ(evaluate(step_.faulty, assignment), 0U);
    for (const Term t : step_.next) EXPECT_EQ(evaluate(t, assignment), solver_.value(t));
  }

  const Relation& relation_;
  const Transition& step_;
  Solver solver_;
  std::vector<std::uint32_t> values_;
};

/// On every stride-th state of a walk, both readings of every step.
void expect_same_steps(const Both& both, unsigned steps, unsigned stride, unsigned seed = 1) {
  const auto machine = both.concrete();
  const Relation relation(both.symbolic);
  const std::vector<PackedState> path = walk(*machine, steps, seed);
  for (std::size_t i = 0; i < path.size(); i += stride) {
    Successors expected = successors(*machine, path[i]);
    for (const Transition& t : relation.transitions()) {
      From from(relation, t, path[i]);
      const std::string where =
          t.process + " " + t.label + " from " + machine->schema.print(path[i]);
      EXPECT_EQ(from.next(), expected.next[t.action]) << where;
      EXPECT_EQ(from.failures(), expected.failures[t.action]) << where;
      expected.next.erase(t.action);
      expected.failures.erase(t.action);
    }
    EXPECT_TRUE(expected.next.empty() && expected.failures.empty()) << "a step has no transition";
    for (const Invariant& invariant : relation.invariants()) {
      std::vector<std::uint32_t> assignment(relation.variables().variables().size());
      const auto values = relation.schema().unpack(path[i]);
      for (std::size_t f = 0; f < values.size(); ++f) {
        const TermNode* field = relation.state()[f].node();
        if (field->op == Op::word_var) assignment[field->value] = values[f];
      }
      std::copy(path[i].begin(), path[i].end(), machine->context.words.begin());
      const auto& property = machine->properties()[static_cast<std::size_t>(invariant.property)];
      EXPECT_EQ(evaluate(invariant.holds, assignment) != 0, property.holds().bit())
          << property.name << " in " << machine->schema.print(path[i]);
    }
  }
}

TEST(Relation, ReadsANumber) { expect_same_steps(both<Strider>(StriderOptions{}), 20, 1); }
TEST(Relation, ReadsAStepThatFails) { expect_same_steps(both<Climber>(6U), 9, 1); }
TEST(Relation, ReadsProgramCounters) {
  expect_same_steps(both<Threads>(3U, 2U, true), 40, 1);
  expect_same_steps(both<Threads>(2U, 3U, false), 20, 1);
}
TEST(Relation, ReadsIndicesThatArePartOfTheState) {
  for (unsigned seed = 1; seed <= 4; ++seed) expect_same_steps(both<Heap>(3U, 3U), 40, 2, seed);
}

TEST(Relation, ReadsEveryCall) {
  const ioasid::Bounds bounds{.ids = 2,
                              .sets = 1,
                              .data = 1,
                              .clients = 2,
                              .ops = 3,
                              .notifiers = 1,
                              .spids = 1,
                              .tokens = 1,
                              .capacity = 2};
  expect_same_steps(ioasid_spec(bounds), 60, 5);
}
TEST(Relation, ReadsCallsOnStaticSets) {
  const ioasid::Bounds bounds{.ids = 3,
                              .sets = 2,
                              .data = 2,
                              .clients = 1,
                              .capacity = 0,
                              .static_sets = true,
                              .references = false};
  expect_same_steps(ioasid_spec(bounds), 60, 5, 2);
}

TEST(Relation, NamesWhatItRead) {
  const Relation relation(both<Threads>(2U, 2U, true).symbolic);
  ASSERT_EQ(relation.transitions().size(), 6U);
  const Transition& t = relation.transitions()[3];
  EXPECT_EQ(t.action, (ActionId{1, 0}));
  EXPECT_EQ(t.process, "thread 1");
  EXPECT_EQ(t.label, "test lock");
  ASSERT_EQ(t.inputs.size(), 1U);
  EXPECT_EQ(choice_name(relation, t.inputs[0]), "way");
  EXPECT_EQ(relation.invariants().size(), 2U);
}

TEST(Relation, LeavesOutStepsThatAreNeverEnabled) {
  const Relation relation(both<Climber>(6U).symbolic);
  ASSERT_EQ(relation.transitions().size(), 1U);
  EXPECT_EQ(relation.transitions()[0].action, (ActionId{0, 1}));
}

TEST(Relation, RefusesToBuildTermsInAnotherArena) {
  const Relation outer(both<Strider>(StriderOptions{}).symbolic);
  const Relation inner(both<Strider>(StriderOptions{}).symbolic);
  EXPECT_THROW(outer.holds_in(outer.invariants()[0], outer.state()), std::logic_error);
  EXPECT_NO_THROW(inner.holds_in(inner.invariants()[0], inner.state()));
}

}  // namespace
}  // namespace iommucheck::checker
