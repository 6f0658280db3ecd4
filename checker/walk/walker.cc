// SPDX-License-Identifier: MIT
// One walk.
#include "checker/walk/walker.h"

#include <algorithm>
#include <stdexcept>

#include "checker/explicit/intern.h"
#include "checker/explicit/words.h"

namespace iommucheck::checker::walking {

void Tally::merge(const Tally& other) {
  walks += other.walks;
  steps += other.steps;
  longest = std::max(longest, other.longest);
  ended += other.ended;
  states.merge(other.states);
  taken.resize(other.taken.size());
  for (std::size_t s = 0; s < taken.size(); ++s) taken[s] += other.taken[s];
  if (other.path) path = other.path;
}

Walker::Walker(std::unique_ptr<Machine<Concrete>> machine)
    : machine_(std::move(machine)), steps_(*machine_) {
  initial_states(*machine_, [this](StateView state) {
    if (machine_->context.failed()) {
      throw std::logic_error(
          std::string{"an initial state of the machine fails: "} +
          machine_->context.failure().detail +
          ".  Machine::initial must give values that are in range: check the bounds.");
    }
    starts_.emplace_back(state.begin(), state.end());
  });
}

Tally Walker::walk(Random random, std::uint64_t depth, const std::function<bool()>& late) {
  constexpr std::uint64_t kLookAtClock = 256;  // steps: a fraction of a millisecond
  using explicit_state::Width;
  Tally tally;
  tally.walks = 1;
  tally.taken.resize(steps_.size());
  actions_.clear();
  words_.clear();
  initial_ = starts_.at(random.below(static_cast<std::uint32_t>(starts_.size())));
  state_ = initial_;
  for (;;) {
    tally.states.add(
        explicit_state::hash(Width<0>(static_cast<unsigned>(state_.size())), state_.data()));
    successors_.look(*machine_, state_);
    if (successors_.wrong()) {
      tally.path = path_to(*successors_.wrong());
      break;
    }
    if (successors_.size() == 0) {
      tally.ended = 1;
      break;
    }
    if (tally.steps == depth || (tally.steps % kLookAtClock == kLookAtClock - 1 && late())) break;
    const std::uint32_t i = choose(random);
    const ActionId action = successors_.move(i).action;
    const StateView next = successors_.state(i);
    ++tally.steps;
    ++tally.taken[steps_.base()[action.process] + action.step];
    actions_.push_back(action);
    words_.insert(words_.end(), next.begin(), next.end());
    state_.assign(next.begin(), next.end());
  }
  tally.longest = tally.steps;
  return tally;
}

std::uint32_t Walker::choose(Random& random) const {
  const auto process = [this](std::uint32_t i) { return successors_.move(i).action.process; };
  std::uint32_t processes = 1;
  for (std::uint32_t i = 1; i < successors_.size(); ++i) processes += process(i) != process(i - 1);
  std::uint32_t chosen = random.below(processes);
  std::uint32_t first = 0;
  for (; chosen != 0; ++first) chosen -= process(first + 1) != process(first);
  std::uint32_t last = first + 1;
  while (last < successors_.size() && process(last) == process(first)) ++last;
  return first + random.below(last - first);
}

Path Walker::path_to(const Wrong& wrong) const {
  Path path{initial_, {}, {wrong.failure.property, explicit_state::intern(wrong.failure.detail)}};
  const std::size_t width = initial_.size();
  for (std::size_t i = 0; i < actions_.size(); ++i) {
    const auto* const state = words_.data() + i * width;
    path.steps.push_back({actions_[i], {state, state + width}});
  }
  if (wrong.step) path.steps.push_back(*wrong.step);
  return path;
}

}  // namespace iommucheck::checker::walking
