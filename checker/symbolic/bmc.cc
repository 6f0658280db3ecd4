// SPDX-License-Identifier: MIT
// One more copy of the transition relation for each depth, in one solver that keeps what it
// learned.
#include "checker/symbolic/bmc.h"

#include <fmt/format.h>

#include <chrono>

#include "checker/symbolic/model.h"
#include "checker/symbolic/unroll.h"

namespace iommucheck::checker {
namespace {

class Search {
 public:
  Search(const Relation& relation, const BoundedOptions& options)
      : relation_(relation),
        options_(options),
        solver_(relation.variables(), Solver::Mode::incremental, options.query_seconds) {}

  BoundedCheck run() {
    const auto start = std::chrono::steady_clock::now();
    search();
    result_.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return std::move(result_);
  }

 private:
  /// Lengths in order: a broken invariant of copy d and a failing step from copy d - 1 both end a
  /// path of d steps.
  void search() {
    add_initial(solver_, relation_, 0);
    for (unsigned d = 0;; ++d) {
      if (!ask(broken_invariants(d), d, &Search::found_state)) return;
      result_.depth = d;
      if (d == options_.depth) {
        result_.verdict = Verdict::holds;
        return;
      }
      if (!ask(failing_steps(d), d + 1, &Search::found_step)) return;
      taken_.push_back(add_step(solver_, relation_, d, d + 1));
    }
  }

  bool wanted(PropertyId property) const {
    return !options_.property || *options_.property == property;
  }

  std::vector<Solver::Expr> broken_invariants(unsigned copy) {
    std::vector<Solver::Expr> broken;
    for (const Invariant& invariant : relation_.invariants()) {
      if (!wanted(invariant.property)) continue;
      broken.push_back(solver_.negate(solver_.translate(invariant.holds, copy)));
    }
    return broken;
  }

  std::vector<Solver::Expr> failing_steps(unsigned copy) {
    std::vector<Solver::Expr> failing;
    for (const Transition& t : relation_.transitions()) {
      Term faulty = Symbolic::bit(false);
      for (const Fault& fault : faults_of(t)) faulty = Symbolic::either(faulty, fault.condition);
      failing.push_back(solver_.translate(Symbolic::both(t.enabled, faulty), copy));
    }
    return failing;
  }

  /// With options.property, only its faults.
  std::vector<Fault> faults_of(const Transition& t) const {
    std::vector<Fault> faults;
    for (const Fault& fault : t.faults) {
      if (wanted(fault.failure.property)) faults.push_back(fault);
    }
    return faults;
  }

  /// Whether to go on.
  bool ask(const std::vector<Solver::Expr>& bad, unsigned length, void (Search::*found)(unsigned)) {
    if (bad.empty()) return true;
    const Solver::Expr also[] = {solver_.any(bad)};
    ++result_.queries;
    switch (solver_.check(also)) {
      case Answer::unsat: solver_.add(solver_.negate(also[0])); return true;
      case Answer::sat:
        result_.verdict = Verdict::violated;
        (this->*found)(length);
        return false;
      case Answer::unknown: break;
    }
    result_.reason =
        fmt::format("no answer about paths of {} steps ({}): allow more time per query", length,
                    solver_.reason());
    return false;
  }

  Path path_of(unsigned states) {
    Path path;
    path.initial = state_of(solver_, relation_, 0);
    for (unsigned d = 0; d < states; ++d) {
      path.steps.push_back({action_of(d), state_of(solver_, relation_, d + 1)});
    }
    return path;
  }

  ActionId action_of(unsigned d) {
    for (std::size_t t = 0; t < taken_[d].size(); ++t) {
      if (solver_.value(taken_[d][t]) != 0) return relation_.transitions()[t].action;
    }
    return {};
  }

  void found_state(unsigned length) {
    Path path = path_of(length);
    for (const Invariant& invariant : relation_.invariants()) {
      if (!wanted(invariant.property) || solver_.value(invariant.holds, length) != 0) continue;
      path.failure = {invariant.property, relation_.property(invariant.property).sentence.c_str()};
      break;
    }
    result_.path = std::move(path);
  }

  void found_step(unsigned length) {
    const unsigned from = length - 1;
    Path path = path_of(from);
    for (const Transition& t : relation_.transitions()) {
      if (solver_.value(t.enabled, from) == 0) continue;
      const auto failure = first_fault(solver_, t, from, options_.property);
      if (!failure) continue;
      path.steps.push_back({t.action, pack(relation_, solver_, t.next, from)});
      path.failure = *failure;
      break;
    }
    result_.path = std::move(path);
  }

  const Relation& relation_;
  const BoundedOptions options_;
  Solver solver_;
  std::vector<std::vector<Solver::Expr>> taken_;  ///< by depth and transition
  BoundedCheck result_;
};

}  // namespace

BoundedCheck bounded_check(const Relation& relation, const BoundedOptions& options) {
  return Search(relation, options).run();
}

}  // namespace iommucheck::checker
