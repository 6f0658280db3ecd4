// SPDX-License-Identifier: MIT
// Random terms mean the same to plain numbers, to evaluate() and to Z3.
#include <gtest/gtest.h>

#include <random>

#include "checker/relation/cone.h"
#include "checker/symbolic/solver.h"

namespace iommucheck::checker {
namespace {

constexpr unsigned kSamples = 4;

/// A term, and what it is under each assignment by the operations of the Concrete domain.
struct Checked {
  Term term;
  std::array<std::uint32_t, kSamples> value{};
};

class RandomTerms {
 public:
  explicit RandomTerms(unsigned seed) : random_(seed) {
    for (const std::uint32_t max : {1U, 2U, 5U, 15U, 300U, kMaxField}) {
      Checked c{arena_.variable("x", max), {}};
      for (unsigned s = 0; s < kSamples; ++s) {
        // The ends of the range are where comparisons are decided.
        const unsigned kind = below(4);
        c.value[s] = kind == 0 ? 0 : kind == 1 ? max : below(max + 1);
        assignments_[s].push_back(c.value[s]);
      }
      words_.push_back(c);
      variables_.push_back(c);
    }
    bits_.push_back({arena_.bit(true), {1, 1, 1, 1}});
    for (unsigned i = 0; i < 150; ++i) grow();
  }

  std::vector<Checked> all() const {
    std::vector<Checked> all = words_;
    all.insert(all.end(), bits_.begin(), bits_.end());
    return all;
  }
  const std::vector<Checked>& variables() const { return variables_; }
  const std::vector<std::uint32_t>& assignment(unsigned sample) const {
    return assignments_[sample];
  }
  const TermArena& arena() const { return arena_; }

 private:
  unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
  const Checked& word() {
    if (below(6) == 0) {
      constexpr std::array<std::uint32_t, 6> kConstants{0, 1, 2, 15, 0x3fff, 0xffff};
      const std::uint32_t k = kConstants.at(below(6));
      words_.push_back({arena_.word(k), {k, k, k, k}});
      return words_.back();
    }
    return words_[below(static_cast<unsigned>(words_.size()))];
  }
  const Checked& bit() { return bits_[below(static_cast<unsigned>(bits_.size()))]; }

  template <class T, class C>
  void put(std::vector<Checked>& into, const Checked& a, const Checked& b, const Checked& c, T term,
           C concrete) {
    Checked result{term(a.term, b.term, c.term), {}};
    for (unsigned s = 0; s < kSamples; ++s) {
      result.value[s] = static_cast<std::uint32_t>(concrete(a.value[s], b.value[s], c.value[s]));
    }
    into.push_back(result);
  }

  void grow() {
    using S = Symbolic;
    using C = Concrete;
    using U = std::uint32_t;
    const auto w = [](U v) { return C::word(v); };
    const Checked a = word(), b = word(), p = bit(), q = bit(), r = bit();
    switch (below(12)) {
      case 0:
        return put(
            words_, a, b, p, [](Term x, Term y, Term) { return S::add(x, y); },
            [&](U x, U y, U) { return C::add(w(x), w(y)); });
      case 1:
        return put(
            words_, a, b, p, [](Term x, Term y, Term) { return S::sub(x, y); },
            [&](U x, U y, U) { return C::sub(w(x), w(y)); });
      case 2:
        return put(
            words_, a, b, p, [](Term x, Term y, Term) { return S::band(x, y); },
            [&](U x, U y, U) { return C::band(w(x), w(y)); });
      case 3:
        return put(
            words_, a, b, p, [](Term x, Term y, Term) { return S::bor(x, y); },
            [&](U x, U y, U) { return C::bor(w(x), w(y)); });
      case 4:
        return put(
            words_, p, a, b, [](Term x, Term y, Term z) { return S::ite(x, y, z); },
            [&](U x, U y, U z) { return C::ite(x != 0, w(y), w(z)); });
      case 5:
        return put(
            bits_, a, b, p, [](Term x, Term y, Term) { return S::eq(x, y); },
            [&](U x, U y, U) { return C::eq(w(x), w(y)); });
      case 6:
        return put(
            bits_, a, b, p, [](Term x, Term y, Term) { return S::less(x, y); },
            [&](U x, U y, U) { return C::less(w(x), w(y)); });
      case 7:
        return put(
            bits_, p, q, r, [](Term x, Term y, Term) { return S::both(x, y); },
            [](U x, U y, U) { return C::both(x != 0, y != 0); });
      case 8:
        return put(
            bits_, p, q, r, [](Term x, Term y, Term) { return S::either(x, y); },
            [](U x, U y, U) { return C::either(x != 0, y != 0); });
      case 9:
        return put(
            bits_, p, q, r, [](Term x, Term, Term) { return S::negate(x); },
            [](U x, U, U) { return C::negate(x != 0); });
      case 10:
        return put(
            bits_, p, q, r, [](Term x, Term y, Term) { return S::same(x, y); },
            [](U x, U y, U) { return C::same(x != 0, y != 0); });
      default:
        return put(
            bits_, p, q, r, [](Term x, Term y, Term z) { return S::ite_bit(x, y, z); },
            [](U x, U y, U z) { return C::ite_bit(x != 0, y != 0, z != 0); });
    }
  }

