// SPDX-License-Identifier: MIT
// Sketch: about how many different states were met, in 4 kB however many there are.
#ifndef IOMMUCHECK_CHECKER_WALK_SKETCH_H
#define IOMMUCHECK_CHECKER_WALK_SKETCH_H

#include <array>
#include <cstdint>

namespace iommucheck::checker::walking {

/// HyperLogLog (Flajolet et al. 2007) with 4096 registers: two times in three the count is off by
/// less than 1.6 %.  What was added before, by whom and in which order makes no difference.
class Sketch {
 public:
  static constexpr double kError = 0.0163;  // 1.04 / sqrt(4096)

  /// `hash`: all bits of it are good.
  void add(std::uint64_t hash);
  void merge(const Sketch& other);
  std::uint64_t count() const;

 private:
  static constexpr unsigned kBits = 12;
  std::array<std::uint8_t, 1U << kBits> longest_{};
};

}  // namespace iommucheck::checker::walking

#endif  // IOMMUCHECK_CHECKER_WALK_SKETCH_H
