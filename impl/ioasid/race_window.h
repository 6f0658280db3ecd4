// SPDX-License-Identifier: MIT
// Marks the places between two steps where another thread's interference matters.
//
// Nothing at all in a normal build.  The tests build the allocator a second time with
// IOMMUCHECK_IOASID_RACE_WINDOWS: then a thread loses its CPU here every few times, and windows of
// a nanosecond are hit in a fraction of a second instead of once a week.  (Eleven steps of the
// protocols were left out on purpose, one at a time.  The tests noticed ten with these windows, all
// but the second pass of FreeMap::take_exact(); most of them go unnoticed without.)
#ifndef IOMMUCHECK_IMPL_IOASID_RACE_WINDOW_H
#define IOMMUCHECK_IMPL_IOASID_RACE_WINDOW_H

#ifdef IOMMUCHECK_IOASID_RACE_WINDOWS
#include <atomic>
#include <cstdint>
#include <thread>
#endif

namespace iommucheck::ioasid::impl {

#ifdef IOMMUCHECK_IOASID_RACE_WINDOWS
inline void race_window() noexcept {
  static constinit std::atomic<std::uint32_t> threads{0};
  // Seeded by the order of first use: differs between threads, not between runs by the clock.
  thread_local std::uint32_t state = 0x9e3779b9U * (threads.fetch_add(1) + 1);
  state ^= state << 13U;
  state ^= state >> 17U;
  state ^= state << 5U;
  if (state % 8 == 0) std::this_thread::yield();
}
#else
constexpr void race_window() noexcept {}
#endif

}  // namespace iommucheck::ioasid::impl

#endif  // IOMMUCHECK_IMPL_IOASID_RACE_WINDOW_H
