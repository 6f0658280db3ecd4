// SPDX-License-Identifier: MIT
// Looking for predecessors, level by level.
#include "checker/explicit/backtrack.h"

#include <algorithm>
#include <array>
#include <compare>
#include <optional>
#include <stdexcept>
#include <string>

#include "checker/explicit/bytes.h"
#include "checker/explicit/intern.h"

namespace iommucheck::checker::explicit_state {

namespace {

struct Predecessor {
  bool switches = false;  ///< the step after it is taken by another process
  PackedState state;
  ActionId action;
};

/// Keeps the best predecessor of one state; for one worker.
class Finder {
 public:
  Finder(const PackedState& target, std::optional<std::uint16_t> next_process, const Form* form)
      : target_(&target), next_process_(next_process), form_(form) {}

  void look_at(Machine<Concrete>& machine, StateView state) {
    state_ = state;
    expand(machine, state, *this);
  }
  void merge(const Finder& other) {
    if (!other.best_) return;
    state_ = other.best_->state;
    consider(other.best_->action, other.best_->switches);
  }
  const std::optional<Predecessor>& best() const { return best_; }
  /// For other ranks; empty: none.
  std::string bytes() const {
    if (!best_) return {};
    BytesWriter writer;
    writer.number(best_->switches ? 1 : 0).numbers(best_->state);
    return writer.number(best_->action.process).number(best_->action.step).bytes();
  }
  void merge(const std::string& bytes) {
    if (bytes.empty()) return;
    BytesReader reader(bytes);
    const bool switches = reader.number() != 0;
    const PackedState state = reader.numbers();
    ActionId action;
    action.process = static_cast<std::uint16_t>(reader.number());
    action.step = static_cast<std::uint16_t>(reader.number());
    state_ = state;
    consider(action, switches);
  }

  // For expand():
  void successor(ActionId action, StateView next) {
    std::array<std::uint64_t, Schema::kMaxWords> words;
    if (form_ != nullptr) {
      std::copy(next.begin(), next.end(), words.begin());
      (*form_)(words.data());
      next = {words.data(), next.size()};
    }
    if (!std::equal(next.begin(), next.end(), target_->begin())) return;
    consider(action, next_process_ && action.process != *next_process_);
  }
  void violation(ActionId, const Failure&, StateView) {}
  void stuck(const Failure&) {}

 private:
  void consider(ActionId action, bool switches) {
    if (best_) {
      std::strong_ordering order = switches <=> best_->switches;
      if (order == 0) {
        order = std::lexicographical_compare_three_way(state_.begin(), state_.end(),
                                                       best_->state.begin(), best_->state.end());
      }
      if (order == 0) order = action <=> best_->action;
      if (order >= 0) return;
    }
    best_ = Predecessor{switches, {state_.begin(), state_.end()}, action};
  }

  const PackedState* target_;
  std::optional<std::uint16_t> next_process_;
  const Form* form_;
  StateView state_;
  std::optional<Predecessor> best_;
};

Predecessor predecessor(const Finder& start, const Level& level, const Machines& machines,
                        Team& team, Exchange* exchange) {
  std::vector<Finder> finders(team.size(), start);
  Feed feed;
  feed.start(level, team.size());
  const auto look = [&](unsigned w) {
    Machine<Concrete>& machine = *machines[w];
    const unsigned words = machine.schema.words();
    Finder finder = start;  // on this thread's own stack
    for (Run block; feed.take(block, words);) {
      for (std::uint64_t i = 0; i < block.count; ++i) {
        finder.look_at(machine, {block.first + i * words, words});
      }
    }
    finders[w] = finder;
  };
  constexpr std::uint64_t kAlone = 128;  // waking the team would cost more
  if (level.states < kAlone) {
    look(0);
  } else {
    team.run(look);
  }
  Finder best = start;
  for (const Finder& finder : finders) best.merge(finder);
  if (exchange != nullptr) {
    for (const std::string& bytes : exchange->all_gather(best.bytes())) best.merge(bytes);
  }
  if (!best.best()) {
    throw std::logic_error(
        "a state that was reached has no predecessor when its level is expanded again.  Steps must "
        "depend on variables and choices only: look for state kept in C++ variables.");
  }
  return *best.best();
}

}  // namespace

Path way_to(const Violation& violation, std::span<const Level> levels, const Machines& machines,
            const Form* form, Team& team, Exchange* exchange) {
  Path path;
  path.failure = {violation.failure.property, intern(violation.failure.detail)};
  PackedState state = violation.state;
  std::optional<std::uint16_t> next_process;
  if (violation.in_step) {
    path.steps.push_back({violation.action, violation.after});
    next_process = violation.action.process;
  }
  for (std::size_t level = levels.size() - 1; level-- > 0;) {
    const Finder start(state, next_process, form);
    Predecessor found = predecessor(start, levels[level], machines, team, exchange);
    path.steps.push_back({found.action, std::move(state)});
    state = std::move(found.state);
    next_process = found.action.process;
  }
  path.initial = std::move(state);
  std::reverse(path.steps.begin(), path.steps.end());
  return path;
}

}  // namespace iommucheck::checker::explicit_state
