// SPDX-License-Identifier: MIT
// Following a schedule step by step.
#include "checker/schedule/replay.h"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

namespace iommucheck::schedule {

bool Replay::begin() {
  if (next_ == schedules_.size()) return false;
  ++next_;
  at_ = 0;
  return true;
}

ThreadId Replay::pick(const Situation& situation) {
  if (at_ >= now().steps.size()) {
    ++at_;
    const bool same =
        situation.current != kNobody && (situation.enabled & mask_of(situation.current)) != 0;
    return same ? situation.current : static_cast<ThreadId>(__builtin_ctz(situation.enabled));
  }
  const std::string& path = now().steps[at_].thread;
  const auto place = std::find(situation.paths->begin(), situation.paths->end(), path);
  const auto thread = static_cast<ThreadId>(place - situation.paths->begin());
  if (place == situation.paths->end() || (situation.enabled & mask_of(thread)) == 0) {
    throw std::invalid_argument{fmt::format(
        "the schedule does not fit: at its step {} thread {} cannot go on; it belongs to another "
        "program, another source or another compiler",
        at_ + 1, path)};
  }
  if (now().steps[at_].alternative != 0 && (*situation.pending)[thread].kind != Kind::choose) {
    throw std::invalid_argument{fmt::format(
        "the schedule does not fit: its step {} takes an alternative, and thread {} has no choice "
        "there",
        at_ + 1, path)};
  }
  ++at_;
  return thread;
}

unsigned Replay::choose(unsigned alternatives) {
  const std::size_t step = at_ - 1;
  if (step >= now().steps.size()) return 0;
  const unsigned alternative = now().steps[step].alternative;
  if (alternative >= alternatives) {
    throw std::invalid_argument{
        fmt::format("the schedule does not fit: its step {} takes alternative {} of {}", step + 1,
                    alternative, alternatives)};
  }
  return alternative;
}

void Replay::end(Ending ending) {
  if (ending == Ending::cut || at_ >= now().steps.size()) return;
  throw std::invalid_argument{
      fmt::format("the schedule does not fit: it has {} steps, and the execution ends behind {}",
                  now().steps.size(), at_)};
}

}  // namespace iommucheck::schedule
