// SPDX-License-Identifier: MIT
// Running the same work in several threads that start together.
#ifndef IOMMUCHECK_TESTS_IMPL_IOASID_THREADS_H
#define IOMMUCHECK_TESTS_IMPL_IOASID_THREADS_H

#include <atomic>
#include <barrier>
#include <cstdint>
#include <thread>
#include <vector>

namespace iommucheck::ioasid::impl {

/// work(index) in `count` threads; returns when all have ended.
template <class Work>
void in_threads(unsigned count, Work work) {
  std::barrier start{static_cast<std::ptrdiff_t>(count)};
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      start.arrive_and_wait();
      work(i);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

/// Tells the others that this thread has ended, also when an assertion has ended it.
class SetAtEnd {
 public:
  explicit SetAtEnd(std::atomic<bool>& flag) : flag_{flag} {}
  ~SetAtEnd() { flag_.store(true); }
  SetAtEnd(const SetAtEnd&) = delete;
  SetAtEnd& operator=(const SetAtEnd&) = delete;

 private:
  std::atomic<bool>& flag_;
};

/// A small generator with a given seed: tests must not depend on the clock.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_{seed * 0x9e3779b97f4a7c15U + 1} {}
  std::uint32_t roll(std::uint32_t sides) {
    state_ ^= state_ << 13U;
    state_ ^= state_ >> 7U;
    state_ ^= state_ << 17U;
    return static_cast<std::uint32_t>(state_ >> 11U) % sides;
  }

 private:
  std::uint64_t state_;
};

}  // namespace iommucheck::ioasid::impl

#endif  // IOMMUCHECK_TESTS_IMPL_IOASID_THREADS_H
