// SPDX-License-Identifier: MIT
// Terms: a hash-consed expression graph that the Symbolic domain builds and the solvers read.
//
// Solver-independent on purpose: the same graph is translated to Z3, printed as SMT-LIB for another
// solver, and evaluated on plain numbers to check both.  A Term is a cheap handle; it lives as long
// as its arena.  Not thread-safe: an arena belongs to one thread.
#ifndef IOMMUCHECK_CORE_TERM_H
#define IOMMUCHECK_CORE_TERM_H

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/concrete.h"

namespace iommucheck {

// clang-format off
enum class Op : std::uint8_t {
  word_const,  ///< value
  bit_const,   ///< value 0 or 1
  word_var,    ///< variable number `value`, 0 .. its maximum
  add, sub, band, bor,          ///< words of kValueBits
  eq, less,                     ///< words to bit; unsigned
  both, either, negate, same,   ///< bits
  word_ite, bit_ite,
};
// clang-format on

class TermArena;

/// One node of the graph.  Operands are nodes of the same arena, created before it.
struct TermNode {
  Op op{};
  std::uint32_t value{};
  const TermNode* a{};
  const TermNode* b{};
  const TermNode* c{};
  std::uint32_t number{};  ///< creation order; operands have smaller numbers
};

/// A handle on a node.  A default-constructed Term is the word 0 (or the bit false).
class Term {
 public:
  Term() = default;
  explicit Term(const TermNode* node) : node_(node) {}
  const TermNode* node() const { return node_; }
  friend bool identical(Term a, Term b) { return a.node_ == b.node_; }

 private:
  const TermNode* node_ = nullptr;
};

/// A variable: a state field, or an input chosen by a step.
struct TermVariable {
  std::string name;
  std::uint32_t max{};  ///< its range is 0 .. max
};

/// Owns nodes and variables.  While an arena is `current`, the Symbolic domain builds into it.
class TermArena {
 public:
  TermArena();
  TermArena(const TermArena&) = delete;
  TermArena& operator=(const TermArena&) = delete;
  ~TermArena();

  /// The innermost living arena of this thread.
  static TermArena& current();

  Term word(std::uint32_t v);
  Term bit(bool v);
  Term variable(std::string name, std::uint32_t max);
  const std::vector<TermVariable>& variables() const { return variables_; }

  /// Builds op(a, b, c), folded where operands are constant or equal.
  Term make(Op op, Term a, Term b = {}, Term c = {});

  std::size_t size() const { return nodes_.size(); }

 private:
  struct Key {
    Op op;
    std::uint32_t value;
    const TermNode *a, *b, *c;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const;
  };
  const TermNode* intern(Op op, std::uint32_t value, const TermNode* a, const TermNode* b,
                         const TermNode* c);
  Term fold(Op op, const TermNode* a, const TermNode* b, const TermNode* c);

  std::deque<TermNode> nodes_;
  std::unordered_map<Key, const TermNode*, KeyHash> table_;
  std::vector<TermVariable> variables_;
  TermArena* outer_;
};

bool is_bit(const TermNode& node);
/// The value of a term under an assignment of the arena's variables (by number).
std::uint32_t evaluate(Term term, const std::vector<std::uint32_t>& assignment);

/// The Symbolic value domain: words and bits are terms.  Out of line: speed is not what it is for,
/// and designs are full of them.
struct Symbolic {
  using Word = Term;
  using Bit = Term;

  static TermArena& arena() { return TermArena::current(); }
  static Term word(std::uint32_t v);
  static Term bit(bool v);
  static Term add(Term a, Term b);
  static Term sub(Term a, Term b);
  static Term band(Term a, Term b);
  static Term bor(Term a, Term b);
  static Term eq(Term a, Term b);
  static Term less(Term a, Term b);
  static Term both(Term a, Term b);
  static Term either(Term a, Term b);
  static Term negate(Term a);
  static Term same(Term a, Term b);
  static Term ite(Term c, Term a, Term b);
  static Term ite_bit(Term c, Term a, Term b);
};

}  // namespace iommucheck

#endif  // IOMMUCHECK_CORE_TERM_H
