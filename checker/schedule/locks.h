// SPDX-License-Identifier: MIT
// Locks: a side table by address, so that the program's own lock words need no meaning.
#ifndef IOMMUCHECK_CHECKER_SCHEDULE_LOCKS_H
#define IOMMUCHECK_CHECKER_SCHEDULE_LOCKS_H

#include <cstdint>
#include <deque>
#include <vector>

#include "checker/schedule/clock.h"
#include "checker/schedule/heap.h"

namespace iommucheck::schedule {

inline constexpr ThreadId kNobody = 0xff;

/// A position for each thread of a set.  Emptied at every lock and unlock, so without touching the
/// array.
class Positions {
 public:
  void set(unsigned thread, std::uint32_t position) {
    threads_ |= mask_of(thread);
    at_[thread] = position;
  }
  void clear() { threads_ = 0; }
  bool empty() const { return threads_ == 0; }
  template <class Function>
  void for_each(Function function) const {
    for (ThreadMask left = threads_; left != 0; left &= left - 1) {
      function(at_[static_cast<unsigned>(__builtin_ctz(left))]);
    }
  }

 private:
  ThreadMask threads_ = 0;
  std::array<std::uint32_t, kMaxThreads> at_;
};

struct Lock {
  std::uintptr_t address = 0;
  ThreadId owner = kNobody;  ///< who holds it alone
  ThreadMask shared_by = 0;  ///< who holds it with others
  Stamp released;            ///< joined at each release by who held it alone
  Stamp released_shared;     ///< by who held it with others, since somebody held it alone

  // Positions of events, by the trace order's needs; 0: none.
  std::uint32_t acquired_at = 0, released_at = 0;
  Positions sharing, failed, shared_released;

  bool free_for(bool shared) const { return owner == kNobody && (shared || shared_by == 0); }
};

class Locks {
 public:
  /// The lock at an address.  The reference stays good until clear().
  Lock& at(std::uintptr_t address);
  void clear();

 private:
  struct Slot {
    std::uintptr_t address = 0;
    Lock* lock = nullptr;
    std::uint32_t stamp = 0;  ///< of the execution that uses the slot
  };
  std::vector<Slot> slots_ = std::vector<Slot>(kFirstSlots);
  std::deque<Lock> locks_;
  std::uint32_t used_ = 0, stamp_ = 1;

  static constexpr std::size_t kFirstSlots = 256;
  Slot& slot_of(std::uintptr_t address);
};

}  // namespace iommucheck::schedule

#endif  // IOMMUCHECK_CHECKER_SCHEDULE_LOCKS_H
