// SPDX-License-Identifier: MIT
// Memory: who has read and written each piece of memory in this execution.
//
// Two questions are answered from it: whether an access races with an earlier one (byte by byte,
// by the program's synchronisation), and which earlier scheduling points an access depends on
// (by pieces of eight bytes, by the trace order).
#ifndef IOMMUCHECK_CHECKER_SCHEDULE_MEMORY_H
#define IOMMUCHECK_CHECKER_SCHEDULE_MEMORY_H

#include <cstdint>
#include <deque>
#include <unordered_set>
#include <vector>

#include "checker/schedule/clock.h"
#include "checker/schedule/operation.h"

namespace iommucheck::schedule {

struct Access {
  std::uintptr_t pc = 0;
  std::uint32_t time = 0;  ///< the thread's own component of its clock
  ThreadId thread = 0;
  std::uint8_t bytes = 0;  ///< of the eight: a bit each
  bool write = false;
  bool marked = false;     ///< READ_ONCE, WRITE_ONCE, atomics, lock words: no data race by itself
  bool in_reader = false;  ///< inside rcu_read_lock()
  /// Of a marked write: another thread has read it or what replaced it, at this time of its clock.
  std::uint32_t seen_at = 0;    ///< 0: nobody has
  ThreadId seen_by = 0;         ///< the last one
  bool seen_acquiring = false;  ///< the reading was an acquire; else a fence behind it may be one

  bool same_kind(const Access& other) const {
    return thread == other.thread && bytes == other.bytes && write == other.write &&
           marked == other.marked && in_reader == other.in_reader;
  }
};

/// What was published with a store of release semantics, for who reads it with acquire semantics.
struct Published {
  std::uint8_t bytes = 0;
  Clock clock;
};

/// Eight bytes.
struct Cell {
  std::uintptr_t granule = 0;
  bool promoted = false;  ///< plain accesses are scheduling points, too
  std::vector<Access> accesses;
  std::vector<Published> published;

  // Scheduling points, by position in the execution; 0: none.
  std::uint32_t last_write = 0;
  ThreadMask readers = 0;  ///< since the last write
  std::array<std::uint32_t, kMaxThreads> read_at{};
};

class Memory {
 public:
  Memory();

  /// Forgets the execution, not the promotions.
  void clear();
  void clear_promotions() { promoted_.clear(); }

  Cell& at(std::uintptr_t granule) {
    return last_ != nullptr && last_granule_ == granule ? *last_ : look_up(granule);
  }
  /// Null if nobody has touched it.
  Cell* find(std::uintptr_t granule);

  /// The granule's plain accesses are scheduling points from the next execution on.  False: they
  /// were already to be.
  bool promote(std::uintptr_t granule) { return promoted_.insert(granule).second; }
  bool is_promoted(std::uintptr_t granule) const { return promoted_.contains(granule); }
  std::size_t promotions() const { return promoted_.size(); }
  /// In ascending order.
  std::vector<std::uintptr_t> promoted() const;

  /// An earlier access that races with this one, or null; then notes this one.  `clock` is what
  /// has happened before for the thread that accesses.
  static const Access* conflict(const Cell& cell, const Access& access, const Clock& clock) {
    for (const Access& other : cell.accesses) {
      if (other.thread == access.thread || (other.bytes & access.bytes) == 0) continue;
      if (!(other.write || access.write) || (other.marked && access.marked)) continue;
      if (!clock.covers(other.thread, other.time)) return &other;
    }
    return nullptr;
  }
  static void note(Cell& cell, const Access& access, const Clock& clock) {
    if (cell.accesses.size() == 1 && cell.accesses[0].same_kind(access)) {
      cell.accesses[0] = access;
    } else {
      note_beside(cell, access, clock);
    }
  }

 private:
  struct Slot {
    std::uintptr_t granule = 0;
    Cell* cell = nullptr;
    std::uint32_t stamp = 0;
  };
  std::vector<Slot> slots_;
  std::deque<Cell> cells_;
  std::uint32_t stamp_ = 1, used_ = 0;
  std::uintptr_t last_granule_ = 0;
  Cell* last_ = nullptr;
  std::unordered_set<std::uintptr_t> promoted_;

  static void note_beside(Cell& cell, const Access& access, const Clock& clock);
  Cell& look_up(std::uintptr_t granule);
  Slot& slot_of(std::uintptr_t granule);
  void grow();
};

}  // namespace iommucheck::schedule

#endif  // IOMMUCHECK_CHECKER_SCHEDULE_MEMORY_H
