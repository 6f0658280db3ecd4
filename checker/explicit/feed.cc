// SPDX-License-Identifier: MIT
// Cutting a level into blocks.
#include "checker/explicit/feed.h"

#include <algorithm>

namespace iommucheck::checker::explicit_state {

void Feed::start(const Level& level, unsigned workers, std::uint64_t largest_block) {
  level_ = &level;
  // Small enough that all workers end at about the same time.
  constexpr std::uint64_t kBlocksPerWorker = 16;
  block_ = std::clamp<std::uint64_t>(level.states / (workers * kBlocksPerWorker), 1, largest_block);
  first_block_.clear();
  std::uint64_t blocks = 0;
  for (const Run& run : level.runs) {
    first_block_.push_back(blocks);
    blocks += (run.count + block_ - 1) / block_;
  }
  first_block_.push_back(blocks);
  next_.store(0, std::memory_order_relaxed);
}

bool Feed::take(Run& block, unsigned words) {
  // Relaxed: the states are older than start(), which the workers have synchronised with.
  const std::uint64_t number = next_.fetch_add(1, std::memory_order_relaxed);
  if (number >= first_block_.back()) return false;
  const auto after = std::upper_bound(first_block_.begin(), first_block_.end(), number);
  const auto r = static_cast<std::size_t>(after - first_block_.begin()) - 1;
  const Run& run = level_->runs[r];
  const std::uint64_t offset = (number - first_block_[r]) * block_;
  block.first = run.first + offset * words;
  block.count = std::min(block_, run.count - offset);
  return true;
}

std::uint64_t Feed::left() const {
  const std::uint64_t done = next_.load(std::memory_order_relaxed) * block_;
  return done < level_->states ? level_->states - done : 0;
}

}  // namespace iommucheck::checker::explicit_state
