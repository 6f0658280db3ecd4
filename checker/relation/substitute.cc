// SPDX-License-Identifier: MIT
// Rebuilding terms from their leaves.
#include "checker/relation/substitute.h"

namespace iommucheck::checker {

Term Substitution::operator()(Term term) {
  return term.node() == nullptr ? term : Term{rebuild(term.node())};
}

const TermNode* Substitution::rebuild(const TermNode* node) {
  if (const auto found = memo_.find(node); found != memo_.end()) return found->second;
  const TermNode* result = node;
  if (node->a != nullptr) {
    const auto operand = [this](const TermNode* n) {
      return n == nullptr ? Term{} : Term{rebuild(n)};
    };
    const Term a = operand(node->a);
    // A choice that is decided has one side only: the other one need not be built.
    if (node->op == Op::word_ite || node->op == Op::bit_ite) {
      if (a.node()->op == Op::bit_const) {
        result = rebuild(a.node()->value != 0 ? node->b : node->c);
        return memo_[node] = result;
      }
    }
    result = TermArena::current().make(node->op, a, operand(node->b), operand(node->c)).node();
  }
  return memo_[node] = result;
}

}  // namespace iommucheck::checker
