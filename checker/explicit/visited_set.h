// SPDX-License-Identifier: MIT
// VisitedSet: which states have been met; a lock-free open-addressing table of 64-bit slots.
//
// A slot is 0, or 24 bits of the state's hash and the state's number + 1.  Slots never change once
// they are taken, so a search that follows the probe sequence to the first free slot misses
// nothing. The set is exact: where the hash bits agree, the whole states are compared.
//
// insert() and the prefetches may be called by many threads at once, each with its own writer;
// reinsert() too, but not together with insert(); resize() by one thread alone.
#ifndef IOMMUCHECK_CHECKER_EXPLICIT_VISITED_SET_H
#define IOMMUCHECK_CHECKER_EXPLICIT_VISITED_SET_H

#include <algorithm>
#include <atomic>
#include <bit>

#include "checker/explicit/state_store.h"
#include "checker/explicit/words.h"

namespace iommucheck::checker::explicit_state {

template <unsigned W>
class VisitedSet {
 public:
  VisitedSet(const StateStore& store, std::uint64_t slots) : store_(store), width_(store.words()) {
    resize(std::bit_ceil(std::max<std::uint64_t>(slots, kMinSlots)));
  }

  static constexpr std::uint64_t kMinSlots = 256;
  std::uint64_t slots() const { return mask_ + 1; }
  std::uint64_t bytes() const { return slots() * sizeof(std::uint64_t); }

  /// Adds the state unless it is there; whether it is new.  There must be a free slot.
  bool insert(const std::uint64_t* state, std::uint64_t hash, StateWriter& writer) {
    const std::uint64_t tag = hash & kTag;
    std::uint64_t mine = 0;
    for (std::uint64_t i = hash & mask_;; i = (i + 1) & mask_) {
      const std::atomic_ref slot(slots_[i]);
      // Acquire: pairs with the release below, so that the words of the state are there to compare.
      std::uint64_t taken = slot.load(std::memory_order_acquire);
      if (taken == 0) {
        if (mine == 0) {
          // Written before it is published.  If it turns out to be known, the room is used again.
          copy(width_, state, writer.room());
          mine = tag | (writer.next_id() + 1);
        }
        if (slot.compare_exchange_strong(taken, mine, std::memory_order_release,
                                         std::memory_order_acquire)) {
          writer.keep(width_.get());
          return true;
        }
        // Another worker was faster; perhaps with the same state.
      }
      if ((taken & kTag) == tag && equal(width_, state_of(taken), state)) return false;
    }
  }

  /// Brings the first slot of the hash into the cache.
  void prefetch_slot(std::uint64_t hash) const { __builtin_prefetch(&slots_[hash & mask_]); }
  /// Brings the state that insert() is going to compare with into the cache.
  void prefetch_state(std::uint64_t hash) const {
    const std::uint64_t tag = hash & kTag;
    for (std::uint64_t i = hash & mask_;; i = (i + 1) & mask_) {
      const std::uint64_t taken = std::atomic_ref(slots_[i]).load(std::memory_order_acquire);
      if (taken == 0) return;
      if ((taken & kTag) == tag) return __builtin_prefetch(state_of(taken));
    }
  }

  /// Empties the set and gives it `slots` (a power of two).  If it throws std::bad_alloc, the set
  /// is as before.
  void resize(std::uint64_t slots) {
    // Nothing is touched before the old slots are given back, so they never take memory together.
    pages_ = Pages(slots * sizeof(std::uint64_t));
    slots_ = pages_.as<std::uint64_t>();
    mask_ = slots - 1;
  }
  /// Adds a state of the store that is not there.
  void reinsert(StateId id, std::uint64_t hash) {
    const std::uint64_t mine = (hash & kTag) | (id + 1);
    for (std::uint64_t i = hash & mask_;; i = (i + 1) & mask_) {
      const std::atomic_ref slot(slots_[i]);
      std::uint64_t taken = slot.load(std::memory_order_relaxed);
      // Relaxed: nobody follows the numbers before the workers have met.
      if (taken == 0 && slot.compare_exchange_strong(taken, mine, std::memory_order_relaxed)) {
        return;
      }
    }
  }

 private:
  static constexpr std::uint64_t kId = (std::uint64_t{1} << kStateIdBits) - 1;
  static constexpr std::uint64_t kTag = ~kId;

  const std::uint64_t* state_of(std::uint64_t taken) const {
    return store_.at((taken & kId) - 1, width_.get());
  }

  const StateStore& store_;
  [[no_unique_address]] Width<W> width_;
  Pages pages_;
  std::uint64_t* slots_ = nullptr;
  std::uint64_t mask_ = 0;
};

}  // namespace iommucheck::checker::explicit_state

#endif  // IOMMUCHECK_CHECKER_EXPLICIT_VISITED_SET_H
