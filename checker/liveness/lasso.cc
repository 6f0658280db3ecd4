// SPDX-License-Identifier: MIT
// Taking a lasso again.
#include <fmt/format.h>

#include <algorithm>

#include "checker/liveness/assumptions.h"

namespace iommucheck::checker {
namespace {

using liveness::Assumptions;
using liveness::FairMask;

/// What can be done in one state.
struct Enabled {
  const Assumptions& assumptions;
  std::uint32_t idle;
  ActionId wanted;
  const PackedState* after;
  bool found = false;    ///< the wanted step is there
  bool obliged = false;  ///< a process that is not idle can take a step
  FairMask fair = 0;     ///< assumptions with an enabled step

  void successor(ActionId id, StateView next) {
    note(id);
    found = found || (after != nullptr && id == wanted &&
                      std::equal(next.begin(), next.end(), after->begin(), after->end()));
  }
  // A step that fails is enabled, but leads nowhere.
  void violation(ActionId id, const Failure&, StateView) { note(id); }
  void stuck(const Failure&) {}

 private:
  void note(ActionId id) {
    const auto action = assumptions.action(assumptions.number(id, (idle >> id.process & 1U) != 0));
    fair |= action.fair;
    obliged = obliged || !action.optional;
  }
};

Enabled look(Machine<Concrete>& machine, const Assumptions& assumptions, const PackedState& state,
             const PathStep* step) {
  Enabled enabled{assumptions, liveness::idle_processes(machine, state),
                  step == nullptr ? ActionId{} : step->action,
                  step == nullptr ? nullptr : &step->after};
  expand(machine, state, enabled);
  return enabled;
}

bool holds(Machine<Concrete>& machine, const PackedState& state,
           const std::function<Bool<Concrete>(unsigned)>& predicate, unsigned which) {
  std::copy(state.begin(), state.end(), machine.context.words.begin());
  machine.context.begin_step();
  return predicate(which).bit();
}

/// What the cycle does for one assumption.
struct Kept {
  std::size_t taken = 0;     ///< the number of a step of the set on the cycle; 0: there is none
  std::size_t disabled = 0;  ///< 1 + the number of steps after which none of the set is enabled
  bool enabled = false;      ///< somewhere on the cycle
};

/// A lasso as one sequence of states: state i is the one after i steps.
class Walk {
 public:
  Walk(Machine<Concrete>& machine, const Lasso& lasso)
      : machine_(machine),
        lasso_(lasso),
        assumptions_(machine, lasso.fairness),
        kept_(assumptions_.size()) {}

  const Assumptions& assumptions() const { return assumptions_; }
  const std::vector<Kept>& kept() const { return kept_; }

  /// What is wrong; "" if the lasso is what it says.
  std::string wrong();

 private:
  std::size_t knot() const { return lasso_.stem.size(); }
  std::size_t steps() const { return lasso_.stem.size() + lasso_.cycle.size(); }
  const PathStep& step(std::size_t i) const {
    return i < knot() ? lasso_.stem[i] : lasso_.cycle[i - knot()];
  }
  const PackedState& state(std::size_t i) const {
    return i == 0 ? lasso_.initial : step(i - 1).after;
  }
  std::string wrong_steps();
  std::string wrong_property();
  std::string wrong_fairness();

