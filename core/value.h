// SPDX-License-Identifier: MIT
// Val and Bool: values of a domain, with the operators that the specification and designs use.
//
// A Bool<D> does not convert to bool, in any domain: `if (cond)` does not compile, neither on a
// symbolic nor on a concrete value (tests/core/compile_fail shows it).  Branch with
// Context::when(), filter with Context::require().  && and || evaluate both sides.
//
// Val and Bool cannot be assigned: an assignment inside when() would be unconditional for the
// symbolic reading.  What changes is a Var (the state) or a Local.
#ifndef IOMMUCHECK_CORE_VALUE_H
#define IOMMUCHECK_CORE_VALUE_H

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "core/concrete.h"

namespace iommucheck {

/// The tag of plain numbers; other tags are enum classes.
struct Int {};

/// A truth value of domain D.
template <class D>
class Bool {
 public:
  using Bit = typename D::Bit;
  Bool() : bit_(D::bit(false)) {}
  // A plain C++ bool is a constant of every domain.
  Bool(std::same_as<bool> auto v) : bit_(D::bit(v)) {}  // NOLINT(google-explicit-constructor)
  Bool(const Bool&) = default;
  Bool& operator=(const Bool&) = delete;
  static Bool from_bit(Bit bit) { return Bool(bit, nullptr); }
  Bit bit() const { return bit_; }

  friend Bool operator&&(Bool a, Bool b) { return from_bit(D::both(a.bit_, b.bit_)); }
  friend Bool operator||(Bool a, Bool b) { return from_bit(D::either(a.bit_, b.bit_)); }
  friend Bool operator!(Bool a) { return from_bit(D::negate(a.bit_)); }
  friend Bool operator==(Bool a, Bool b) { return from_bit(D::same(a.bit_, b.bit_)); }
  friend Bool operator!=(Bool a, Bool b) { return !(a == b); }

 private:
  Bool(Bit bit, std::nullptr_t) : bit_(bit) {}
  Bit bit_;
};

template <class D>
Bool<D> implies(Bool<D> a, Bool<D> b) {
  return !a || b;
}

/// A number (T = Int) or an enumerator (T an enum class) of domain D.
template <class D, class T = Int>
class Val {
 public:
  using Domain = D;
  using Tag = T;
  using Word = typename D::Word;

  Val() : word_(D::word(0)) {}
  template <std::integral I>
    requires(std::same_as<T, Int>)
  Val(I v)  // NOLINT(google-explicit-constructor)
      : word_(D::word(static_cast<std::uint32_t>(v))) {}
  Val(T v)  // NOLINT(google-explicit-constructor)
      requires(std::is_enum_v<T>)
      : word_(D::word(static_cast<std::uint32_t>(v))) {}
  Val(const Val&) = default;
  Val& operator=(const Val&) = delete;
  static Val from_word(Word word) { return Val(word, nullptr); }
  Word word() const { return word_; }
  /// The same number under another tag (an argument that carries an enumerator, say).
  template <class U>
  Val<D, U> as() const {
    return Val<D, U>::from_word(word_);
  }

