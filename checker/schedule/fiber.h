// SPDX-License-Identifier: MIT
// Fiber: a thread of the program under test, with a stack of its own, switched by hand.
#ifndef IOMMUCHECK_CHECKER_SCHEDULE_FIBER_H
#define IOMMUCHECK_CHECKER_SCHEDULE_FIBER_H

#include <cstddef>
#include <cstdint>

namespace iommucheck::schedule {

/// Stacks lie at fixed addresses, so that an execution meets the same addresses each time, and
/// `size` is a power of two that they are aligned to (the kernel finds `current` that way).
class Fiber {
 public:
  static constexpr std::size_t kStackSize = std::size_t{256} << 10;

  Fiber() = default;
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  /// Maps the stack at `address`, with a page that nobody may touch below it.  Throws
  /// std::system_error.
  void map(std::uintptr_t address);

  /// Makes the next switch to it begin at `entry`, on an empty stack.  What ran there before is
  /// forgotten, not unwound; but for the exceptions that it has caught.
  void reset(void (*entry)());

  bool contains(std::uintptr_t address) const { return address - bottom_ < kStackSize; }
  std::uintptr_t bottom() const { return bottom_; }

  /// From `from` (the one that runs) to `to`.  Also in the middle of a catch block or of a
  /// destructor that an exception runs: each has its own.  (The memory of an exception is the C++
  /// library's, at addresses that differ between executions: code under test may ask for its type
  /// only.)
  static void jump(Fiber& from, Fiber& to);

 private:
  /// What the C++ runtime keeps for each thread of the system (Itanium C++ ABI, 2.2.2): exceptions
  /// that are caught and not done with, and how many are on their way.
  struct Exceptions {
    void* caught = nullptr;
    unsigned on_their_way = 0;
  };

  std::uintptr_t bottom_ = 0;
  void* context_ = nullptr;
  void (*entry_)() = nullptr;
  Exceptions exceptions_;
};

}  // namespace iommucheck::schedule

#endif  // IOMMUCHECK_CHECKER_SCHEDULE_FIBER_H
