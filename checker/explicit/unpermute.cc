// SPDX-License-Identifier: MIT
// Walking forward along the orbits of a path.
#include "checker/explicit/unpermute.h"

#include <cstring>
#include <stdexcept>

namespace iommucheck::checker::explicit_state {

namespace {

/// Looks for a step from a state into an orbit.
class Step {
 public:
  Step(PackedState target, const Failure* failure, std::optional<std::uint16_t> process,
       const Form& form)
      : target_(canonical(std::move(target), form)),
        failure_(failure),
        process_(process),
        form_(form) {}

  static PackedState canonical(PackedState state, const Form& form) {
    form(state.data());
    return state;
  }
  const std::optional<PathStep>& best() const { return best_; }

  // For expand():
  void successor(ActionId action, StateView next) {
    if (failure_ == nullptr) consider(action, next);
  }
  void violation(ActionId action, const Failure& failure, StateView next) {
    if (failure_ == nullptr || failure.property != failure_->property) return;
    if (std::strcmp(failure.detail, failure_->detail) == 0) consider(action, next);
  }
  void stuck(const Failure&) {}

 private:
  void consider(ActionId action, StateView next) {
    // The first one by that process, else the first one of all.
    if (best_ && (action.process != process_ || best_->action.process == process_)) return;
    PackedState state(next.begin(), next.end());
    if (canonical(state, form_) == target_) best_ = PathStep{action, std::move(state)};
  }

  PackedState target_;
  const Failure* failure_;
  std::optional<std::uint16_t> process_;
  const Form& form_;
  std::optional<PathStep> best_;
};

}  // namespace

Path unpermute(Machine<Concrete>& machine, const Path& path, bool fails_in_step, const Form& form) {
  const auto lost = [] {
    return std::runtime_error(
        "a path found with symmetry or slicing is no path of the machine: it is not symmetric in "
        "these sorts, although the states looked at did not show it, or it reads a field that was "
        "left out.  Run it without --symmetry and --slice");
  };
  Path real;
  real.failure = path.failure;
  const PackedState start = Step::canonical(path.initial, form);
  initial_states(machine, [&](StateView state) {
    PackedState candidate(state.begin(), state.end());
    if (real.initial.empty() && Step::canonical(candidate, form) == start)
      real.initial = std::move(candidate);
  });
  if (real.initial.empty()) throw lost();
  PackedState state = real.initial;
  std::optional<std::uint16_t> process;
  for (std::size_t i = 0; i < path.steps.size(); ++i) {
    const bool fails = fails_in_step && i + 1 == path.steps.size();
    Step step(path.steps[i].after, fails ? &path.failure : nullptr, process, form);
    expand(machine, state, step);
    if (!step.best()) throw lost();
    real.steps.push_back(*step.best());
    state = real.steps.back().after;
    process = real.steps.back().action.process;
  }
  return real;
}

}  // namespace iommucheck::checker::explicit_state
