// SPDX-License-Identifier: MIT
// StateStore: all states met, append-only, in chunks that each belong to one worker.
//
// Each worker appends through its own StateWriter.  A state may be read by another thread once its
// number came to it through a synchronisation (a slot of the visited set, or the end of a level).
#ifndef IOMMUCHECK_CHECKER_EXPLICIT_STATE_STORE_H
#define IOMMUCHECK_CHECKER_EXPLICIT_STATE_STORE_H

#include <cstdint>
#include <mutex>
#include <vector>

#include "checker/explicit/pages.h"

namespace iommucheck::checker::explicit_state {

/// The number of a state in the store: chunk, and place in the chunk.
using StateId = std::uint64_t;
inline constexpr unsigned kStateIdBits = 40;

/// States that lie one after the other.
struct Run {
  const std::uint64_t* first = nullptr;
  std::uint64_t count = 0;
  StateId id = 0;  ///< of the first one
};

class StateStore {
 public:
  static constexpr unsigned kChunkShift = 18;
  static constexpr std::uint64_t kChunkStates = std::uint64_t{1} << kChunkShift;

  explicit StateStore(unsigned words);

  unsigned words() const { return words_; }
  /// Adds a chunk and gives its number.  Throws std::bad_alloc.
  std::uint32_t add_chunk();
  std::uint64_t* chunk(std::uint32_t number) const { return directory_[number]; }
  /// The state, `width` (== words()) words: a constant where the caller knows it.
  const std::uint64_t* at(StateId id, unsigned width) const {
    return directory_[id >> kChunkShift] + (id & (kChunkStates - 1)) * width;
  }

 private:
  unsigned words_;
  // Entries are written before any number of theirs is handed on, so readers need no lock.
  Pages directory_pages_;
  std::uint64_t** directory_;
  std::mutex mutex_;
  std::vector<Pages> chunks_;
};

/// Appends states for one worker.
class StateWriter {
 public:
  explicit StateWriter(StateStore& store) : store_(&store) {}

  /// Where the next state goes.  What is written there is no state before keep().
  std::uint64_t* room() {
    if (left_ == 0) open_chunk();
    return tail_;
  }
  /// The number of the state that is in room().
  StateId next_id() const { return next_id_; }
  void keep(unsigned width) {
    tail_ += width;
    // The next states will be written here: a locked instruction would wait for the cache line.
    __builtin_prefetch(tail_ + kAhead, 1);
    ++next_id_;
    --left_;
    ++count_;
  }

  /// States kept so far.
  std::uint64_t count() const { return count_; }
  /// The states kept as number first .. last-1, in pieces.
  void runs(std::uint64_t first, std::uint64_t last, std::vector<Run>& out) const;

 private:
  static constexpr unsigned kAhead = 64;  // words

  void open_chunk();

  StateStore* store_;
  std::uint64_t* tail_ = nullptr;
  StateId next_id_ = 0;
  std::uint64_t left_ = 0;
  std::uint64_t count_ = 0;
  std::vector<std::uint32_t> chunks_;
};

}  // namespace iommucheck::checker::explicit_state

#endif  // IOMMUCHECK_CHECKER_EXPLICIT_STATE_STORE_H
