// SPDX-License-Identifier: MIT
// Uniform random schedules and PCT.
#include "checker/schedule/random.h"

#include <algorithm>

namespace iommucheck::schedule {

ThreadId RandomWalk::pick(const Situation& situation) {
  auto left = static_cast<unsigned>(random_() %
                                    static_cast<unsigned>(__builtin_popcount(situation.enabled)));
  ThreadMask mask = situation.enabled;
  while (left-- > 0) mask &= mask - 1;
  return static_cast<ThreadId>(__builtin_ctz(mask));
}

bool Pct::begin() {
  longest_ = std::max(longest_, at_);
  at_ = 0;
  // Above every value that a change gives.
  for (std::uint64_t& priority : priority_) priority = depth_ + random_() / 2 + 1;
  changes_.clear();
  for (unsigned i = 1; i < depth_; ++i) {
    changes_.push_back(static_cast<std::uint32_t>(random_() % longest_) + 1);
  }
  return true;
}

ThreadId Pct::pick(const Situation& situation) {
  ++at_;
  const auto best = [&] {
    ThreadId chosen = kNobody;
    for (ThreadMask left = situation.enabled; left != 0; left &= left - 1) {
      const auto thread = static_cast<ThreadId>(__builtin_ctz(left));
      if (chosen == kNobody || priority_[thread] > priority_[chosen]) chosen = thread;
    }
    return chosen;
  };
  const ThreadId chosen = best();
  const auto change = std::find(changes_.begin(), changes_.end(), at_);
  if (change == changes_.end()) return chosen;
  priority_[chosen] = static_cast<std::uint64_t>(change - changes_.begin());
  return best();
}

}  // namespace iommucheck::schedule
