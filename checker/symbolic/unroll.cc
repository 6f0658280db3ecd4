// SPDX-License-Identifier: MIT
// Steps as constraints between copies: what a step changes is stated under its bit, what no chosen
// step changes is stated once per field, so that no chain of choices over all steps is built.
#include "checker/symbolic/unroll.h"

namespace iommucheck::checker {

void add_initial(Solver& solver, const Relation& relation, unsigned to) {
  const Transition& initial = relation.initial();
  solver.add(solver.translate(initial.enabled, to));
  for (std::size_t f = 0; f < relation.state().size(); ++f) {
    solver.add(solver.equal(solver.translate(relation.state()[f], to),
                            solver.translate(initial.next[f], to)));
  }
}

std::vector<Solver::Expr> add_step(Solver& solver, const Relation& relation, unsigned from,
                                   unsigned to) {
  const std::vector<Term>& state = relation.state();
  std::vector<Solver::Expr> taken;
  std::vector<std::vector<Solver::Expr>> writers(state.size());
  const auto& transitions = relation.transitions();
  const Solver::Expr which = solver.below(static_cast<std::uint32_t>(transitions.size()));
  for (const Transition& t : transitions) {
    const Solver::Expr here =
        solver.equal(which, solver.number(static_cast<std::uint32_t>(taken.size())));
    taken.push_back(here);
    solver.add(solver.implies(here, solver.translate(t.enabled, from)));
    solver.add(solver.implies(here, solver.negate(solver.translate(t.faulty, from))));
    for (std::size_t f = 0; f < state.size(); ++f) {
      if (identical(t.next[f], state[f])) continue;
      writers[f].push_back(here);
      const Solver::Expr moved =
          solver.equal(solver.translate(state[f], to), solver.translate(t.next[f], from));
      solver.add(solver.implies(here, moved));
    }
  }
  for (std::size_t f = 0; f < state.size(); ++f) {
    std::vector<Solver::Expr> kept = writers[f];
    kept.push_back(solver.equal(solver.translate(state[f], to), solver.translate(state[f], from)));
    solver.add(solver.any(kept));
  }
  return taken;
}

}  // namespace iommucheck::checker
