// SPDX-License-Identifier: MIT
// From each found state, asks for a successor that is not found, until there is none.
#include "checker/symbolic/count.h"

#include <chrono>
#include <map>

#include "checker/symbolic/model.h"
#include "checker/symbolic/unroll.h"

namespace iommucheck::checker {
namespace {

/// Literals "field f of a copy is v", made once each.
class Values {
 public:
  Values(Solver& solver, const Relation& relation, unsigned copy)
      : solver_(solver), relation_(relation), copy_(copy) {}

  std::vector<Solver::Expr> of(const PackedState& state) {
    std::vector<Solver::Expr> all;
    for (std::uint32_t f = 0; f < relation_.state().size(); ++f) {
      if (relation_.schema().fields()[f].max == 0) continue;
      all.push_back(literal(f, relation_.schema().get(state, f)));
    }
    return all;
  }

  /// The copy is any other state.
  void exclude(const PackedState& state) {
    std::vector<Solver::Expr> other;
    for (const Solver::Expr same : of(state)) other.push_back(solver_.negate(same));
    solver_.add(solver_.any(other));
  }

 private:
  Solver::Expr literal(std::uint32_t field, std::uint32_t value) {
    const auto [at, added] = known_.try_emplace({field, value});
    if (added) {
      at->second =
          solver_.equal(solver_.translate(relation_.state()[field], copy_), solver_.number(value));
    }
    return at->second;
  }

  Solver& solver_;
  const Relation& relation_;
  unsigned copy_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, Solver::Expr> known_;
};

class Counter {
 public:
  Counter(const Relation& relation, const CountOptions& options)
      : relation_(relation), options_(options) {}

  StateCount run() {
    const auto start = std::chrono::steady_clock::now();
    result_.complete = find_initial() && find_rest();
    result_.states = result_.found.size();
    result_.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return std::move(result_);
  }

 private:
  bool find_initial() {
    Solver solver(relation_.variables(), Solver::Mode::incremental, options_.query_seconds);
    add_initial(solver, relation_, 0);
    Values values(solver, relation_, 0);
    return find_all(solver, {}, 0, [&](const PackedState& state) { values.exclude(state); });
  }

  bool find_rest() {
    Solver solver(relation_.variables(), Solver::Mode::incremental, options_.query_seconds);
    add_step(solver, relation_, 0, 1);
    Values before(solver, relation_, 0);
    Values after(solver, relation_, 1);
    const auto exclude = [&](const PackedState& state) { after.exclude(state); };
    for (const PackedState& state : result_.found) exclude(state);
    std::size_t i = 0;
    while (i < result_.found.size()) {  // it grows
      if (!find_all(solver, before.of(result_.found[i++]), 1, exclude)) return false;
    }
    return true;
  }

  /// Every model that is left, as a state of a copy; false if that is not all.
  template <class Exclude>
  bool find_all(Solver& solver, const std::vector<Solver::Expr>& from, unsigned copy,
                Exclude exclude) {
    while (true) {
      ++result_.queries;
      switch (solver.check(from)) {
        case Answer::unsat: return true;
        case Answer::unknown: return stop("no answer (" + solver.reason() + ")");
        case Answer::sat: break;
      }
      if (result_.found.size() == options_.limit) return stop("the limit of states is reached");
      result_.found.push_back(state_of(solver, relation_, copy));
      exclude(result_.found.back());
    }
  }

  bool stop(std::string reason) {
    result_.reason = std::move(reason);
    return false;
  }

  const Relation& relation_;
  const CountOptions options_;
  StateCount result_;
};

}  // namespace

StateCount count_states(const Relation& relation, const CountOptions& options) {
  return Counter(relation, options).run();
}

}  // namespace iommucheck::checker
