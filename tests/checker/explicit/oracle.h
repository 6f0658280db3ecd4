// SPDX-License-Identifier: MIT
// The oracle: a slow and simple breadth-first search, for comparison with the engine.
#ifndef IOMMUCHECK_TESTS_CHECKER_EXPLICIT_ORACLE_H
#define IOMMUCHECK_TESTS_CHECKER_EXPLICIT_ORACLE_H

#include <map>
#include <set>
#include <tuple>

#include "checker/report.h"

namespace iommucheck::checker {

/// What is compared, and printed where it differs.
struct Answer {
  std::uint64_t states = 0, transitions = 0, depth = 0;
  bool violated = false;
  std::vector<std::uint64_t> taken;
  std::string path;
  friend bool operator==(const Answer&, const Answer&) = default;
};

inline std::ostream& operator<<(std::ostream& out, const Answer& a) {
  out << a.states << " states, " << a.transitions << " transitions, depth " << a.depth
      << (a.violated ? ", violated" : ", holds") << ", steps taken:";
  for (const auto n : a.taken) out << ' ' << n;
  return out << '\n' << a.path;
}

inline std::string print(const Path& path) {
  std::string text;
  const auto add = [&](const PackedState& state) {
    for (const std::uint64_t word : state) text += fmt::format(" {:x}", word);
  };
  add(path.initial);
  for (const PathStep& step : path.steps) {
    text += fmt::format("\n{}.{}:", step.action.process, step.action.step);
    add(step.after);
  }
  const auto property = static_cast<unsigned>(path.failure.property);
  return text + fmt::format("\nproperty {}: {}", property, path.failure.detail);
}

/// The engine's result, as far as the oracle knows it.
inline Answer answer(const Exploration& e) {
  Answer a{e.states, e.transitions, e.depth, e.verdict == Verdict::violated, {}, ""};
  for (const StepCoverage& step : e.coverage) a.taken.push_back(step.taken);
  if (e.path) a.path = print(*e.path);
  return a;
}

class Oracle {
 public:
  explicit Oracle(Machine<Concrete>& machine) : machine_(machine) {
    for (const auto& process : machine.processes()) {
      if (!offset_.contains(process.code)) {
        offset_[process.code] = answer_.taken.size();
        answer_.taken.resize(answer_.taken.size() + process.code->size());
      }
    }
  }

  Answer run(bool stop_at_violation = true) {
    std::set<PackedState> level;
    initial_states(machine_, [&](StateView s) { level.insert(PackedState(s.begin(), s.end())); });
    seen_ = level;
    while (!level.empty()) {
      levels_.push_back(level);
      if (first_ && stop_at_violation) break;
      std::vector<Found> found;
      std::set<PackedState> next;
      for (const PackedState& state : level) expand_one(state, next, found);
      if (!first_ && !found.empty()) {
        first_ = *std::min_element(found.begin(), found.end());
        first_level_ = levels_.size() - 1;
      }
      level = std::move(next);
    }
    answer_.states = seen_.size();
    answer_.depth = levels_.size() - 1;
    answer_.violated = first_.has_value();
    if (first_) answer_.path = print(path());
    return answer_;
  }

 private:
  // in a step, state, action, property, detail, state after
  using Found = std::tuple<bool, PackedState, ActionId, PropertyId, std::string, PackedState>;

  struct Visit {
    std::function<void(ActionId, PackedState)> next;
    std::function<void(ActionId, Failure, PackedState)> wrong;
    std::function<void(Failure)> end;
    void successor(ActionId a, StateView s) { next(a, PackedState(s.begin(), s.end())); }
    void violation(ActionId a, const Failure& f, StateView s) {
      wrong(a, f, PackedState(s.begin(), s.end()));
    }
    void stuck(const Failure& f) { end(f); }
  };

  void expand_one(const PackedState& state, std::set<PackedState>& next,
                  std::vector<Found>& found) {
    const auto in_state = [&](const Failure& f) {
      found.emplace_back(false, state, ActionId{}, f.property, f.detail, PackedState{});
    };
    if (const auto broken = broken_invariant(machine_, state)) in_state(*broken);
    const auto count = [&](ActionId a) {
      ++answer_.transitions;
      ++answer_.taken[offset_[machine_.processes()[a.process].code] + a.step];
    };
    expand(machine_, state,
           Visit{[&](ActionId a, PackedState s) {
                   count(a);
                   if (seen_.insert(s).second) next.insert(std::move(s));
                 },
                 [&](ActionId a, const Failure& f, PackedState s) {
                   count(a);
                   found.emplace_back(true, state, a, f.property, f.detail, std::move(s));
                 },
                 in_state});
  }

  Path path() {
    const auto& [in_step, last, action, property, detail, after] = *first_;
    Path path{last, {}, {property, detail.c_str()}};
    if (in_step) path.steps.push_back({action, after});
    for (std::size_t l = first_level_; l-- > 0;) {
      // another process, state, action
      std::set<std::tuple<bool, PackedState, ActionId>> before;
      for (const PackedState& state : levels_[l]) {
        expand(machine_, state,
               Visit{[&](ActionId a, const PackedState& s) {
                       if (s != path.initial) return;
                       const bool switches =
                           !path.steps.empty() && path.steps.front().action.process != a.process;
                       before.emplace(switches, state, a);
                     },
                     [](ActionId, Failure, const PackedState&) {}, [](Failure) {}});
      }
      const auto& [switches, state, a] = *before.begin();
      path.steps.insert(path.steps.begin(), {a, path.initial});
      path.initial = state;
    }
    return path;
  }

  Machine<Concrete>& machine_;
  std::map<const Code*, std::size_t> offset_;
  std::set<PackedState> seen_;
  std::vector<std::set<PackedState>> levels_;
  std::optional<Found> first_;
  std::size_t first_level_ = 0;
  Answer answer_;
};

}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_TESTS_CHECKER_EXPLICIT_ORACLE_H
