// SPDX-License-Identifier: MIT
// Terms: interning, folding, evaluation.
#include "core/term.h"

#include <array>
#include <stdexcept>
#include <unordered_map>

namespace iommucheck {
namespace {

thread_local TermArena* current_arena = nullptr;

bool is_const(const TermNode* n) { return n->op == Op::word_const || n->op == Op::bit_const; }

std::uint32_t apply(Op op, std::uint32_t a, std::uint32_t b, std::uint32_t c) {
  switch (op) {
    case Op::add: return Concrete::add(Concrete::word(a), Concrete::word(b));
    case Op::sub: return Concrete::sub(Concrete::word(a), Concrete::word(b));
    case Op::band: return a & b;
    case Op::bor: return a | b;
    case Op::eq:
    case Op::same: return a == b ? 1 : 0;
    case Op::less: return a < b ? 1 : 0;
    case Op::both: return a & b;
    case Op::either: return a | b;
    case Op::negate: return a ^ 1U;
    case Op::word_ite:
    case Op::bit_ite: return a != 0 ? b : c;
    default: throw std::logic_error("apply: a leaf has no operands");
  }
}

}  // namespace

bool is_bit(const TermNode& node) {
  switch (node.op) {
    case Op::bit_const:
    case Op::eq:
    case Op::less:
    case Op::both:
    case Op::either:
    case Op::negate:
    case Op::same:
    case Op::bit_ite: return true;
    default: return false;
  }
}

TermArena::TermArena() : outer_(current_arena) { current_arena = this; }
TermArena::~TermArena() { current_arena = outer_; }

TermArena& TermArena::current() {
  if (current_arena == nullptr) throw std::logic_error("no TermArena is alive on this thread");
  return *current_arena;
}

std::size_t TermArena::KeyHash::operator()(const Key& key) const {
  std::size_t h = static_cast<std::size_t>(key.op) * 0x9e3779b97f4a7c15U + key.value;
  for (const TermNode* n : {key.a, key.b, key.c}) {
    h = (h ^ (n == nullptr ? 0 : n->number + 1)) * 0xff51afd7ed558ccdU;
    h ^= h >> 32;
  }
  return h;
}

const TermNode* TermArena::intern(Op op, std::uint32_t value, const TermNode* a, const TermNode* b,
                                  const TermNode* c) {
  const Key key{op, value, a, b, c};
  if (const auto found = table_.find(key); found != table_.end()) return found->second;
  nodes_.push_back({op, value, a, b, c, static_cast<std::uint32_t>(nodes_.size())});
  table_.emplace(key, &nodes_.back());
  return &nodes_.back();
}

Term TermArena::word(std::uint32_t v) {
  return Term{intern(Op::word_const, Concrete::word(v), nullptr, nullptr, nullptr)};
}

Term TermArena::bit(bool v) {
  return Term{intern(Op::bit_const, v ? 1 : 0, nullptr, nullptr, nullptr)};
}

Term TermArena::variable(std::string name, std::uint32_t max) {
  variables_.push_back({std::move(name), max});
  return Term{intern(Op::word_var, static_cast<std::uint32_t>(variables_.size() - 1), nullptr,
                     nullptr, nullptr)};
}

Term TermArena::make(Op op, Term ta, Term tb, Term tc) {
  const bool bits = op == Op::both || op == Op::either || op == Op::negate || op == Op::same;
  const auto operand = [&](Term t, bool as_bit) {
    if (t.node() != nullptr) return t.node();
    return as_bit ? bit(false).node() : word(0).node();
  };
  const bool ite = op == Op::word_ite || op == Op::bit_ite;
  const TermNode* a = operand(ta, bits || ite);
  const TermNode* b = op == Op::negate ? nullptr : operand(tb, bits || op == Op::bit_ite);
  const TermNode* c = ite ? operand(tc, op == Op::bit_ite) : nullptr;
  return fold(op, a, b, c);
}

Term TermArena::fold(Op op, const TermNode* a, const TermNode* b, const TermNode* c) {
  const bool constant =
      is_const(a) && (b == nullptr || is_const(b)) && (c == nullptr || is_const(c));
  if (constant) {
    const std::uint32_t v =
        apply(op, a->value, b == nullptr ? 0 : b->value, c == nullptr ? 0 : c->value);
    const bool bit_result =
        !(op == Op::add || op == Op::sub || op == Op::band || op == Op::bor || op == Op::word_ite);
    return bit_result ? bit(v != 0) : word(v);
  }
  const auto is = [](const TermNode* n, std::uint32_t v) { return is_const(n) && n->value == v; };
  switch (op) {
    case Op::both:
      if (is(a, 0) || is(b, 0)) return bit(false);
      if (is(a, 1) || a == b) return Term{b};
      if (is(b, 1)) return Term{a};
      break;
    case Op::either:
      if (is(a, 1) || is(b, 1)) return bit(true);
      if (is(a, 0) || a == b) return Term{b};
      if (is(b, 0)) return Term{a};
      break;
    case Op::negate:
      if (a->op == Op::negate) return Term{a->a};
      break;
    case Op::same:
    case Op::eq:
      if (a == b) return bit(true);
      // A variable never equals a constant beyond its range.
      if (b->op == Op::word_var && is_const(a)) std::swap(a, b);
      if (a->op == Op::word_var && is_const(b) && b->value > variables_[a->value].max)
        return bit(false);
      // An element of a sort is stored as its number and one: compare what is stored.
      if (op == Op::eq && is_const(b) && a->op == Op::sub && is_const(a->b))
        return make(Op::eq, Term{a->a}, word(b->value + a->b->value));
      // eq(ite(c, k1, x), k2): push the comparison into the branches, so that chains collapse.
      if (op == Op::eq && is_const(b) && a->op == Op::word_ite &&
          (is_const(a->b) || is_const(a->c))) {
        return make(Op::bit_ite, Term{a->a}, make(Op::eq, Term{a->b}, Term{b}),
                    make(Op::eq, Term{a->c}, Term{b}));
      }
      break;
    case Op::less:
      if (a == b || is(b, 0)) return bit(false);
      if (a->op == Op::word_var && is_const(b) && b->value > variables_[a->value].max)
        return bit(true);
      if (b->op == Op::word_var && is_const(a) && a->value >= variables_[b->value].max)
        return bit(false);
      break;
    case Op::word_ite:
    case Op::bit_ite:
      if (is(a, 1) || b == c) return Term{b};
      if (is(a, 0)) return Term{c};
      if (op == Op::bit_ite) {
        const Term condition{a};
        if (is(b, 1)) return make(Op::either, condition, Term{c});
        if (is(b, 0)) return make(Op::both, make(Op::negate, condition), Term{c});
        if (is(c, 0)) return make(Op::both, condition, Term{b});
        if (is(c, 1)) return make(Op::either, make(Op::negate, condition), Term{b});
      }
      break;
    case Op::add:
      if (is(a, 0)) return Term{b};
      [[fallthrough]];
    case Op::sub:
      if (is(b, 0)) return Term{a};
      break;
    case Op::band:
      if (is(a, 0) || is(b, 0)) return word(0);
      break;
    case Op::bor:
      if (is(a, 0)) return Term{b};
      if (is(b, 0)) return Term{a};
      break;
    default: break;
  }
  return Term{intern(op, 0, a, b, c)};
}

std::uint32_t evaluate(Term term, const std::vector<std::uint32_t>& assignment) {
  // Iterative over creation order would visit the whole arena; recursion with a memo visits the
  // cone.
  std::unordered_map<const TermNode*, std::uint32_t> memo;
  const auto value = [&](const auto& self, const TermNode* n) -> std::uint32_t {
    if (n == nullptr) return 0;
    if (is_const(n)) return n->value;
    if (n->op == Op::word_var) return assignment.at(n->value);
    if (const auto found = memo.find(n); found != memo.end()) return found->second;
    const std::uint32_t v = apply(n->op, self(self, n->a), self(self, n->b), self(self, n->c));
    memo.emplace(n, v);
    return v;
  };
  return value(value, term.node());
}

Term Symbolic::word(std::uint32_t v) { return arena().word(v); }
Term Symbolic::bit(bool v) { return arena().bit(v); }
Term Symbolic::add(Term a, Term b) { return arena().make(Op::add, a, b); }
Term Symbolic::sub(Term a, Term b) { return arena().make(Op::sub, a, b); }
Term Symbolic::band(Term a, Term b) { return arena().make(Op::band, a, b); }
Term Symbolic::bor(Term a, Term b) { return arena().make(Op::bor, a, b); }
Term Symbolic::eq(Term a, Term b) { return arena().make(Op::eq, a, b); }
Term Symbolic::less(Term a, Term b) { return arena().make(Op::less, a, b); }
Term Symbolic::both(Term a, Term b) { return arena().make(Op::both, a, b); }
Term Symbolic::either(Term a, Term b) { return arena().make(Op::either, a, b); }
Term Symbolic::negate(Term a) { return arena().make(Op::negate, a); }
Term Symbolic::same(Term a, Term b) { return arena().make(Op::same, a, b); }
Term Symbolic::ite(Term c, Term a, Term b) { return arena().make(Op::word_ite, c, a, b); }
Term Symbolic::ite_bit(Term c, Term a, Term b) { return arena().make(Op::bit_ite, c, a, b); }

}  // namespace iommucheck
