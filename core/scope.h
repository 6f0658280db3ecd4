// SPDX-License-Identifier: MIT
// Scope: where variables are declared; it names them, lays them out and binds them to a context.
#ifndef IOMMUCHECK_CORE_SCOPE_H
#define IOMMUCHECK_CORE_SCOPE_H

#include <string>
#include <string_view>
#include <vector>

#include "core/context.h"
#include "core/schema.h"

namespace iommucheck {

template <class D>
class Scope;

template <>
class Scope<Concrete> {
 public:
  Scope(Context<Concrete>& context, Schema& schema, std::string prefix = "")
      : context_(&context), schema_(&schema), prefix_(std::move(prefix)) {}

  Context<Concrete>& context() const { return *context_; }
  Scope child(std::string_view name) const { return {*context_, *schema_, join(name)}; }

  /// Adds a field and gives its number.
  std::uint32_t declare(std::string_view name, std::uint32_t max, Format format) {
    return schema_->add(join(name), max, std::move(format));
  }
  const Schema& schema() const { return *schema_; }

 private:
  std::string join(std::string_view name) const {
    if (prefix_.empty()) return std::string{name};
    if (name.empty() || name.front() == '[') return prefix_ + std::string{name};
    return prefix_ + "." + std::string{name};
  }

  Context<Concrete>* context_;
  Schema* schema_;
  std::string prefix_;
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
  Scope(Context<Symbolic>& context, Schema& schema, std::string prefix = "")
      : context_(&context), schema_(&schema), prefix_(std::move(prefix)) {}

  Context<Symbolic>& context() const { return *context_; }
  Scope child(std::string_view name) const {
    Scope scope = *this;
    if (binding()) return scope;
    scope.prefix_ = join(name);
    return scope;
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
  Scope bind(std::uint32_t& cursor, const Selector* selector) const {
    Scope scope = *this;
    scope.cursor_ = &cursor;
    if (selector != nullptr) scope.selectors_.push_back(*selector);
    return scope;
  }
  const Schema& schema() const { return *schema_; }

 private:
  std::string join(std::string_view name) const {
    if (prefix_.empty()) return std::string{name};
    if (name.empty() || name.front() == '[') return prefix_ + std::string{name};
    return prefix_ + "." + std::string{name};
  }

  Context<Symbolic>* context_;
  Schema* schema_;
  std::string prefix_;
  std::uint32_t* cursor_ = nullptr;
  std::vector<Selector> selectors_;
};

}  // namespace iommucheck

#endif  // IOMMUCHECK_CORE_SCOPE_H
