// SPDX-License-Identifier: MIT
// Feed: hands the states of a level out to the workers, block by block.
//
// take() and left() may be called by many threads at once; start() by one alone.
#ifndef IOMMUCHECK_CHECKER_EXPLICIT_FEED_H
#define IOMMUCHECK_CHECKER_EXPLICIT_FEED_H

#include <atomic>
#include <vector>

#include "checker/explicit/state_store.h"

namespace iommucheck::checker::explicit_state {

/// The states at one distance from the initial ones: no copies, but pieces of the store.
struct Level {
  std::vector<Run> runs;
  std::uint64_t states = 0;

  void add(const StateWriter& writer, std::uint64_t first, std::uint64_t last) {
    writer.runs(first, last, runs);
    states += last - first;
  }
};

class Feed {
 public:
  static constexpr std::uint64_t kLargestBlock = 256;

  /// Hands out the states of `level`, which must stay, to `workers` workers.
  void start(const Level& level, unsigned workers, std::uint64_t largest_block = kLargestBlock);
  /// The next block; false at the end.
  bool take(Run& block, unsigned words);
  /// About how many states have not been handed out.
  std::uint64_t left() const;

 private:
  const Level* level_ = nullptr;
  std::uint64_t block_ = 1;                 ///< states of a block
  std::vector<std::uint64_t> first_block_;  ///< of each run, and the number of all blocks
  std::atomic<std::uint64_t> next_ = 0;
};

}  // namespace iommucheck::checker::explicit_state

#endif  // IOMMUCHECK_CHECKER_EXPLICIT_FEED_H