  Machine<Concrete>& machine_;
  const Lasso& lasso_;
  Assumptions assumptions_;
  std::vector<Kept> kept_;
};

std::string Walk::wrong_steps() {
  const unsigned words = machine_.schema.words();
  for (std::size_t i = 0; i <= steps(); ++i) {
    if (state(i).size() != words) return fmt::format("state {} has another size", i);
  }
  bool starts = false;
  initial_states(machine_, [&](StateView s) {
    starts = starts || std::equal(s.begin(), s.end(), lasso_.initial.begin(), lasso_.initial.end());
  });
  if (!starts) return "the lasso does not begin in an initial state";
  for (std::size_t i = 0; i <= steps(); ++i) {
    const bool last = i == steps();
    const Enabled enabled = look(machine_, assumptions_, state(i), last ? nullptr : &step(i));
    if (!last && !enabled.found) return fmt::format("step {} is no step of the machine", i + 1);
    if (i >= knot()) {
      for (std::size_t a = 0; a < kept_.size(); ++a) {
        const bool can = (enabled.fair >> a & 1U) != 0;
        kept_[a].enabled = kept_[a].enabled || can;
        if (!can && kept_[a].disabled == 0) kept_[a].disabled = i + 1;
      }
    }
    if (i >= knot() && !last) {
      const bool idle = (enabled.idle >> step(i).action.process & 1U) != 0;
      const FairMask fair = assumptions_.action(assumptions_.number(step(i).action, idle)).fair;
      for (std::size_t a = 0; a < kept_.size(); ++a) {
        if ((fair >> a & 1U) != 0 && kept_[a].taken == 0) kept_[a].taken = i + 1;
      }
    }
    if (last && lasso_.cycle.empty() && enabled.obliged)
      return "the run rests where a process that is not idle can take a step";
  }
  if (state(steps()) != state(knot())) return "the cycle does not close";
  return "";
}

std::string Walk::wrong_property() {
  if (lasso_.property >= machine_.liveness().size()) return "there is no such property";
  const auto& property = machine_.liveness()[lasso_.property];
  if (lasso_.which >= property.cases.size()) return "the property has no such case";
  bool pending = false;
  for (std::size_t i = 0; i <= steps(); ++i) {
    const bool q = holds(machine_, state(i), property.q, lasso_.which);
    if (q && i >= knot()) return fmt::format("what has to happen is so after step {}", i);
    pending = !q && (pending || holds(machine_, state(i), property.p, lasso_.which));
  }
  return pending ? "" : "nothing has to happen in this run";
}

std::string Walk::wrong_fairness() {
  for (std::size_t a = 0; a < kept_.size(); ++a) {
    const bool is_weak = (assumptions_.weak() >> a & 1U) != 0;
    const bool kept = kept_[a].taken != 0 || (is_weak ? kept_[a].disabled != 0 : !kept_[a].enabled);
    if (!kept)
      return fmt::format("the cycle is not fair ({}) to {}", is_weak ? "weakly" : "strongly",
                         assumptions_.name(a));
  }
  return "";
}

std::string Walk::wrong() {
  std::string text = wrong_steps();
  if (text.empty()) text = wrong_property();
  if (text.empty()) text = wrong_fairness();
  return text;
}

}  // namespace

bool replays(Machine<Concrete>& machine, const Lasso& lasso, std::string* why) {
  std::string wrong = Walk(machine, lasso).wrong();
  const bool fits = wrong.empty();
  if (why != nullptr) *why = std::move(wrong);
  return fits;
}

std::vector<std::string> honoured(Machine<Concrete>& machine, const Lasso& lasso) {
  Walk walk(machine, lasso);
  std::vector<std::string> lines;
  if (!walk.wrong().empty()) return lines;
  for (std::size_t a = 0; a < walk.kept().size(); ++a) {
    const Kept& kept = walk.kept()[a];
    const bool is_weak = (walk.assumptions().weak() >> a & 1U) != 0;
    std::string how;
    if (kept.taken != 0) {
      how = fmt::format("takes step {}", kept.taken);
    } else if (!kept.enabled) {
      how = lasso.cycle.empty() ? "cannot go on" : "cannot go on anywhere on the cycle";
    } else {
      how = fmt::format("cannot go on right after step {}", kept.disabled - 1);
    }
    lines.push_back(
        fmt::format("{} ({}): {}", walk.assumptions().name(a), is_weak ? "weak" : "strong", how));
  }
  return lines;
}

}  // namespace iommucheck::checker
