// SPDX-License-Identifier: MIT
// Relation: a machine as formulas: initial states, one transition per process and step, invariants.
//
// Built once from a Machine<Symbolic>, whose arena it owns.  A relation belongs to one thread, and
// relations end in the reverse order of their making, as local variables do (core/term.h).
#ifndef IOMMUCHECK_CHECKER_RELATION_RELATION_H
#define IOMMUCHECK_CHECKER_RELATION_RELATION_H

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/machine.h"

namespace iommucheck::checker {

using SymbolicFactory = std::function<std::unique_ptr<Machine<Symbolic>>()>;
using Fault = Context<Symbolic>::Fault;

/// One step of one process, over the variables of Relation::state() and its own inputs.
struct Transition {
  ActionId action;
  std::string process, program, label;
  Term enabled;               ///< the program counter's condition included
  std::vector<Term> next;     ///< per field; meaningful where the step is enabled and not faulty
  std::vector<Fault> faults;  ///< in the order in which the step runs into them
  std::vector<Term> inputs;   ///< what choose() gave
  Term faulty;                ///< some fault's condition holds
  Term waits_on;              ///< where it is not enabled: processes that could change that
  bool entry = false;         ///< a step that an idle process begins with
};

/// A property of states, over Relation::state().
struct Invariant {
  PropertyId property{};
  Term holds;
};

class Relation {
 public:
  explicit Relation(const SymbolicFactory& factory);

  /// One term per field of the schema: a variable, or 0 for a field that can only be 0.
  const std::vector<Term>& state() const { return state_; }
  /// Of each process: its program counter's variable, or nothing where it has none.
  const std::vector<Term>& program_counters() const { return program_counters_; }
  /// The set-up as a step from nowhere: its terms mention its inputs only.
  const Transition& initial() const { return initial_; }
  /// Without those that are never enabled and wait for nobody.  Ordered by action.
  const std::vector<Transition>& transitions() const { return transitions_; }
  /// The checked properties with a `holds`, in the order of their declaration.
  const std::vector<Invariant>& invariants() const { return invariants_; }
  /// Where nothing has to happen any more: nothing, where deadlocks are not looked for.
  Term may_rest() const { return may_rest_; }
  /// An invariant of the state that `values` (one term per field) describe.
  Term holds_in(const Invariant& invariant, const std::vector<Term>& values) const;

  const Machine<Symbolic>& machine() const { return *machine_; }
  const Schema& schema() const { return machine_->schema; }
  const Property<Symbolic>& property(PropertyId id) const {
    return machine_->properties().at(static_cast<std::size_t>(id));
  }
  /// For building terms over the relation's variables.  Throws std::logic_error when another arena
  /// is current, as terms would end up there.
  TermArena& arena() const;
  const TermArena& variables() const { return *arena_; }

 private:
  Transition run(const std::vector<Term>& from, const std::function<Term()>& step);

  std::unique_ptr<TermArena> arena_;  // first: the machine is built in it
  std::unique_ptr<Machine<Symbolic>> machine_;
  std::vector<Term> state_, program_counters_;
  Transition initial_;
  std::vector<Transition> transitions_;
  std::vector<Invariant> invariants_;
  Term may_rest_;
};

/// The bit that is always true, or always false.
bool is_constant(Term bit, bool value);

}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_CHECKER_RELATION_RELATION_H
