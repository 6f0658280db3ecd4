// SPDX-License-Identifier: MIT
// Locks: a side table by address, so that the program's own lock words need no meaning.
#ifndef IOMMUCHECK_CHECKER_SCHEDULE_LOCKS_H
#define IOMMUCHECK_CHECKER_SCHEDULE_LOCKS_H

#include <cstdint>
#include <deque>
#include <unordered_map>

#include "checker/schedule/clock.h"
#include "checker/schedule/heap.h"

namespace iommucheck::schedule {

inline constexpr ThreadId kNobody = 0xff;

struct Lock {
  std::uintptr_t address = 0;
  ThreadId owner = kNobody;  ///< who holds it alone
  ThreadMask shared_by = 0;  ///< who holds it with others
  Stamp released;            ///< joined at each release by who held it alone
  Stamp released_shared;     ///< by who held it with others, since somebody held it alone

  // Positions of events, by the trace order's needs; 0: none.
  std::uint32_t acquired_at = 0, released_at = 0;
  std::array<std::uint32_t, kMaxThreads> shared_at{}, failed_at{}, shared_released_at{};

  bool free_for(bool shared) const { return owner == kNobody && (shared || shared_by == 0); }
};

class Locks {
 public:
  /// The lock at an address.  The reference stays good until clear().
  Lock& at(std::uintptr_t address);
  void clear();

 private:
  std::unordered_map<std::uintptr_t, std::uint32_t> index_;
  std::deque<Lock> locks_;
  std::uint32_t used_ = 0;
};

}  // namespace iommucheck::schedule

#endif  // IOMMUCHECK_CHECKER_SCHEDULE_LOCKS_H
