// SPDX-License-Identifier: MIT
// Substituting constants for variables in terms; what becomes constant folds away.
//
// Belongs to one thread, while the terms' arena is current.
#ifndef IOMMUCHECK_CHECKER_RELATION_SUBSTITUTE_H
#define IOMMUCHECK_CHECKER_RELATION_SUBSTITUTE_H

#include <unordered_map>

#include "core/term.h"

namespace iommucheck::checker {

class Substitution {
 public:
  /// From now on the variable (a leaf) reads as `value`.  Before the first use only.
  void set(Term variable, std::uint32_t value) {
    memo_[variable.node()] = Symbolic::word(value).node();
  }
  Term operator()(Term term);

 private:
  const TermNode* rebuild(const TermNode* node);

  std::unordered_map<const TermNode*, const TermNode*> memo_;
};

}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_CHECKER_RELATION_SUBSTITUTE_H
