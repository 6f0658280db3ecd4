// SPDX-License-Identifier: MIT
// Form: what the search takes a state for: one state for all that it does not tell apart.
//
// With symmetry those are its permutations; with fields that nothing reads, the states that differ
// in those only.  Constant after construction.
#ifndef IOMMUCHECK_CHECKER_EXPLICIT_FORM_H
#define IOMMUCHECK_CHECKER_EXPLICIT_FORM_H

#include <memory>
#include <stdexcept>
#include <vector>

#include "checker/symmetry/canonicalizer.h"

namespace iommucheck::checker::explicit_state {

class Form {
 public:
  /// `canonicalizer` may be null; the fields with the numbers `unread` are held at 0.
  Form(const Schema& schema, std::unique_ptr<const symmetry::Canonicalizer> canonicalizer,
       const std::vector<std::uint32_t>& unread)
      : canonicalizer_(std::move(canonicalizer)) {
    // Which fields are read need not be symmetric.
    if (canonicalizer_ != nullptr && !unread.empty())
      throw std::invalid_argument("symmetry and slicing do not go together");
    if (unread.empty()) return;
    kept_.assign(schema.words(), ~std::uint64_t{0});
    for (const std::uint32_t number : unread) {
      const FieldInfo& field = schema.fields().at(number);
      kept_[field.word] &= ~(((std::uint64_t{1} << field.width) - 1) << field.shift);
    }
  }

  void operator()(std::uint64_t* state) const {
    for (std::size_t w = 0; w < kept_.size(); ++w) state[w] &= kept_[w];
    if (canonicalizer_ != nullptr) (*canonicalizer_)(state);
  }
  /// How many permutations the state has.
  std::uint64_t orbit_size(const std::uint64_t* state) const {
    return canonicalizer_ == nullptr ? 1 : canonicalizer_->orbit_size(state);
  }

 private:
  std::unique_ptr<const symmetry::Canonicalizer> canonicalizer_;
  std::vector<std::uint64_t> kept_;  ///< bits of each word; empty: all
};

}  // namespace iommucheck::checker::explicit_state

#endif  // IOMMUCHECK_CHECKER_EXPLICIT_FORM_H
