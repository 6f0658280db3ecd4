// SPDX-License-Identifier: MIT
// Solver: questions about terms, answered by Z3.
//
// A solver holds copies of the arena's variables: copy 0, 1, ... stand for the states (and inputs)
// along an unrolling.  An Expr is a formula or a number over these copies.  Not thread-safe.
#ifndef IOMMUCHECK_CHECKER_SYMBOLIC_SOLVER_H
#define IOMMUCHECK_CHECKER_SYMBOLIC_SOLVER_H

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/term.h"

namespace iommucheck::checker {

enum class Answer : std::uint8_t { unsat, sat, unknown };

class Solver {
 public:
  enum class Mode : std::uint8_t {
    one_shot,     ///< every check simplifies everything anew: best for one hard question
    incremental,  ///< keeps what it learned: best for many small questions
  };
  struct Expr {
    std::uint32_t number = 0;
  };

  /// `seconds` bound each check; 0 is no bound.
  Solver(const TermArena& arena, Mode mode, double seconds = 0);
  ~Solver();
  Solver(const Solver&) = delete;
  Solver& operator=(const Solver&) = delete;

  /// A term over the variables of a copy.  The ranges of its variables are asserted with it.
  Expr translate(Term term, unsigned copy = 0);
  Expr number(std::uint32_t value);
  Expr below(std::uint32_t n);  ///< a new number of 0 .. n-1
  Expr any(std::span<const Expr> bits);
  Expr negate(Expr bit);
  Expr implies(Expr a, Expr b);
  Expr equal(Expr a, Expr b);  ///< of two words or two bits

  /// From now on, `bit` holds.
  void add(Expr bit);
  /// Whether everything added can hold, together with `also`.
  Answer check(std::span<const Expr> also = {});

  /// After check() answered sat: a value of the model.  A bit is 0 or 1.
  std::uint32_t value(Expr expr);
  std::uint32_t value(Term term, unsigned copy = 0) { return value(translate(term, copy)); }
  /// After check() answered unknown: what Z3 says about it.
  const std::string& reason() const;

 private:
  struct Z3;
  std::unique_ptr<Z3> z3_;
};

}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_CHECKER_SYMBOLIC_SOLVER_H
