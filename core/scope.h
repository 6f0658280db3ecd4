// SPDX-License-Identifier: MIT
// Scope: where variables are declared; it names them, lays them out and binds them to a context.
#ifndef IOMMUCHECK_CORE_SCOPE_H
#define IOMMUCHECK_CORE_SCOPE_H

#include <concepts>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "core/context.h"
#include "core/schema.h"

namespace iommucheck {

/// How many elements an array has; the first ones may be those of a sort.
struct Extent {
  Extent(std::integral auto elements)  // NOLINT(google-explicit-constructor)
      : n(static_cast<unsigned>(elements)) {}
  Extent(Sort elements, unsigned all) : n(all), sort(elements) {
    if (sort.exists() && sort.size > n)
      throw std::logic_error("an array over a sort has an element for each of the sort");
  }
  /// Whether element i is one of the sort.
  bool permuted(unsigned i) const { return sort.exists() && i < sort.size; }

  unsigned n;
  Sort sort = {};
};
/// An array over a sort: `Array<D, E> id{*this, "id", over(pasids)};`.
inline Extent over(Sort sort) { return {sort, sort.size}; }
/// An array of n elements: first those of the sort, then others (the interrupt after the threads).
inline Extent over(Sort sort, unsigned n) { return {sort, n}; }

template <class D>
class Scope;

template <>
class Scope<Concrete> {
 public:
  Scope(Context<Concrete>& context, Schema& schema, std::string prefix = "");
  Scope(const Scope&);
  Scope(Scope&&) noexcept;
  Scope& operator=(const Scope&) = delete;
  Scope& operator=(Scope&&) = delete;
  ~Scope();

  Context<Concrete>& context() const { return *context_; }
  Scope child(std::string_view name) const;
  /// The scope of element i of an array.
  Scope element(const Extent& extent, unsigned i) const;
  /// After the elements, the first of which began with field `first`.
  void end_array(const Extent& extent, std::uint32_t first) const {
    schema_->end_array(first, extent.n, coordinates_.size(), extent.sort);
  }

  /// Adds a field and gives its number.
  std::uint32_t declare(std::string_view name, std::uint32_t max, Format format);
  const Schema& schema() const { return *schema_; }
  /// Declares a sort: see Schema::sort().
  Sort sort(std::string_view name, unsigned size) const { return schema_->sort(name, size); }
  /// The number that the next declared field gets.
  std::uint32_t position() const { return static_cast<std::uint32_t>(schema_->fields().size()); }

 private:
  Context<Concrete>* context_;
  Schema* schema_;
  std::string prefix_;
  std::vector<Coordinate> coordinates_;
};

/// An array index that is a term: element i of an array whose elements lie `stride` fields apart.
struct Selector {
  Term index;
  std::uint32_t stride, count;
};

/// A symbolic scope either declares fields, or re-binds fields that are declared already: a record
/// under a symbolic index is a record whose variables stand for all elements at once.
template <>
class Scope<Symbolic> {
 public:
  Scope(Context<Symbolic>& context, Schema& schema, std::string prefix = "");
  Scope(const Scope&);
  Scope(Scope&&) noexcept;
  Scope& operator=(const Scope&) = delete;
  Scope& operator=(Scope&&) = delete;
  ~Scope();

  Context<Symbolic>& context() const { return *context_; }
  Scope child(std::string_view name) const;
  /// The scope of element i of an array, while it is declared.
  Scope element(const Extent& extent, unsigned i) const;
  void end_array(const Extent& extent, std::uint32_t first) const {
    if (!binding()) schema_->end_array(first, extent.n, coordinates_.size(), extent.sort);
  }
  std::uint32_t declare(std::string_view name, std::uint32_t max, Format format);

  bool binding() const { return cursor_ != nullptr; }
  const std::vector<Selector>& selectors() const { return selectors_; }
  /// The number that the next declared (or bound) field gets.
  std::uint32_t position() const {
    return binding() ? *cursor_ : static_cast<std::uint32_t>(schema_->fields().size());
  }
  void skip(std::uint32_t fields) const { *cursor_ += fields; }

  /// Re-binds from field *cursor on, under one more selector if it is given.
  Scope bind(std::uint32_t& cursor, const Selector* selector) const;
  const Schema& schema() const { return *schema_; }
  /// Declares a sort: see Schema::sort().
  Sort sort(std::string_view name, unsigned size) const { return schema_->sort(name, size); }

 private:
  Context<Symbolic>* context_;
  Schema* schema_;
  std::string prefix_;
  std::vector<Coordinate> coordinates_;
  std::uint32_t* cursor_ = nullptr;
  std::vector<Selector> selectors_;
};

}  // namespace iommucheck

#endif  // IOMMUCHECK_CORE_SCOPE_H
