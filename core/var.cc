// SPDX-License-Identifier: MIT
// Symbolic variables: reads as chains of choices over selected fields, writes guarded by the path.
#include "core/var.h"

namespace iommucheck {

namespace detail {

std::string index_name(unsigned i) { return fmt::format("[{}]", i); }

ConcretePlace::ConcretePlace(Scope<Concrete>& scope, std::string_view name, std::uint32_t max,
                             Format format)
    : context_(&scope.context()) {
  const std::uint32_t field = scope.declare(name, max, std::move(format));
  const FieldInfo& info = scope.schema().fields()[field];
  word_ = &context_->words[info.word];
  shift_ = info.shift;
  mask_ = static_cast<std::uint16_t>((1U << info.width) - 1);
  max_ = static_cast<std::uint16_t>(max);
}

SymbolicPlace::SymbolicPlace(Scope<Symbolic>& scope, std::string_view name, std::uint32_t max,
                             Format format)
    : context_(&scope.context()),
      field_(scope.declare(name, max, std::move(format))),
      max_(max),
      selectors_(scope.selectors()) {}
SymbolicPlace::SymbolicPlace(SymbolicPlace&&) noexcept = default;
SymbolicPlace::~SymbolicPlace() = default;

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