 private:
  Val(Word word, std::nullptr_t) : word_(word) {}
  Word word_;
};

namespace detail {
/// Something that has a value of a domain: a Val, or a Var that reads as one.
template <class X>
concept Operand = requires(const X& x) {
  typename X::Domain;
  typename X::Tag;
  {Val<typename X::Domain, typename X::Tag>(x)};
};
template <class A, class B>
concept Operands = Operand<A> || Operand<B>;

template <class A, class B>
struct Common {
  using type = Val<typename B::Domain, typename B::Tag>;
};
template <Operand A, class B>
struct Common<A, B> {
  using type = Val<typename A::Domain, typename A::Tag>;
};
template <class A, class B>
using CommonVal = typename Common<A, B>::type;
template <class V>
using BoolOf = Bool<typename V::Domain>;
}  // namespace detail

template <class A, class B>
  requires(detail::Operands<A, B>)
auto operator==(const A& a, const B& b) {
  using V = detail::CommonVal<A, B>;
  return detail::BoolOf<V>::from_bit(V::Domain::eq(V(a).word(), V(b).word()));
}
template <class A, class B>
  requires(detail::Operands<A, B>)
auto operator!=(const A& a, const B& b) { return !(a == b); }
template <class A, class B>
  requires(detail::Operands<A, B>)
auto operator<(const A& a, const B& b) {
  using V = detail::CommonVal<A, B>;
  return detail::BoolOf<V>::from_bit(V::Domain::less(V(a).word(), V(b).word()));
}
template <class A, class B>
  requires(detail::Operands<A, B>)
auto operator>(const A& a, const B& b) { return b < a; }
template <class A, class B>
  requires(detail::Operands<A, B>)
auto operator<=(const A& a, const B& b) { return !(b < a); }
template <class A, class B>
  requires(detail::Operands<A, B>)
auto operator>=(const A& a, const B& b) { return !(a < b); }
template <class A, class B>
  requires(detail::Operands<A, B>)
auto operator+(const A& a, const B& b) {
  using V = detail::CommonVal<A, B>;
  return V::from_word(V::Domain::add(V(a).word(), V(b).word()));
}
template <class A, class B>
  requires(detail::Operands<A, B>)
auto operator-(const A& a, const B& b) {
  using V = detail::CommonVal<A, B>;
  return V::from_word(V::Domain::sub(V(a).word(), V(b).word()));
}
template <class A, class B>
  requires(detail::Operands<A, B>)
auto operator&(const A& a, const B& b) {
  using V = detail::CommonVal<A, B>;
  return V::from_word(V::Domain::band(V(a).word(), V(b).word()));
}
template <class A, class B>
  requires(detail::Operands<A, B>)
auto operator|(const A& a, const B& b) {
  using V = detail::CommonVal<A, B>;
  return V::from_word(V::Domain::bor(V(a).word(), V(b).word()));
}

/// a where c holds, else b.
template <class D, class A, class B>
  requires(detail::Operands<A, B>)
auto select(Bool<D> c, const A& a, const B& b) {
  using V = detail::CommonVal<A, B>;
  return V::from_word(D::ite(c.bit(), V(a).word(), V(b).word()));
}

/// 1 where c holds, else 0.
template <class D>
Val<D> as_number(Bool<D> c) {
  return select(c, Val<D>(1), Val<D>(0));
}

/// Whether bit i of the mask is set.
template <detail::Operand M>
auto has_bit(const M& mask, unsigned i) {
  return (mask & (1U << i)) != 0U;
}

/// The mask with bit i set, or cleared.
template <detail::Operand M>
auto with_bit(const M& mask, unsigned i) {
  return mask | (1U << i);
}
template <detail::Operand M>
auto without_bit(const M& mask, unsigned i) {
  return mask & (0xffffU & ~(1U << i));
}

/// Quantifiers over 0 .. n-1; f(i) gives a Bool<D>.
template <class D, class F>
Bool<D> any_of(unsigned n, F f) {
  typename D::Bit result = D::bit(false);
  for (unsigned i = 0; i < n; ++i) result = D::either(result, Bool<D>(f(i)).bit());
  return Bool<D>::from_bit(result);
}
template <class D, class F>
Bool<D> all_of(unsigned n, F f) {
  typename D::Bit result = D::bit(true);
  for (unsigned i = 0; i < n; ++i) result = D::both(result, Bool<D>(f(i)).bit());
  return Bool<D>::from_bit(result);
}
/// The sum of f(i), a Val<D>, over 0 .. n-1.
template <class D, class F>
Val<D> sum_of(unsigned n, F f) {
  typename D::Word result = D::word(0);
  for (unsigned i = 0; i < n; ++i) result = D::add(result, Val<D>(f(i)).word());
  return Val<D>::from_word(result);
}
/// How many of 0 .. n-1 satisfy f.
template <class D, class F>
Val<D> count_of(unsigned n, F f) {
  return sum_of<D>(n, [&](unsigned i) { return as_number<D>(f(i)); });
}

}  // namespace iommucheck

#endif  // IOMMUCHECK_CORE_VALUE_H
