// SPDX-License-Identifier: MIT
// Walking term graphs, and bounding what their words can be.
#include "checker/relation/cone.h"

#include <algorithm>
#include <bit>
#include <unordered_set>

namespace iommucheck::checker {

std::vector<const TermNode*> cone(std::span<const Term> roots,
                                  const std::function<bool(const TermNode&)>& known) {
  std::vector<const TermNode*> nodes, open;
  std::unordered_set<const TermNode*> met;
  const auto meet = [&](const TermNode* n) {
    if (n == nullptr || (known && known(*n)) || !met.insert(n).second) return;
    open.push_back(n);
  };
  for (const Term root : roots) meet(root.node());
  while (!open.empty()) {
    const TermNode* n = open.back();
    open.pop_back();
    nodes.push_back(n);
    for (const TermNode* operand : {n->a, n->b, n->c}) meet(operand);
  }
  std::sort(nodes.begin(), nodes.end(),
            [](const TermNode* a, const TermNode* b) { return a->number < b->number; });
  return nodes;
}

std::uint32_t largest_value(const TermNode& n, const TermArena& arena,
                            const std::function<std::uint32_t(const TermNode&)>& largest) {
  constexpr std::uint32_t kAll = (1U << kValueBits) - 1;
  switch (n.op) {
    case Op::word_const: return n.value;
    case Op::word_var: return arena.variables()[n.value].max;
    case Op::add: return std::min(kAll, largest(*n.a) + largest(*n.b));
    case Op::sub: return kAll;  // it can wrap
    case Op::band: return std::min(largest(*n.a), largest(*n.b));
    case Op::bor: return (1U << std::bit_width(largest(*n.a) | largest(*n.b))) - 1;
    case Op::word_ite: return std::max(largest(*n.b), largest(*n.c));
    default: return 1;
  }
}

}  // namespace iommucheck::checker
