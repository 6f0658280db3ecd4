// SPDX-License-Identifier: MIT
// Symbolic variables: reads as chains of choices over selected fields, writes guarded by the path.
#include "core/var.h"

namespace iommucheck {

std::uint32_t Scope<Symbolic>::declare(std::string_view name, std::uint32_t max, Format format) {
  if (binding()) return (*cursor_)++;
  const std::uint32_t field = schema_->add(join(name), max, std::move(format), coordinates_);
  if (context_->state.size() <= field) context_->state.resize(field + 1);
  return field;
}

namespace detail {

Term SymbolicPlace::load(std::uint32_t field, std::size_t depth) const {
  if (depth == selectors_.size()) return context_->state.at(field);
  const Selector& s = selectors_[depth];
  Term result = load(field, depth + 1);
  for (std::uint32_t i = 1; i < s.count; ++i) {
    const Term here = Symbolic::eq(s.index, Symbolic::word(i));
    result = Symbolic::ite(here, load(field + i * s.stride, depth + 1), result);
  }
  return result;
}

void SymbolicPlace::store(std::uint32_t field, std::size_t depth, Term where, Term value) const {
  if (depth == selectors_.size()) {
    Term& slot = context_->state.at(field);
    slot = Symbolic::ite(where, value, slot);
    return;
  }
  const Selector& s = selectors_[depth];
  for (std::uint32_t i = 0; i < s.count; ++i) {
    Term here = Symbolic::eq(s.index, Symbolic::word(i));
    // As in the Concrete domain, an index out of range (a failure already) is element 0.
    if (i == 0)
      here = Symbolic::either(here,
                              Symbolic::negate(Symbolic::less(s.index, Symbolic::word(s.count))));
    store(field + i * s.stride, depth + 1, Symbolic::both(where, here), value);
  }
}

void SymbolicPlace::store(Term value) const {
  const Term fits = Symbolic::negate(Symbolic::less(Symbolic::word(max_), value));
  context_->fail_unless(Bool<Symbolic>::from_bit(fits), kInRange,
                        "a value leaves its declared range");
  // As in the Concrete domain, what does not fit is not stored.
  store(field_, 0, Symbolic::both(context_->path(), fits), value);
}

}  // namespace detail
}  // namespace iommucheck
