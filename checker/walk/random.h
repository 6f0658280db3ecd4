// SPDX-License-Identifier: MIT
// Random: numbers that depend on a seed and a stream only, the same on every machine.
#ifndef IOMMUCHECK_CHECKER_WALK_RANDOM_H
#define IOMMUCHECK_CHECKER_WALK_RANDOM_H

#include <cstdint>

namespace iommucheck::checker::walking {

/// SplitMix64 (Steele, Lea, Flood 2014): small, and good enough to choose steps with.
class Random {
 public:
  /// Streams of one seed have nothing to do with one another.
  Random(std::uint64_t seed, std::uint64_t stream) : state_(mix(mix(seed + kStep) ^ stream)) {}

  std::uint64_t next() { return mix(state_ += kStep); }
  /// One of 0 .. n-1; n is not 0.  No number is preferred by more than n in 2^32.
  std::uint32_t below(std::uint32_t n) {
    return static_cast<std::uint32_t>((next() >> 32) * n >> 32);
  }

 private:
  static constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15;  // 2^64 / golden ratio
  static std::uint64_t mix(std::uint64_t z) {
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  std::uint64_t state_;
};

}  // namespace iommucheck::checker::walking

#endif  // IOMMUCHECK_CHECKER_WALK_RANDOM_H
