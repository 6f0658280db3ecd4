// SPDX-License-Identifier: MIT
// Base case and induction step as terms; what is trivially kept is left out here.
#include "checker/symbolic/obligation.h"

#include <algorithm>
#include <map>
#include <unordered_set>

namespace iommucheck::checker {
namespace {

using NodeSet = std::unordered_set<const TermNode*>;

/// The conjuncts of a bit.
template <class F>
void each_conjunct(Term bit, F f) {
  const TermNode* n = bit.node();
  if (n != nullptr && n->op == Op::both) {
    each_conjunct(Term{n->a}, f);
    each_conjunct(Term{n->b}, f);
  } else {
    f(bit);
  }
}

/// What of `bit` is not among the conjuncts that are known to hold.
Term remainder(Term bit, const NodeSet& known) {
  Term rest = Symbolic::bit(true);
  each_conjunct(bit, [&](Term c) {
    if (!known.contains(c.node())) rest = Symbolic::both(rest, c);
  });
  return rest;
}

Obligation oblige(const Relation& relation, const Transition& step, const NodeSet& known) {
  Obligation o;
  o.step = &step;
  o.assumptions.push_back(step.enabled);
  std::map<PropertyId, Term> broken;
  for (const Fault& fault : step.faults) {
    auto [at, added] = broken.try_emplace(fault.failure.property, Symbolic::bit(false));
    at->second = Symbolic::either(at->second, fault.condition);
  }
  const Term sound = Symbolic::negate(step.faulty);
  for (const Invariant& invariant : relation.invariants()) {
    const Term after = remainder(relation.holds_in(invariant, step.next), known);
    if (is_constant(after, true)) continue;
    auto [at, added] = broken.try_emplace(invariant.property, Symbolic::bit(false));
    const Term lost = Symbolic::both(sound, Symbolic::negate(after));
    at->second = Symbolic::either(at->second, lost);
  }
  for (const auto& [property, bit] : broken) o.goals.push_back({property, bit});
  return o;
}

}  // namespace

std::vector<Obligation> obligations(const Relation& relation) {
  relation.arena();
  std::vector<Obligation> all;
  all.push_back(oblige(relation, relation.initial(), {}));
  all.back().base = true;
  all.back().name = "initial";

  NodeSet known;
  for (const Invariant& invariant : relation.invariants()) {
    each_conjunct(invariant.holds, [&](Term c) { known.insert(c.node()); });
  }
  for (const Transition& t : relation.transitions()) {
    Obligation o = oblige(relation, t, known);
    o.name = t.process + ": " + t.program + ": " + t.label;
    for (const Invariant& invariant : relation.invariants()) {
      if (!is_constant(invariant.holds, true)) o.assumptions.push_back(invariant.holds);
    }
    all.push_back(std::move(o));
  }
  return all;
}

Term some_goal(const Relation& relation, const Obligation& obligation) {
  relation.arena();
  Term some = Symbolic::bit(false);
  for (const Goal& goal : obligation.goals) some = Symbolic::either(some, goal.broken);
  return some;
}

}  // namespace iommucheck::checker
