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
  /// forgotten, not unwound.
  void reset(void (*entry)());

  bool contains(std::uintptr_t address) const { return address - bottom_ < kStackSize; }
  std::uintptr_t bottom() const { return bottom_; }

  /// From `from` (the one that runs) to `to`.
  static void jump(Fiber& from, Fiber& to);

 private:
  std::uintptr_t bottom_ = 0;
  void* context_ = nullptr;
  void (*entry_)() = nullptr;
};

}  // namespace iommucheck::schedule

#endif  // IOMMUCHECK_CHECKER_SCHEDULE_FIBER_H
