// SPDX-License-Identifier: MIT
// Verdicts, and taking a path again.
#include "checker/report.h"

#include "checker/wedged.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace iommucheck::checker {

std::string_view name(Verdict verdict) {
  static constexpr std::array<std::string_view, 4> kNames{"violated", "holds", "proved", "unknown"};
  return kNames.at(static_cast<std::size_t>(verdict));
}

int exit_code(Verdict verdict) {
  switch (verdict) {
    case Verdict::violated: return 1;
    case Verdict::unknown: return 2;
    case Verdict::holds:
    case Verdict::proved: break;
  }
  return 0;
}

namespace {

bool same(StateView a, const PackedState& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

bool same(const Failure& a, const Failure& b) {
  return a.property == b.property && std::strcmp(a.detail, b.detail) == 0;
}

/// Looks for one expected step among those of a state.
struct StepFinder {
  ActionId action;
  const PackedState& after;
  const Failure& failure;
  bool last;
  bool found = false, failed = false, stuck_found = false;

  void successor(ActionId a, StateView next) {
    found = found || (a == action && same(next, after));
  }
  void violation(ActionId a, const Failure& f, StateView next) {
    failed = failed || (last && a == action && same(f, failure) && same(next, after));
  }
  void stuck(const Failure& f) { stuck_found = stuck_found || same(f, failure); }
};

}  // namespace

/// States behind the end of a path that are looked at.
constexpr std::uint64_t kReplayedWedge = 1'000'000;

bool replays(Machine<Concrete>& machine, const Path& path, std::string* why) {
  const auto no = [&](std::string text) {
    if (why != nullptr) *why = std::move(text);
    return false;
  };
  const unsigned words = machine.schema.words();
  if (path.initial.size() != words) return no("the initial state has another size");
  bool starts = false;
  initial_states(machine, [&](StateView s) { starts = starts || same(s, path.initial); });
  if (!starts) return no("the path does not begin in an initial state");

  PackedState state = path.initial;
  bool failed_in_step = false;
  for (std::size_t i = 0; i < path.steps.size(); ++i) {
    const PathStep& step = path.steps[i];
    if (step.after.size() != words)
      return no(fmt::format("step {} has a state of another size", i + 1));
    const bool last = i + 1 == path.steps.size();
    StepFinder finder{step.action, step.after, path.failure, last};
    expand(machine, state, finder);
    // Another choice of the same step may lead to the same state without a failure.
    failed_in_step = finder.failed;
    if (!finder.found && !finder.failed)
      return no(fmt::format("step {} is no step of the machine", i + 1));
    state = step.after;
  }
  if (failed_in_step) return true;
  if (const auto broken = broken_invariant(machine, state); broken && same(*broken, path.failure))
    return true;
  static const PackedState kNone;
  StepFinder end{{}, kNone, path.failure, false};
  expand(machine, state, end);
  if (end.stuck_found) return true;
  const bool stuck = machine.deadlock && path.failure.property == *machine.deadlock;
  if (stuck && is_wedged(machine, state, kReplayedWedge)) return true;
  return no("the last state does not violate the property");
}

}  // namespace iommucheck::checker
