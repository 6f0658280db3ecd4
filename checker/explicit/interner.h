// SPDX-License-Identifier: MIT
// Interner: numbers of 32 bits for values of 64, one to one; a lock-free table.
//
// Each worker asks through a Local of its own, which remembers recent answers.  grow() is called
// while all workers rest.
#ifndef IOMMUCHECK_CHECKER_EXPLICIT_INTERNER_H
#define IOMMUCHECK_CHECKER_EXPLICIT_INTERNER_H

#include <atomic>
#include <cstdint>
#include <vector>

#include "checker/explicit/pages.h"

namespace iommucheck::checker::explicit_state {

class Interner {
 public:
  class Local;

  explicit Interner(unsigned workers);

  std::uint64_t bytes() const { return table_.bytes(); }
  /// Makes room for `more` values for each worker.  False, and nothing has changed, if the table
  /// would be larger than `most_bytes`, or numbers are used up.
  bool grow(std::uint64_t more, std::uint64_t most_bytes);

 private:
  struct Slot {
    std::uint64_t value;   ///< 0: free
    std::uint64_t number;  ///< 0: not known yet, by another worker's hand
  };
  static std::uint64_t place(std::uint64_t value) {
    value ^= value >> 32;
    value *= 0x9e3779b97f4a7c15;
    return value ^ value >> 29;
  }
  std::uint32_t find(std::uint64_t value, Local& local);

  unsigned workers_;
  Pages table_;
  std::uint64_t mask_ = 0;
  std::uint64_t free_ = 0;  ///< values for which there is room, given out in shares
  alignas(64) std::atomic<std::uint64_t> given_ = 0;
  alignas(64) std::atomic<std::uint64_t> next_number_ = 1;
};

/// What one worker asks through.
class Interner::Local {
 public:
  explicit Local(Interner& table)
      : table_(&table), cache_(Pages(kCached * sizeof(Slot))), cached_(cache_.as<Slot>()) {}

  /// Whether `n` more values can be asked for.
  bool reserve(std::uint64_t n) {
    if (share_ >= n) return true;
    const std::uint64_t more = std::max<std::uint64_t>(n - share_, 4096);
    const std::uint64_t before = table_->given_.fetch_add(more, std::memory_order_relaxed);
    if (before + more > table_->free_) {
      table_->given_.fetch_sub(more, std::memory_order_relaxed);
      return false;
    }
    share_ += more;
    return true;
  }
  /// The value's number; that of 0 is 0.
  std::uint32_t number(std::uint64_t value) {
    Slot& recent = cached_[place(value) >> (64 - kCachedBits)];
    // A free entry answers for 0.
    if (recent.value == value) return static_cast<std::uint32_t>(recent.number);
    const std::uint32_t answer = table_->find(value, *this);
    recent = {value, answer};
    return answer;
  }
  void forget_share() { share_ = 0; }

 private:
  friend class Interner;
  static constexpr unsigned kCachedBits = 12;
  static constexpr std::size_t kCached = std::size_t{1} << kCachedBits;

  Interner* table_;
  Pages cache_;
  Slot* cached_;
  std::uint64_t share_ = 0;            ///< values that it may add without asking
  std::uint64_t next_ = 0, last_ = 0;  ///< numbers that it may give
};

}  // namespace iommucheck::checker::explicit_state

#endif  // IOMMUCHECK_CHECKER_EXPLICIT_INTERNER_H
