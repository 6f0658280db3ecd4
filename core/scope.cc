// SPDX-License-Identifier: MIT
// Scopes of both domains.  Out of line, as every array of every design copies some.
#include "core/scope.h"

#include <utility>

namespace iommucheck {
namespace {

std::string join(const std::string& prefix, std::string_view name) {
  if (prefix.empty()) return std::string{name};
  if (name.empty() || name.front() == '[') return prefix + std::string{name};
  return prefix + "." + std::string{name};
}

Coordinate coordinate(const Extent& extent, unsigned i) {
  return {extent.sort.number, static_cast<std::uint16_t>(i), 0};
}

}  // namespace

Scope<Concrete>::Scope(Context<Concrete>& context, Schema& schema, std::string prefix)
    : context_(&context), schema_(&schema), prefix_(std::move(prefix)) {}
Scope<Concrete>::Scope(const Scope&) = default;
Scope<Concrete>::Scope(Scope&&) noexcept = default;
Scope<Concrete>::~Scope() = default;

Scope<Concrete> Scope<Concrete>::child(std::string_view name) const {
  Scope scope = *this;
  scope.prefix_ = join(prefix_, name);
  return scope;
}

Scope<Concrete> Scope<Concrete>::element(const Extent& extent, unsigned i) const {
  Scope scope = *this;
  if (extent.permuted(i)) scope.coordinates_.push_back(coordinate(extent, i));
  return scope;
}

std::uint32_t Scope<Concrete>::declare(std::string_view name, std::uint32_t max, Format format) {
  return schema_->add(join(prefix_, name), max, std::move(format), coordinates_);
}

Scope<Symbolic>::Scope(Context<Symbolic>& context, Schema& schema, std::string prefix)
    : context_(&context), schema_(&schema), prefix_(std::move(prefix)) {}
Scope<Symbolic>::Scope(const Scope&) = default;
Scope<Symbolic>::Scope(Scope&&) noexcept = default;
Scope<Symbolic>::~Scope() = default;

Scope<Symbolic> Scope<Symbolic>::child(std::string_view name) const {
  Scope scope = *this;
  if (binding()) return scope;
  scope.prefix_ = join(prefix_, name);
  return scope;
}

Scope<Symbolic> Scope<Symbolic>::element(const Extent& extent, unsigned i) const {
  Scope scope = *this;
  if (!binding() && extent.permuted(i)) scope.coordinates_.push_back(coordinate(extent, i));
  return scope;
}

std::uint32_t Scope<Symbolic>::declare(std::string_view name, std::uint32_t max, Format format) {
  if (binding()) return (*cursor_)++;
  const std::uint32_t field =
      schema_->add(join(prefix_, name), max, std::move(format), coordinates_);
  if (context_->state.size() <= field) context_->state.resize(field + 1);
  return field;
}

Scope<Symbolic> Scope<Symbolic>::bind(std::uint32_t& cursor, const Selector* selector) const {
  Scope scope = *this;
  scope.cursor_ = &cursor;
  if (selector != nullptr) scope.selectors_.push_back(*selector);
  return scope;
}

}  // namespace iommucheck
