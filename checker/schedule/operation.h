// SPDX-License-Identifier: MIT
// Operation: what a thread is about to do when it stops at a scheduling point.
#ifndef IOMMUCHECK_CHECKER_SCHEDULE_OPERATION_H
#define IOMMUCHECK_CHECKER_SCHEDULE_OPERATION_H

#include <cstdint>
#include <string_view>
#include <vector>

namespace iommucheck::schedule {

enum class Kind : std::uint8_t {
  start,               ///< the first step of a thread
  read,                ///< of memory
  write,               ///< of memory; also what reads and writes in one step
  acquire,             ///< of a lock, alone; waits
  acquire_shared,      ///< of a lock, with other readers; waits
  try_acquire,         ///< of a lock, alone; fails instead of waiting
  try_acquire_shared,  ///< of a lock, with other readers; fails instead of waiting
  release,             ///< of a lock that was held alone
  release_shared,      ///< of a lock that was held with others
  reader_begin,        ///< outermost rcu_read_lock()
  reader_end,          ///< outermost rcu_read_unlock()
  grace_begin,         ///< synchronize_rcu(), call_rcu(), kfree_rcu(): which readers to wait for
  grace_end,           ///< waits for them
  choose,              ///< one of `alternatives`: no thread depends on it, but all are tried
  sleep,               ///< waits for a wake-up
  await,               ///< waits until somebody else writes what this thread read last
  yield,               ///< waits until somebody writes something that this thread has read lately
  join,                ///< waits until a thread has ended
  prepare,             ///< to sleep: wake-ups count from here on
  wake,                ///< of a thread
};

std::string_view name(Kind kind);

struct Operation {
  Kind kind = Kind::start;
  std::uint8_t size = 0;           ///< bytes, of reads and writes: 1 .. 16
  std::uint16_t alternatives = 1;  ///< of `choose`: 2 or more
  /// Address of the memory or lock; the thread of `join`, `wake`, ...; of `yield` the number of the
  /// granules that it waits for (see number_of_granules()).
  std::uintptr_t object = 0;
  std::uintptr_t pc = 0;  ///< where in the code; no part of what the operation does

  bool operator==(const Operation& other) const {
    return kind == other.kind && size == other.size && alternatives == other.alternatives &&
           object == other.object;
  }
};

/// Memory is looked at in pieces of eight bytes: two accesses to one piece count as to the same
/// object.  (Data races are judged byte by byte.)
inline constexpr unsigned kGranuleShift = 3;
constexpr std::uintptr_t granule(std::uintptr_t address) { return address >> kGranuleShift; }

/// Equal sets of granules have one number, in the whole process.
std::uintptr_t number_of_granules(const std::vector<std::uintptr_t>& ascending);

constexpr bool is_memory(Kind kind) { return kind == Kind::read || kind == Kind::write; }
constexpr bool is_lock(Kind kind) { return kind >= Kind::acquire && kind <= Kind::release_shared; }
constexpr bool is_wake(Kind kind) { return kind == Kind::prepare || kind == Kind::wake; }
/// Whether it may have to wait for others.
constexpr bool may_wait(Kind kind) {
  constexpr auto bit = [](Kind one) { return 1U << static_cast<unsigned>(one); };
  return (bit(kind) & (bit(Kind::acquire) | bit(Kind::acquire_shared) | bit(Kind::grace_end) |
                       bit(Kind::sleep) | bit(Kind::join) | bit(Kind::await) | bit(Kind::yield))) !=
         0;
}
constexpr bool is_shared(Kind kind) {
  return kind == Kind::acquire_shared || kind == Kind::release_shared ||
         kind == Kind::try_acquire_shared;
}

/// Whether exchanging two neighbouring operations of two threads can make a difference.
bool dependent(const Operation& a, const Operation& b);

}  // namespace iommucheck::schedule

#endif  // IOMMUCHECK_CHECKER_SCHEDULE_OPERATION_H