  TermArena arena_;
  std::mt19937 random_;
  std::vector<Checked> words_, bits_, variables_;
  std::array<std::vector<std::uint32_t>, kSamples> assignments_;
};

TEST(Terms, EvaluateAsConcrete) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    const RandomTerms terms(seed);
    for (const Checked& c : terms.all()) {
      for (unsigned s = 0; s < kSamples; ++s) {
        ASSERT_EQ(evaluate(c.term, terms.assignment(s)), c.value[s]) << "seed " << seed;
      }
    }
  }
}

void expect_z3_agrees(Solver::Mode mode, unsigned seeds) {
  for (unsigned seed = 0; seed < seeds; ++seed) {
    const RandomTerms terms(seed);
    Solver solver(terms.arena(), mode);
    for (unsigned s = 0; s < kSamples; ++s) {
      std::vector<Solver::Expr> given;
      for (const Checked& v : terms.variables()) {
        given.push_back(solver.equal(solver.translate(v.term), solver.number(v.value[s])));
      }
      ASSERT_EQ(solver.check(given), Answer::sat);
      for (const Checked& c : terms.all()) {
        ASSERT_EQ(solver.value(c.term), c.value[s]) << "seed " << seed;
      }
    }
  }
}

TEST(Terms, MeanTheSameToZ3) { expect_z3_agrees(Solver::Mode::incremental, 60); }
TEST(Terms, MeanTheSameToZ3InOneShot) { expect_z3_agrees(Solver::Mode::one_shot, 15); }

// The model could be right where the solver, which cuts words to their ranges, is not: ask it.
TEST(Terms, AreProvedEqualToTheirValues) {
  for (unsigned seed = 0; seed < 8; ++seed) {
    const RandomTerms terms(seed);
    Solver solver(terms.arena(), Solver::Mode::incremental);
    std::vector<Solver::Expr> given;
    for (const Checked& v : terms.variables()) {
      given.push_back(solver.equal(solver.translate(v.term), solver.number(v.value[0])));
    }
    std::vector<Solver::Expr> wrong;
    for (const Checked& c : terms.all()) {
      const Solver::Expr e = solver.translate(c.term);
      const bool bit = is_bit(*c.term.node());
      const Solver::Expr right = bit ? (c.value[0] != 0 ? e : solver.negate(e))
                                     : solver.equal(e, solver.number(c.value[0]));
      wrong.push_back(solver.negate(right));
    }
    given.push_back(solver.any(wrong));
    EXPECT_EQ(solver.check(given), Answer::unsat) << "seed " << seed;
  }
}

TEST(Terms, VariablesStayInTheirRange) {
  TermArena arena;
  const Term x = arena.variable("x", 5);
  Solver solver(arena, Solver::Mode::incremental);
  std::vector<std::uint32_t> values;
  const Solver::Expr e = solver.translate(x);
  while (solver.check() == Answer::sat) {
    values.push_back(solver.value(e));
    solver.add(solver.negate(solver.equal(e, solver.number(values.back()))));
  }
  std::sort(values.begin(), values.end());
  EXPECT_EQ(values, (std::vector<std::uint32_t>{0, 1, 2, 3, 4, 5}));
}

TEST(Terms, ACopyIsAVariableOfItsOwn) {
  TermArena arena;
  const Term x = arena.variable("x", 1);
  Solver solver(arena, Solver::Mode::one_shot);
  solver.add(solver.negate(solver.equal(solver.translate(x, 0), solver.translate(x, 3))));
  ASSERT_EQ(solver.check(), Answer::sat);
  EXPECT_NE(solver.value(x, 0), solver.value(x, 3));
}

/// x * y by shifting and adding.
Term product(TermArena& arena, Term x, Term y) {
  Term result = arena.word(0);
  for (unsigned i = 0; i < 14; ++i) {
    const Term clear =
        arena.make(Op::eq, arena.make(Op::band, y, arena.word(1U << i)), arena.word(0));
    result = arena.make(Op::word_ite, clear, result, arena.make(Op::add, result, x));
    x = arena.make(Op::add, x, x);
  }
  return result;
}

TEST(Terms, AHardQuestionEndsInTime) {
  // That multiplication is commutative takes solvers of this kind hours.
  TermArena arena;
  const Term x = arena.variable("x", kMaxField);
  const Term y = arena.variable("y", kMaxField);
  const Term same = arena.make(Op::eq, product(arena, x, y), product(arena, y, x));
  for (const auto mode : {Solver::Mode::one_shot, Solver::Mode::incremental}) {
    Solver solver(arena, mode, 0.05);
    solver.add(solver.negate(solver.translate(same)));
    EXPECT_EQ(solver.check(), Answer::unknown);
    EXPECT_NE(solver.reason(), "");
  }
}

TEST(Cone, HasOperandsFirstAndOnce) {
  TermArena arena;
  const Term x = arena.variable("x", 3);
  const Term sum = arena.make(Op::add, x, x);
  const Term both = arena.make(Op::eq, sum, arena.make(Op::add, sum, arena.word(1)));
  const Term roots[] = {both, sum};
  const auto nodes = cone(roots);
  EXPECT_EQ(nodes.size(), 5U);
  for (std::size_t i = 1; i < nodes.size(); ++i) EXPECT_LT(nodes[i - 1]->number, nodes[i]->number);
  EXPECT_EQ(cone(roots, [&](const TermNode& n) { return &n == sum.node(); }).size(), 3U);
}

}  // namespace
}  // namespace iommucheck::checker
