// SPDX-License-Identifier: MIT
// Per step, one query whether it can be taken and one for all properties at once; only where that
// fails, one per property.
#include "checker/symbolic/induction.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "checker/symbolic/model.h"
#include "checker/symbolic/obligation.h"

namespace iommucheck::checker {
namespace {

class Prover {
 public:
  Prover(const Relation& relation, const InductionOptions& options)
      : relation_(relation), options_(options) {
    const auto& properties = relation.machine().properties();
    for (std::size_t i = 0; i < properties.size(); ++i) {
      const auto id = static_cast<PropertyId>(i);
      if (id == relation.machine().deadlock || !relation.machine().context.checked(id)) continue;
      result_.properties.push_back({id, properties[i].name, Verdict::proved, {}, {}});
    }
  }

  Induction run() {
    const auto start = std::chrono::steady_clock::now();
    for (const Obligation& o : obligations(relation_)) discharge(o);
    result_.verdict = Verdict::proved;
    for (const PropertyProof& p : result_.properties) {
      if (p.verdict == Verdict::violated) result_.verdict = Verdict::violated;
      if (p.verdict == Verdict::unknown && result_.verdict == Verdict::proved) {
        result_.verdict = Verdict::unknown;
      }
    }
    result_.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return std::move(result_);
  }

 private:
  void discharge(const Obligation& o) {
    ++result_.steps;
    Solver solver(relation_.variables(), Solver::Mode::one_shot, options_.query_seconds);
    for (const Term t : o.assumptions) solver.add(solver.translate(t));
    if (ask(solver, Symbolic::bit(true)) == Answer::unsat) {
      result_.impossible.push_back(o.name);
      return;
    }
    const Term all = some_goal(relation_, o);
    if (is_constant(all, false)) {
      ++result_.trivial;
      return;
    }
    if (ask(solver, all) == Answer::unsat) return;
    for (const Goal& goal : o.goals) {
      if (is_constant(goal.broken, false)) continue;
      switch (ask(solver, goal.broken)) {
        case Answer::unsat: break;
        case Answer::sat: failed(o, goal, solver); break;
        case Answer::unknown: gave_up(o, goal, solver.reason()); break;
      }
    }
  }

  Answer ask(Solver& solver, Term goal) {
    ++result_.queries;
    const Solver::Expr also[] = {solver.translate(goal)};
    return solver.check(also);
  }

  PropertyProof& proof_of(PropertyId property) {
    return *std::find_if(result_.properties.begin(), result_.properties.end(),
                         [&](const PropertyProof& p) { return p.property == property; });
  }

  void failed(const Obligation& o, const Goal& goal, Solver& solver) {
    const Transition& step = *o.step;
    InductionFailure f;
    f.base = o.base;
    f.action = step.action;
    f.program = step.program;
    f.label = step.label;
    // The set-up runs on the state without a past.
    f.before = o.base ? PackedState(relation_.schema().words()) : state_of(solver, relation_, 0);
    f.after = pack(relation_, solver, step.next, 0);
    f.changes = relation_.schema().diff(f.before, f.after);
    for (const Term input : step.inputs) {
      f.choices.emplace_back(choice_name(relation_, input), solver.value(input));
    }
    f.failure =
        first_fault(solver, step, 0, goal.property)
            .value_or(Failure{goal.property, relation_.property(goal.property).sentence.c_str()});
    PropertyProof& proof = proof_of(goal.property);
    proof.failures.push_back(std::move(f));
    if (o.base) {
      proof.verdict = Verdict::violated;
    } else if (proof.verdict != Verdict::violated) {
      proof.verdict = Verdict::unknown;
      add_reason(proof, fmt::format("not inductive: {} does not keep it", o.name));
    }
  }

  void gave_up(const Obligation& o, const Goal& goal, const std::string& why) {
    PropertyProof& proof = proof_of(goal.property);
    if (proof.verdict == Verdict::proved) proof.verdict = Verdict::unknown;
    add_reason(proof, fmt::format("no answer for {} ({}): allow more time per query", o.name, why));
  }

  static void add_reason(PropertyProof& proof, const std::string& text) {
    proof.reason += (proof.reason.empty() ? "" : "; ") + text;
  }

  const Relation& relation_;
  InductionOptions options_;
  Induction result_;
};

}  // namespace

Induction prove_by_induction(const Relation& relation, const InductionOptions& options) {
  return Prover(relation, options).run();
}

}  // namespace iommucheck::checker
