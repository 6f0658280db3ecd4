// SPDX-License-Identifier: MIT
// Var, Record and Array: the state of a machine, declared once for every domain.
//
//   struct IoasidData : Record<D> {
//     IoasidData(Scope<D> scope, const Bounds& b)
//         : Record<D>(scope), set(*this, "set", b.sets), refs(*this, "refs", 3) {}
//     Var<D> set, refs;
//   };
//   Array<D, IoasidData> data{*this, "data", n, bounds};
//   data[id].refs -= 1;
//
// A Var is a handle on a place of the state, not a value: it cannot be copied.  To keep what it
// holds now, write `const Val<D> old = data[id].refs;`.
#ifndef IOMMUCHECK_CORE_VAR_H
#define IOMMUCHECK_CORE_VAR_H

#include <fmt/format.h>

#include <functional>
#include <new>
#include <string>
#include <utility>

#include "core/scope.h"

namespace iommucheck {

/// A struct of variables.  Derive, take a Scope first, and initialise the variables in order.
template <class D>
class Record : public Scope<D> {
 public:
  explicit Record(Scope<D> scope) : Scope<D>(std::move(scope)) {}
  Record(const Record&) = delete;
  Record& operator=(const Record&) = delete;
  Record(Record&&) noexcept = default;  // a symbolic element is made when it is asked for
};

namespace detail {

/// "[i]".
std::string index_name(unsigned i);

/// Where a concrete variable lies: shift and mask on one word of the context's buffer.
class ConcretePlace {
 public:
  ConcretePlace(Scope<Concrete>& scope, std::string_view name, std::uint32_t max, Format format);
  std::uint16_t load() const { return static_cast<std::uint16_t>(*word_ >> shift_ & mask_); }
  void store(std::uint16_t value) const {
    if (value > max_) {
      context_->fail(kInRange, "a value leaves its declared range");
      return;
    }
    *word_ = (*word_ & ~(std::uint64_t{mask_} << shift_)) | std::uint64_t{value} << shift_;
  }

 private:
  Context<Concrete>* context_;
  std::uint64_t* word_;
  std::uint16_t mask_, max_;
  std::uint8_t shift_;
};

/// A symbolic variable: one field, or all the fields that symbolic indices may select.
class SymbolicPlace {
 public:
  SymbolicPlace(Scope<Symbolic>& scope, std::string_view name, std::uint32_t max, Format format);
  // Out of line: every use of an element under a symbolic index makes and destroys its variables.
  SymbolicPlace(SymbolicPlace&& other) noexcept;
  ~SymbolicPlace();
  Term load() const { return load(field_, 0); }
  void store(Term value) const;

 private:
  Term load(std::uint32_t field, std::size_t depth) const;
  void store(std::uint32_t field, std::size_t depth, Term where, Term value) const;

  Context<Symbolic>* context_;
  std::uint32_t field_, max_;
  std::vector<Selector> selectors_;
};

template <class D>
struct PlaceOf;
template <>
struct PlaceOf<Concrete> {
  using type = ConcretePlace;
};
template <>
struct PlaceOf<Symbolic> {
  using type = SymbolicPlace;
};

}  // namespace detail

/// A variable of 0 .. max (T = Int), or an enumeration (its names come from `name(T)`).
template <class D, class T = Int>
class Var {
 public:
  using Domain = D;
  using Tag = T;
  using Value = Val<D, T>;

  Var(Scope<D>& scope, std::string_view name, std::uint32_t max, Format format = {})
      : place_(scope, name, max, std::move(format)) {}
  Var(const Var&) = delete;
  Var(Var&&) noexcept = default;

  Value value() const { return Value::from_word(place_.load()); }
  operator Value() const { return value(); }  // NOLINT(google-explicit-constructor)

  const Var& operator=(Value v) const {  // NOLINT: a handle, const like a pointer
    place_.store(v.word());
    return *this;
  }
  const Var& operator=(const Var& other) const { return *this = other.value(); }  // NOLINT
  const Var& operator+=(Value v) const { return *this = value() + v; }
  const Var& operator-=(Value v) const { return *this = value() - v; }

 private:
  typename detail::PlaceOf<D>::type place_;
};

/// An element of a sort, or none; reads as the element's number (0xffff for none).
///
/// A plain Var of 0 .. size-1 that is cleared would make element 0 a special one, and the sort
/// would not be symmetric.
template <class D>
class Element {
 public:
  using Domain = D;
  using Tag = Int;
  using Value = Val<D>;

  Element(Scope<D>& scope, std::string_view name, Sort sort)
      : var_(scope, name, sort.size, format(sort)) {}
  Element(const Element&) = delete;
  Element(Element&&) noexcept = default;

  Value value() const { return var_ - 1U; }
  operator Value() const { return value(); }  // NOLINT(google-explicit-constructor)
  Bool<D> none() const { return var_ == 0U; }
  const Element& operator=(Value v) const {  // NOLINT
    var_ = v + 1U;
    return *this;
  }
  const Element& operator=(const Element& other) const { return *this = other.value(); }  // NOLINT
  void clear() const { var_ = 0; }

 private:
  static Format format(Sort sort) {
    Format names{Format::Kind::names, {"none"}};
    for (unsigned i = 0; i < sort.size; ++i) names.names.push_back(fmt::format("{}", i));
    return names.of(sort);
  }
  Var<D> var_;
};

/// A truth value in the state.
template <class D>
class Flag {
 public:
  using FlagDomain = D;
  Flag(Scope<D>& scope, std::string_view name)
      : var_(scope, name, 1, Format{Format::Kind::flag, {}}) {}
  Flag(const Flag&) = delete;
  Flag(Flag&&) noexcept = default;
  operator Bool<D>() const { return var_ == 1U; }  // NOLINT(google-explicit-constructor)
  Bool<D> operator!() const { return var_ == 0U; }
  const Flag& operator=(Bool<D> b) const {  // NOLINT
    var_ = as_number(b);
    return *this;
  }
  const Flag& operator=(const Flag&) = delete;

