// SPDX-License-Identifier: MIT
// Fields by number: clearing a record, and finding the variables that point to an object.
#ifndef IOMMUCHECK_CORE_FIELD_RANGE_H
#define IOMMUCHECK_CORE_FIELD_RANGE_H

#include <utility>
#include <vector>

#include "core/scope.h"

namespace iommucheck {

/// The value of a field, by its number.
inline Val<Concrete> load_field(const Context<Concrete>& context, const Schema& schema,
                                std::uint32_t field) {
  return Val<Concrete>::from_word(Concrete::word(schema.get(context.words, field)));
}
inline Val<Symbolic> load_field(const Context<Symbolic>& context, const Schema&,
                                std::uint32_t field) {
  return Val<Symbolic>::from_word(context.state.at(field));
}

/// Consecutive fields, cleared together: the locals of a thread, the fields of a heap object.
template <class D>
class FieldRange;

template <>
class FieldRange<Concrete> {
 public:
  FieldRange(Context<Concrete>& context, const Schema& schema, std::uint32_t first,
             std::uint32_t last)
      : context_(&context) {
    for (std::uint32_t f = first; f < last; ++f) {
      const FieldInfo& info = schema.fields()[f];
      const std::uint64_t mask = ((1ULL << info.width) - 1) << info.shift;
      if (!masks_.empty() && masks_.back().first == info.word) {
        masks_.back().second |= mask;
      } else {
        masks_.emplace_back(info.word, mask);
      }
    }
  }
  void clear() const {
    for (const auto& [word, mask] : masks_) context_->words[word] &= ~mask;
  }

 private:
  Context<Concrete>* context_;
  std::vector<std::pair<std::uint16_t, std::uint64_t>> masks_;
};

template <>
class FieldRange<Symbolic> {
 public:
  FieldRange(Context<Symbolic>& context, const Schema&, std::uint32_t first, std::uint32_t last)
      : context_(&context), first_(first), last_(last) {}
  void clear() const {
    for (std::uint32_t f = first_; f < last_; ++f)
      context_->assign(context_->state.at(f), Symbolic::word(0));
  }

 private:
  Context<Symbolic>* context_;
  std::uint32_t first_, last_;
};

}  // namespace iommucheck

#endif  // IOMMUCHECK_CORE_FIELD_RANGE_H
