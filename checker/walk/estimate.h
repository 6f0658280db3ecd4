// SPDX-License-Identifier: MIT
// Estimation: how many states a machine has, and what a search of all of them would cost, before
// paying for it.
//
// estimate() may be called from several threads at once, each with its own factory.
#ifndef IOMMUCHECK_CHECKER_WALK_ESTIMATE_H
#define IOMMUCHECK_CHECKER_WALK_ESTIMATE_H

#include "checker/explicit/explicit.h"

namespace iommucheck::checker {

struct [[nodiscard]] Estimate {
  /// The search that it comes from, ended by its limits; its verdict counts if `finished`.
  Exploration sample;
  bool finished = false;   ///< the sample was the whole search: `states` is exact
  std::size_t levels = 0;  ///< whole ones of the sample
  double growth = 0;       ///< from level to level, at its end
  /// Nothing where the sample says too little: there are more than sample.states, and that is all.
  std::optional<double> states;
  double low = 0, high = 0;  ///< with `states`
  /// With `states`: memory of a search that keeps states at the bytes per state of the sample, and
  /// of one that keeps fingerprints.
  double bytes = 0, fingerprint_bytes = 0;
  double seconds = 0;  ///< with `states`: at the rate of the sample, on as many threads
};

/// Searches within `options.limits`, and extrapolates (extrapolate.h).  A sample that ends at a
/// violation is finished: so would the search be.  Throws what explore() throws.
Estimate estimate(const ConcreteFactory& factory, const Options& options);

}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_CHECKER_WALK_ESTIMATE_H