 private:
  Var<D> var_;
};

namespace detail {
template <class X>
concept IsFlag = requires {
  typename X::FlagDomain;
};
template <class A, class B>
struct FlagDomainOf {
  using type = typename B::FlagDomain;
};
template <IsFlag A, class B>
struct FlagDomainOf<A, B> {
  using type = typename A::FlagDomain;
};
template <class A, class B>
using FlagBool = Bool<typename FlagDomainOf<A, B>::type>;
}  // namespace detail

template <class A, class B>
  requires(detail::IsFlag<A> || detail::IsFlag<B>)
auto operator&&(const A& a, const B& b) {
  using X = detail::FlagBool<A, B>;
  return X(a) && X(b);
}
template <class A, class B>
  requires(detail::IsFlag<A> || detail::IsFlag<B>)
auto operator||(const A& a, const B& b) {
  using X = detail::FlagBool<A, B>;
  return X(a) || X(b);
}

/// The format of an enumeration with enumerators 0 .. n-1 that `name(T)` prints.
template <class T>
Format names_of(unsigned n) {
  Format format{Format::Kind::names, {}};
  for (unsigned i = 0; i < n; ++i) format.names.emplace_back(name(static_cast<T>(i)));
  return format;
}
/// The format of a set of processes or clients.
inline Format mask_format() { return {Format::Kind::mask, {}}; }

/// n elements, each a Record, a Var, a Flag or another Array.  An index out of range is a failure
/// of kInRange (and reads element 0).
template <class D, class E>
class Array;

template <class E>
class Array<Concrete, E> {
 public:
  template <class... Args>
  Array(const Scope<Concrete>& scope, std::string_view name, Extent extent, const Args&... args)
      : context_(&scope.context()), size_(extent.n) {
    const Scope<Concrete> base = scope.child(name);
    const std::uint32_t first = base.position();
    elements_ = static_cast<E*>(::operator new (sizeof(E) * size_, std::align_val_t{alignof(E)}));
    for (; built_ < size_; ++built_) {
      const std::string index = detail::index_name(built_);
      Scope<Concrete> element = base.element(extent, built_);
      if constexpr (std::is_base_of_v<Record<Concrete>, E>) {
        new (elements_ + built_) E(element.child(index), args...);
      } else {
        new (elements_ + built_) E(element, index, args...);
      }
    }
    base.end_array(extent, first);
  }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;
  ~Array() {
    while (built_ > 0) elements_[--built_].~E();
    ::operator delete (elements_, std::align_val_t{alignof(E)});
  }

  unsigned size() const { return size_; }
  const E& operator[](std::integral auto i) const { return at(static_cast<std::uint32_t>(i)); }
  template <detail::Operand I>
  const E& operator[](const I& i) const {
    return at(Val<Concrete, typename I::Tag>(i).word());
  }

 private:
  const E& at(std::uint32_t i) const {
    if (i >= size_) {
      context_->fail(kInRange, "an index leaves its array");
      return elements_[0];
    }
    return elements_[i];
  }

  Context<Concrete>* context_;
  unsigned size_;
  unsigned built_ = 0;
  E* elements_;
};

template <class E>
class Array<Symbolic, E> {
 public:
  template <class... Args>
  Array(const Scope<Symbolic>& scope, std::string_view name, Extent extent, const Args&... args)
      : scope_(scope.child(name)), size_(extent.n), base_(scope.position()) {
    // An element knows how to construct itself again, in another scope.
    make_ = [args...](Scope<Symbolic> base, const std::string& index) {
      if constexpr (std::is_base_of_v<Record<Symbolic>, E>) {
        return E(base.child(index), args...);
      } else {
        return E(base, index, args...);
      }
    };
    for (unsigned i = 0; i < size_; ++i) {
      make_(scope_.element(extent, i), detail::index_name(i));
      if (i == 0) stride_ = scope_.position() - base_;
      if (scope_.binding()) {
        scope_.skip(stride_ * (size_ - 1));
        break;
      }
    }
    scope_.end_array(extent, base_);
  }
  Array(const Array&) = delete;
  Array(Array&&) noexcept = default;

  unsigned size() const { return size_; }
  /// The element itself: a record that lives as long as the expression, or the `auto&&` it is bound
  /// to.
  E operator[](std::integral auto i) const {
    if (static_cast<std::uint32_t>(i) >= size_) {
      scope_.context().fail(kInRange, "an index leaves its array");
      return at(0, nullptr);
    }
    return at(static_cast<std::uint32_t>(i), nullptr);
  }
  template <detail::Operand I>
  E operator[](const I& i) const {
    const Val<Symbolic> index{Val<Symbolic, typename I::Tag>(i).template as<Int>()};
    const TermNode* node = index.word().node();
    if (node == nullptr) return (*this)[0U];
    if (node->op == Op::word_const) return (*this)[node->value];
    scope_.context().fail_unless(index < size_, kInRange, "an index leaves its array");
    const Selector selector{index.word(), stride_, size_};
    return at(0, &selector);
  }

 private:
  E at(std::uint32_t i, const Selector* selector) const {
    std::uint32_t cursor = base_ + i * stride_;
    return make_(scope_.bind(cursor, selector), "");
  }

  Scope<Symbolic> scope_;
  unsigned size_;
  std::uint32_t base_, stride_ = 0;
  std::function<E(Scope<Symbolic>, const std::string&)> make_;
};

}  // namespace iommucheck

#endif  // IOMMUCHECK_CORE_VAR_H
