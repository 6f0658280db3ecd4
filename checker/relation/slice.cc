// SPDX-License-Identifier: MIT
// From what a verdict is made of, backwards through the steps.
#include "checker/relation/slice.h"

#include <unordered_map>

#include "checker/relation/cone.h"

namespace iommucheck::checker {

std::vector<std::uint32_t> unread_fields(const Relation& relation) {
  const std::vector<Term>& state = relation.state();
  std::unordered_map<const TermNode*, std::size_t> field_of;
  for (std::size_t f = 0; f < state.size(); ++f) {
    if (state[f].node()->op == Op::word_var) field_of.emplace(state[f].node(), f);
  }

  std::vector<Term> open{relation.may_rest()};
  for (const Term pc : relation.program_counters()) open.push_back(pc);
  for (const Invariant& invariant : relation.invariants()) open.push_back(invariant.holds);
  for (const Transition& t : relation.transitions())
    open.insert(open.end(), {t.enabled, t.faulty, t.waits_on});

  std::vector<bool> read(state.size());
  while (!open.empty()) {
    const std::vector<const TermNode*> nodes = cone(open);
    open.clear();
    for (const TermNode* node : nodes) {
      const auto found = field_of.find(node);
      if (found == field_of.end() || read[found->second]) continue;
      read[found->second] = true;
      for (const Transition& t : relation.transitions()) open.push_back(t.next[found->second]);
    }
  }

  std::vector<std::uint32_t> unread;
  for (std::uint32_t f = 0; f < state.size(); ++f) {
    if (field_of.contains(state[f].node()) && !read[f]) unread.push_back(f);
  }
  return unread;
}

}  // namespace iommucheck::checker
