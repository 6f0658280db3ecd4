// SPDX-License-Identifier: MIT
// Runs every step of a symbolic machine once, from a state of variables.
#include "checker/relation/relation.h"

#include <stdexcept>

namespace iommucheck::checker {

bool is_constant(Term bit, bool value) {
  const TermNode* node = bit.node();
  if (node == nullptr) return !value;
  return node->op == Op::bit_const && (node->value != 0) == value;
}

namespace {

/// A step that is never enabled still says whom its process waits for.
bool may_wait(const Transition& t) {
  const TermNode* waits = t.waits_on.node();
  return waits != nullptr && !(waits->op == Op::word_const && waits->value == 0);
}

}  // namespace

Relation::Relation(const SymbolicFactory& factory)
    : arena_(std::make_unique<TermArena>()), machine_(factory()) {
  auto& context = machine_->context;
  const auto& fields = machine_->schema.fields();
  for (const FieldInfo& field : fields) {
    state_.push_back(field.max == 0 ? arena_->word(0) : arena_->variable(field.name, field.max));
  }

  initial_ = run(std::vector<Term>(fields.size(), arena_->word(0)), [this] {
    machine_->initial();
    return Symbolic::bit(true);
  });
  initial_.program = "initial";

  const auto& processes = machine_->processes();
  for (std::uint16_t p = 0; p < processes.size(); ++p) {
    const Process<Symbolic>& process = processes[p];
    context.state = state_;
    program_counters_.push_back(process.pc == nullptr ? Term{} : process.pc->value().word());
    for (std::uint16_t s = 0; s < process.code->size(); ++s) {
      const StepCode& step = (*process.code)[s];
      // The same order as in expand() (core/machine.h): the program counter moves, the step runs.
      Transition t = run(state_, [&] {
        Term here = Symbolic::bit(true);
        if (process.pc != nullptr) {
          const Val<Symbolic> pc = process.pc->value();
          here = (pc == s + 1U || (Bool<Symbolic>(step.entry) && pc == 0U)).bit();
          *process.pc = step.next;
        }
        step.run(process.self);
        return here;
      });
      if (is_constant(t.enabled, false) && !may_wait(t)) continue;
      t.action = {p, s};
      t.process = process.name;
      t.program = step.program;
      t.label = step.label;
      t.entry = step.entry;
      transitions_.push_back(std::move(t));
    }
  }

  const auto& properties = machine_->properties();
  for (std::size_t i = 0; i < properties.size(); ++i) {
    if (!properties[i].holds || !context.checked(static_cast<PropertyId>(i))) continue;
    context.state = state_;
    context.begin_step();
    invariants_.push_back({static_cast<PropertyId>(i), properties[i].holds().bit()});
  }
  if (machine_->deadlock && context.checked(*machine_->deadlock)) {
    context.state = state_;
    context.begin_step();
    may_rest_ = machine_->may_rest().bit();
  }
}

Transition Relation::run(const std::vector<Term>& from, const std::function<Term()>& step) {
  auto& context = machine_->context;
  context.state = from;
  context.begin_step();
  const Term here = step();
  Transition t;
  t.enabled = Symbolic::both(here, context.enabled());
  t.next = context.state;
  t.faults = context.faults();
  t.inputs = context.inputs();
  t.waits_on = context.waits_on();
  t.faulty = Symbolic::bit(false);
  for (const Fault& fault : t.faults) t.faulty = Symbolic::either(t.faulty, fault.condition);
  return t;
}

Term Relation::holds_in(const Invariant& invariant, const std::vector<Term>& values) const {
  arena();
  auto& context = machine_->context;
  context.state = values;
  context.begin_step();
  return property(invariant.property).holds().bit();
}

TermArena& Relation::arena() const {
  if (&TermArena::current() != arena_.get()) {
    throw std::logic_error("a relation builds terms while a later arena is alive on this thread");
  }
  return *arena_;
}

}  // namespace iommucheck::checker
