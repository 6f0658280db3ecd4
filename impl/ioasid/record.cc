// SPDX-License-Identifier: MIT
// The short lock in the control word of a record.
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

}  // namespace iommucheck::ioasid::impl
