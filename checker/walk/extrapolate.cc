// SPDX-License-Identifier: MIT
// Fitting bells to levels.
#include "checker/walk/extrapolate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace iommucheck::checker::walking {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

/// What the levels sum up to if they go on like the last `window` ones; kNever if they do not fall.
double sum_of_bell(std::span<const std::uint64_t> levels, std::size_t window) {
  // Least squares with polynomials that are orthogonal on evenly spaced points.
  const auto n = static_cast<double>(window);
  const double middle = (n - 1) / 2;
  const double mean_square = (n * n - 1) / 12;
  double flat = 0, slope = 0, slope_norm = 0, bend = 0, bend_norm = 0;
  for (std::size_t i = 0; i < window; ++i) {
    const double t = static_cast<double>(i) - middle;
    const double y = std::log(static_cast<double>(levels[levels.size() - window + i]));
    const double curve = t * t - mean_square;
    flat += y / n;
    slope += t * y;
    slope_norm += t * t;
    bend += curve * y;
    bend_norm += curve * curve;
  }
  slope /= slope_norm;
  bend /= bend_norm;
  if (bend > -1e-6) return kNever;
  auto sum = static_cast<double>(std::accumulate(levels.begin(), levels.end(), std::uint64_t{0}));
  for (double t = middle + 1;; ++t) {
    const double size = std::exp(flat + slope * t + bend * (t * t - mean_square));
    if (!(size < 1e18)) return kNever;
    if (size < 1) return sum;
    sum += size;
  }
}

/// How many times too large or too small: for levels that grow by at most `growth`.
struct Accuracy {
  double growth, factor;
};
/// So that nine of ten prefixes of the measured rows are inside (docs/sampling.md).
constexpr Accuracy kAccuracy[] = {{1.00, 1.25}, {1.06, 1.5}, {1.12, 4}, {1.18, 5}};

constexpr std::size_t kFewestLevels = 10;
constexpr std::size_t kSmallestWindow = 4;
constexpr std::size_t kGrowthOver = 4;

}  // namespace

Extrapolation extrapolate(std::span<const std::uint64_t> levels) {
  Extrapolation result;
  const std::size_t n = levels.size();
  if (n < kFewestLevels) return result;
  const auto last = static_cast<double>(levels[n - 1]);
  const auto before = static_cast<double>(levels[n - 1 - kGrowthOver]);
  result.growth = std::pow(last / before, 1.0 / kGrowthOver);
  const auto* const accuracy =
      std::find_if(std::begin(kAccuracy), std::end(kAccuracy),
                   [&](const Accuracy& a) { return result.growth <= a.growth; });
  if (accuracy == std::end(kAccuracy)) return result;

  std::vector<double> sums;
  for (std::size_t window = std::max(kSmallestWindow, n / 3); window < n; ++window)
    sums.push_back(sum_of_bell(levels, window));
  const auto median = sums.begin() + static_cast<std::ptrdiff_t>(sums.size() / 2);
  std::nth_element(sums.begin(), median, sums.end());
  if (*median == kNever) return result;
  const auto met =
      static_cast<double>(std::accumulate(levels.begin(), levels.end(), std::uint64_t{0}));
  result.states = *median;
  result.low = std::max(met, *median / accuracy->factor);
  result.high = *median * accuracy->factor;
  return result;
}

}  // namespace iommucheck::checker::walking
