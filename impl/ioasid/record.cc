// SPDX-License-Identifier: MIT
// The short lock in the control word of a record, and what keeps its references as they are.
#include "impl/ioasid/record.h"

#include <thread>

namespace iommucheck::ioasid::impl {

bool Record::lock_life(std::uint64_t life) noexcept {
  std::uint64_t seen = control().load(std::memory_order_relaxed);
  for (;;) {
    if (!control::same_life(life, seen)) return false;
    if ((seen & control::kLocked) != 0) {
      std::this_thread::yield();
      seen = control().load(std::memory_order_relaxed);
      continue;
    }
    // Acquire pairs with the release of unlock() and publish().
    if (control().compare_exchange_weak(seen, seen | control::kLocked, std::memory_order_acquire,
                                        std::memory_order_relaxed)) {
      return true;
    }
  }
}

bool Record::freeze(std::uint64_t life) noexcept {
  std::uint64_t seen = life;
  while (control::same_life(life, seen)) {
    if ((seen & (control::kFrozen | control::kPending)) != 0) return true;
    if (control().compare_exchange_weak(seen, seen | control::kFrozen)) return true;
  }
  return false;
}

bool Record::thaw(std::uint64_t life) noexcept {
  std::uint64_t seen = life;
  while (control::same_life(life, seen) && (seen & control::kFrozen) != 0) {
    if (control().compare_exchange_weak(seen, seen & ~control::kFrozen)) return true;
  }
  return false;
}

}  // namespace iommucheck::ioasid::impl
