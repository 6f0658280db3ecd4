// SPDX-License-Identifier: MIT
// StateStore: the states of the levels, written one after the other, in chunks of one worker each.
//
// A state is read once more, when it is expanded, and then perhaps for a path: chunks of levels
// that are done can be given back.  Each worker appends through its own StateWriter; what it wrote
// may be read by others when the workers have met.
#ifndef IOMMUCHECK_CHECKER_EXPLICIT_STATE_STORE_H
#define IOMMUCHECK_CHECKER_EXPLICIT_STATE_STORE_H

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

#include "checker/explicit/pages.h"

namespace iommucheck::checker::explicit_state {

/// States that lie one after the other.
struct Run {
  const std::uint64_t* first = nullptr;
  std::uint64_t count = 0;
};

class StateStore {
 public:
  static constexpr std::uint64_t kChunkStates = std::uint64_t{1} << 14;

  explicit StateStore(unsigned words) : words_(words) {}

  unsigned words() const { return words_; }
  /// Throws std::bad_alloc.
  Pages take_chunk();
  void give_back(Pages chunk);
  /// Of all chunks, those that wait to be used again included.
  std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  unsigned words_;
  std::atomic<std::uint64_t> bytes_ = 0;
  std::mutex mutex_;
  std::vector<Pages> spare_;
};

/// Appends states for one worker.
class StateWriter {
 public:
  explicit StateWriter(StateStore& store) : store_(&store) {}

  /// Adds a state of `width` (== words()) words: a constant where the caller knows it.
  void append(const std::uint64_t* state, unsigned width) {
    if (left_ == 0) open_chunk();
    for (unsigned i = 0; i < width; ++i) tail_[i] = state[i];
    tail_ += width;
    --left_;
    ++count_;
  }

  /// States appended so far.
  std::uint64_t count() const { return count_; }
  /// The states appended as number first .. last-1, in pieces.
  void runs(std::uint64_t first, std::uint64_t last, std::vector<Run>& out) const;
  /// The states before number `first` are not asked for any more.
  void forget(std::uint64_t first);

 private:
  void open_chunk();

  StateStore* store_;
  std::uint64_t* tail_ = nullptr;
  std::uint64_t left_ = 0;
  std::uint64_t count_ = 0;
  std::uint64_t forgotten_ = 0;  ///< chunks
  std::deque<Pages> chunks_;
};

}  // namespace iommucheck::checker::explicit_state

#endif  // IOMMUCHECK_CHECKER_EXPLICIT_STATE_STORE_H
