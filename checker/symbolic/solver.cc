// SPDX-License-Identifier: MIT
// Terms as Z3 bit-vectors, each as narrow as its largest value allows.
#include "checker/symbolic/solver.h"

#include <z3++.h>

#include <algorithm>
#include <bit>
#include <optional>
#include <unordered_map>

#include "checker/relation/cone.h"

namespace iommucheck::checker {
namespace {

unsigned width_of(std::uint32_t largest) {
  return std::max(1U, static_cast<unsigned>(std::bit_width(largest)));
}

/// The same number in `width` bits; higher bits are zero, or do not matter to whom it is for.
z3::expr fit(const z3::expr& word, unsigned width) {
  const unsigned have = word.get_sort().bv_size();
  if (have < width) return z3::zext(word, width - have);
  if (have > width) return word.extract(width - 1, 0);
  return word;
}

/// Simplifies words, then solves bits.
z3::tactic bit_blasting(z3::context& c) {
  return z3::tactic(c, "simplify") & z3::tactic(c, "propagate-values") &
         z3::tactic(c, "solve-eqs") & z3::tactic(c, "simplify") & z3::tactic(c, "max-bv-sharing") &
         z3::tactic(c, "bit-blast") & z3::tactic(c, "sat");
}

}  // namespace

struct Solver::Z3 {
  Z3(const TermArena& a, Mode m, double s) : arena(a), mode(m), seconds(s) {
    if (mode == Mode::incremental) solver.emplace(make());
  }

  z3::solver make() {
    z3::solver made = mode == Mode::incremental ? z3::solver(context, "QF_FD")
                                                : bit_blasting(context).mk_solver();
    if (seconds > 0) {
      z3::params p(context);
      p.set("timeout", static_cast<unsigned>(std::max(1.0, seconds * 1000)));
      made.set(p);
    }
    return made;
  }

  std::uint32_t largest(const TermNode& n) {
    if (n.number < bounds.size() && bounds[n.number] != 0) return bounds[n.number] - 1;
    const std::uint32_t v =
        largest_value(n, arena, [this](const TermNode& o) { return largest(o); });
    if (n.number >= bounds.size()) bounds.resize(n.number + 1, 0);
    bounds[n.number] = v + 1;
    return v;
  }

  z3::expr variable(std::uint32_t number, unsigned copy) {
    const TermVariable& v = arena.variables()[number];
    const unsigned width = width_of(v.max);
    const std::string name = v.name + "!" + std::to_string(number) + "@" + std::to_string(copy);
    z3::expr x = context.bv_const(name.c_str(), width);
    if (v.max + 1 != 1U << width) assert_now(z3::ule(x, context.bv_val(v.max, width)));
    return x;
  }

  z3::expr make_node(const TermNode& n, unsigned copy,
                     const std::unordered_map<std::uint32_t, Expr>& memo) {
    const auto at = [&](const TermNode* o) -> const z3::expr& {
      return this->at(memo.at(o->number));
    };
    const auto joint = [&](const TermNode* a, const TermNode* b) {
      return width_of(std::max(largest(*a), largest(*b)));
    };
    const unsigned own = is_bit(n) ? 0 : width_of(largest(n));
    switch (n.op) {
      case Op::word_const: return context.bv_val(n.value, own);
      case Op::bit_const: return context.bool_val(n.value != 0);
      case Op::word_var: return variable(n.value, copy);
      case Op::add: return fit(at(n.a), own) + fit(at(n.b), own);
      case Op::sub: return fit(at(n.a), own) - fit(at(n.b), own);
      case Op::band: return fit(at(n.a), own) & fit(at(n.b), own);
      case Op::bor: return fit(at(n.a), own) | fit(at(n.b), own);
      case Op::eq: return fit(at(n.a), joint(n.a, n.b)) == fit(at(n.b), joint(n.a, n.b));
      case Op::less: return z3::ult(fit(at(n.a), joint(n.a, n.b)), fit(at(n.b), joint(n.a, n.b)));
      case Op::both: return at(n.a) && at(n.b);
      case Op::either: return at(n.a) || at(n.b);
      case Op::negate: return !at(n.a);
      case Op::same: return at(n.a) == at(n.b);
      case Op::word_ite: return z3::ite(at(n.a), fit(at(n.b), own), fit(at(n.c), own));
      case Op::bit_ite: return z3::ite(at(n.a), at(n.b), at(n.c));
    }
    throw std::logic_error("a term of an unknown kind");
  }

  Expr keep(const z3::expr& e) {
    exprs.push_back(e);
    return {static_cast<std::uint32_t>(exprs.size() - 1)};
  }
  const z3::expr& at(Expr e) const { return exprs[e.number]; }

