// SPDX-License-Identifier: MIT
// A fair run stays for ever in the largest set of states each of which can, without leaving the
// set, take a step, and get to where each assumption is honoured.
#include "tests/checker/liveness/machine_oracle.h"

#include <map>
#include <set>
#include <stdexcept>

namespace iommucheck::checker {
namespace {

struct Step {
  std::size_t from, to;
  ActionId action;
  bool idle;  ///< the process was
};
using Set = std::set<std::size_t>;

struct Explorer {
  Machine<Concrete>& machine;
  std::size_t most;
  std::map<PackedState, std::size_t> number;
  std::vector<PackedState> states;
  std::vector<Step> steps;
  std::size_t at = 0;
  std::set<unsigned> idle;
  bool failed = false;

  std::size_t add(StateView view) {
    const PackedState state(view.begin(), view.end());
    const auto [entry, is_new] = number.emplace(state, states.size());
    if (is_new) states.push_back(state);
    if (states.size() > most) throw std::length_error("too many states for the oracle");
    return entry->second;
  }
  void successor(ActionId a, StateView next) {
    steps.push_back({at, add(next), a, idle.contains(a.process)});
  }
  void violation(ActionId, const Failure&, StateView) { failed = true; }
  void stuck(const Failure&) {}

  void run() {
    initial_states(machine, [&](StateView s) { add(s); });
    for (at = 0; at < states.size() && !failed; ++at) {
      const PackedState state = states[at];
      idle.clear();
      load(state);
      for (unsigned p = 0; p < machine.processes().size(); ++p) {
        const auto* pc = machine.processes()[p].pc;
        if (pc != nullptr && pc->value().word() == 0) idle.insert(p);
      }
      expand(machine, state, *this);
    }
  }
  void load(const PackedState& state) {
    std::copy(state.begin(), state.end(), machine.context.words.begin());
    machine.context.begin_step();
  }
  Set where(const std::function<Bool<Concrete>(unsigned)>& predicate, unsigned which) {
    Set set;
    for (std::size_t s = 0; s < states.size(); ++s) {
      load(states[s]);
      if (predicate(which).bit()) set.insert(s);
    }
    return set;
  }
};

/// One assumption: the states where it can be kept by not being enabled, and the steps that keep
/// it.
struct Wanted {
  bool strong;
  std::vector<bool> keeps;  ///< by step
  Set enabled;
};

std::vector<Wanted> wanted(const Machine<Concrete>& machine, const std::vector<Step>& steps,
                           Assume assume) {
  std::vector<Wanted> all;
  const auto add = [&](bool strong, const std::function<bool(const Step&)>& is) {
    Wanted w{strong, {}, {}};
    for (const Step& step : steps) {
      w.keeps.push_back(is(step));
      if (w.keeps.back()) w.enabled.insert(step.from);
    }
    all.push_back(w);
  };
  for (const Fairness& f : machine.fairness()) {
    const bool strong = f.kind == Fair::strong;
    if (assume == Assume::none || (strong && assume == Assume::weak)) continue;
    const Code& code = *machine.processes()[f.process].code;
    const auto belongs = [&](const Step& s) {
      return s.action.process == f.process && !s.idle && (!f.which || f.which(code[s.action.step]));
    };
    if (!f.each) {
      add(strong, belongs);
      continue;
    }
    for (std::size_t i = 0; i < code.size(); ++i)
      add(strong, [&](const Step& s) { return s.action.step == i && belongs(s); });
  }
  return all;
}

/// The states of `within` from which `goal` is reached by steps inside `within`.
Set can_reach(const Set& goal, const Set& within, const std::vector<std::vector<std::size_t>>& into,
              const std::vector<Step>& steps) {
  Set reached = goal;
  std::vector<std::size_t> queue(goal.begin(), goal.end());
  while (!queue.empty()) {
    const std::size_t s = queue.back();
    queue.pop_back();
    for (const std::size_t e : into[s]) {
      if (within.contains(steps[e].from) && reached.insert(steps[e].from).second)
        queue.push_back(steps[e].from);
    }
  }
  return reached;
}

/// The states from which a fair infinite run exists inside `region`.
Set fair_states(const Set& region, const std::vector<Step>& steps, const std::vector<Wanted>& wants,
                const std::vector<std::vector<std::size_t>>& into) {
  Set set = region;
  for (std::size_t before = set.size() + 1; before != set.size();) {
    before = set.size();
    Set next;
    for (const Step& s : steps) {
      if (set.contains(s.from) && set.contains(s.to)) next.insert(s.from);
    }
    set = next;
    for (const Wanted& w : wants) {
      Set goal;
      for (std::size_t e = 0; e < steps.size(); ++e) {
        if (w.keeps[e] && set.contains(steps[e].from) && set.contains(steps[e].to))
          goal.insert(steps[e].from);
      }
      if (!w.strong) {
        for (const std::size_t s : set) {
          if (!w.enabled.contains(s)) goal.insert(s);
        }
      }
      const Set good = can_reach(goal, set, into, steps);
      // Strong fairness wants nothing of states in which it is not enabled.
      std::erase_if(set, [&](std::size_t s) {
        return !good.contains(s) && (!w.strong || w.enabled.contains(s));
      });
    }
  }
  return set;
}

}  // namespace

Verdict oracle_verdict(Machine<Concrete>& machine, std::size_t property, Assume assume,
                       std::size_t most) {
  Explorer all{machine, most, {}, {}, {}, 0, {}, false};
  all.run();
  if (all.failed) return Verdict::unknown;
  const std::vector<Wanted> wants = wanted(machine, all.steps, assume);
  std::vector<std::vector<std::size_t>> into(all.states.size());
  for (std::size_t e = 0; e < all.steps.size(); ++e) into[all.steps[e].to].push_back(e);
  // Where a run has to go on: a step of a process that is not idle, or one that is wanted.
  Set obliged;
  for (const Step& s : all.steps) {
    if (!s.idle) obliged.insert(s.from);
  }
  const auto& promise = machine.liveness()[property];
  for (unsigned c = 0; c < promise.cases.size(); ++c) {
    const Set p = all.where(promise.p, c);
    const Set q = all.where(promise.q, c);
    Set region, rest;
    for (std::size_t s = 0; s < all.states.size(); ++s) {
      if (q.contains(s)) continue;
      region.insert(s);
      if (!obliged.contains(s)) rest.insert(s);
    }
    Set bad = fair_states(region, all.steps, wants, into);
    bad.insert(rest.begin(), rest.end());
    for (const std::size_t s : can_reach(bad, region, into, all.steps)) {
      if (p.contains(s)) return Verdict::violated;  // every state is reachable
    }
  }
  return Verdict::holds;
}

}  // namespace iommucheck::checker
