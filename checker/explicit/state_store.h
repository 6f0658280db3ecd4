// SPDX-License-Identifier: MIT
// StateStore: the states of the levels, written one after the other, in chunks of one worker each.
//
// A state is read once more, when it is expanded, and then perhaps for a path: chunks of levels
// that are done can be given back.  Each worker appends through its own StateWriter; what it wrote
// may be read by others when the workers have met.
#ifndef IOMMUCHECK_CHECKER_EXPLICIT_STATE_STORE_H
#define IOMMUCHECK_CHECKER_EXPLICIT_STATE_STORE_H

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

#include "checker/explicit/scratch.h"

namespace iommucheck::checker::explicit_state {

/// States that lie one after the other.
struct Run {
  const std::uint64_t* first = nullptr;
  std::uint64_t count = 0;
};

class StateStore {
 public:
  static constexpr std::uint64_t kChunkStates = std::uint64_t{1} << 14;

  /// Beyond `most_bytes` of memory, chunks are mapped from `file`, if there is one.
  explicit StateStore(unsigned words, Scratch* file = nullptr, std::uint64_t most_bytes = 0)
      : words_(words), file_(file), most_bytes_(most_bytes) {}

  unsigned words() const { return words_; }
  /// Throws std::bad_alloc, DiskError.
  Pages take_chunk();
  void give_back(Pages chunk);
  /// Of all chunks in memory, those that wait to be used again included.
  std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  unsigned words_;
  Scratch* file_;
  std::uint64_t most_bytes_;
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
  /// Looks at the states from number `first` on, some at a time: those for which
  /// keep(states, n, kept) leaves kept[i] false are taken out.
  template <class F>
  void retain(std::uint64_t first, F&& keep) {
    std::uint64_t last = first;
    for (std::uint64_t i = first; i < count_;) {
      constexpr std::uint64_t kChunk = StateStore::kChunkStates;
      const std::uint64_t n = std::min({kRetained, count_ - i, kChunk - i % kChunk});
      std::array<bool, kRetained> kept;
      kept.fill(true);
      keep(at(i), n, kept.data());
      for (std::uint64_t k = 0; k < n; ++k) {
        if (!kept[k]) continue;
        if (last != i + k) std::copy_n(at(i + k), store_->words(), at(last));
        ++last;
      }
      i += n;
    }
    cut(last);
  }
  static constexpr std::uint64_t kRetained = 256;

 private:
  void open_chunk();
  void cut(std::uint64_t count);
  std::uint64_t* at(std::uint64_t number) const {
    constexpr std::uint64_t kChunk = StateStore::kChunkStates;
    return chunks_[number / kChunk - forgotten_].as<std::uint64_t>() +
           number % kChunk * store_->words();
  }

  StateStore* store_;
  std::uint64_t* tail_ = nullptr;
  std::uint64_t left_ = 0;
  std::uint64_t count_ = 0;
  std::uint64_t forgotten_ = 0;  ///< chunks
  std::deque<Pages> chunks_;
};

}  // namespace iommucheck::checker::explicit_state

#endif  // IOMMUCHECK_CHECKER_EXPLICIT_STATE_STORE_H