  void assert_now(const z3::expr& e) {
    if (solver) {
      solver->add(e);
    } else {
      added.push_back(e);
    }
  }

  /// An assumption has to be a literal for QF_FD.
  z3::expr literal(Expr e) {
    if (at(e).is_const()) return at(e);
    if (const auto found = literals.find(e.number); found != literals.end()) return found->second;
    z3::expr name = context.bool_const(("assume!" + std::to_string(e.number)).c_str());
    solver->add(z3::implies(name, at(e)));
    literals.emplace(e.number, name);
    return name;
  }

  const TermArena& arena;
  Mode mode;
  double seconds;
  z3::context context;
  std::optional<z3::solver> solver;  ///< incremental only
  std::vector<z3::expr> added;       ///< one_shot only
  std::vector<z3::expr> exprs;
  std::vector<std::unordered_map<std::uint32_t, Expr>> copies;  ///< by node number
  std::unordered_map<std::uint32_t, z3::expr> literals;         ///< by number of the Expr
  std::vector<std::uint32_t> bounds;  ///< 1 + the largest value, by node number; 0: not known yet
  std::optional<z3::model> model;
  std::string reason;
  unsigned numbers = 0;
};

Solver::Solver(const TermArena& arena, Mode mode, double seconds)
    : z3_(std::make_unique<Z3>(arena, mode, seconds)) {}
Solver::~Solver() = default;

Solver::Expr Solver::translate(Term term, unsigned copy) {
  if (term.node() == nullptr) return number(0);
  if (z3_->copies.size() <= copy) z3_->copies.resize(copy + 1);
  auto& memo = z3_->copies[copy];
  const Term roots[] = {term};
  for (const TermNode* n :
       cone(roots, [&](const TermNode& n) { return memo.contains(n.number); })) {
    z3_->largest(*n);
    memo.emplace(n->number, z3_->keep(z3_->make_node(*n, copy, memo)));
  }
  return memo.at(term.node()->number);
}

Solver::Expr Solver::number(std::uint32_t value) {
  return z3_->keep(z3_->context.bv_val(value, width_of(value)));
}

Solver::Expr Solver::below(std::uint32_t n) {
  const std::string name = "below!" + std::to_string(z3_->numbers++);
  const unsigned width = width_of(n);
  const z3::expr x = z3_->context.bv_const(name.c_str(), width);
  z3_->assert_now(z3::ult(x, z3_->context.bv_val(n, width)));
  return z3_->keep(x);
}

Solver::Expr Solver::any(std::span<const Expr> bits) {
  z3::expr_vector all(z3_->context);
  for (const Expr e : bits) all.push_back(z3_->at(e));
  return z3_->keep(z3::mk_or(all));
}

Solver::Expr Solver::negate(Expr bit) { return z3_->keep(!z3_->at(bit)); }
Solver::Expr Solver::implies(Expr a, Expr b) {
  return z3_->keep(z3::implies(z3_->at(a), z3_->at(b)));
}

Solver::Expr Solver::equal(Expr ea, Expr eb) {
  const z3::expr a = z3_->at(ea);
  const z3::expr b = z3_->at(eb);
  if (a.is_bool()) return z3_->keep(a == b);
  const unsigned width = std::max(a.get_sort().bv_size(), b.get_sort().bv_size());
  return z3_->keep(fit(a, width) == fit(b, width));
}

void Solver::add(Expr bit) { z3_->assert_now(z3_->at(bit)); }

Answer Solver::check(std::span<const Expr> also) {
  z3_->model.reset();
  try {
    std::optional<z3::solver> fresh;
    z3::expr_vector assumptions(z3_->context);
    if (z3_->solver) {
      for (const Expr e : also) assumptions.push_back(z3_->literal(e));
    } else {
      fresh.emplace(z3_->make());
      for (const z3::expr& e : z3_->added) fresh->add(e);
      for (const Expr e : also) fresh->add(z3_->at(e));
    }
    z3::solver& s = fresh ? *fresh : *z3_->solver;
    switch (s.check(assumptions)) {
      case z3::unsat: return Answer::unsat;
      case z3::sat: z3_->model.emplace(s.get_model()); return Answer::sat;
      case z3::unknown: z3_->reason = s.reason_unknown(); break;
    }
  } catch (const z3::exception& e) {
    z3_->reason = e.msg();
  }
  return Answer::unknown;
}

std::uint32_t Solver::value(Expr expr) {
  const z3::expr v = z3_->model.value().eval(z3_->at(expr), true);
  if (v.is_bool()) return v.is_true() ? 1 : 0;
  return v.get_numeral_uint();
}

const std::string& Solver::reason() const { return z3_->reason; }

}  // namespace iommucheck::checker
