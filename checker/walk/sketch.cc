// SPDX-License-Identifier: MIT
// Counting different hashes by the longest run of zeros.
#include "checker/walk/sketch.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace iommucheck::checker::walking {

void Sketch::add(std::uint64_t hash) {
  // The upper bits choose a register; one more bit ends the run of zeros in the others.
  const std::uint64_t rest = hash << kBits | 1ULL << (kBits - 1);
  const auto run = static_cast<std::uint8_t>(std::countl_zero(rest) + 1);
  std::uint8_t& longest = longest_[hash >> (64 - kBits)];
  longest = std::max(longest, run);
}

void Sketch::merge(const Sketch& other) {
  for (std::size_t i = 0; i < longest_.size(); ++i)
    longest_[i] = std::max(longest_[i], other.longest_[i]);
}

std::uint64_t Sketch::count() const {
  const auto registers = static_cast<double>(longest_.size());
  double sum = 0;
  double empty = 0;
  for (const std::uint8_t run : longest_) {
    sum += std::ldexp(1.0, -run);
    empty += run == 0 ? 1 : 0;
  }
  double count = 0.7213 / (1 + 1.079 / registers) * registers * registers / sum;
  // Few states leave registers empty, and those say more.
  if (count <= 2.5 * registers && empty > 0) count = registers * std::log(registers / empty);
  return static_cast<std::uint64_t>(std::llround(count));
}

}  // namespace iommucheck::checker::walking
