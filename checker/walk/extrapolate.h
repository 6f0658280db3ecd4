// SPDX-License-Identifier: MIT
// Extrapolation: how many states there are, from the sizes of the first levels of a search.
#ifndef IOMMUCHECK_CHECKER_WALK_EXTRAPOLATE_H
#define IOMMUCHECK_CHECKER_WALK_EXTRAPOLATE_H

#include <cstdint>
#include <optional>
#include <span>

namespace iommucheck::checker::walking {

struct Extrapolation {
  /// Growth from one level to the next, over the last four: below 1 behind the largest level.
  double growth = 0;
  /// States in all; nothing where the levels say too little.
  std::optional<double> states;
  double low = 0, high = 0;  ///< with `states`: between which it is, nine times in ten
};

/// `levels`: how many states each whole level has.
///
/// The logarithms of the last levels are fitted by a parabola (levels rise and fall like a bell),
/// over every window from a third of the levels to all of them; `states` is the median of what the
/// parabolas sum up to.  How far `low` and `high` are away depends on `growth`, by what was
/// measured on models whose number is known (docs/sampling.md): it is experience, no theorem.
Extrapolation extrapolate(std::span<const std::uint64_t> levels);

}  // namespace iommucheck::checker::walking

#endif  // IOMMUCHECK_CHECKER_WALK_EXTRAPOLATE_H
