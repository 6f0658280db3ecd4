// SPDX-License-Identifier: MIT
// Several checkers on one row: whether their counts agree, and the medians of what they took.
#ifndef IOMMUCHECK_BENCH_REFERENCE_COMPARISON_H
#define IOMMUCHECK_BENCH_REFERENCE_COMPARISON_H

#include <memory>
#include <string>
#include <vector>

#include "bench/reference/peers.h"

namespace iommucheck::bench {

/// One checker on one row.  Without runs it was skipped (not installed) or it failed.
struct Column {
  std::string checker;
  std::string skipped, failed;
  double prepare_seconds = 0;
  std::vector<Run> runs;

  double seconds() const;            ///< median
  double cpu_seconds() const;        ///< median
  std::uint64_t peak_bytes() const;  ///< median
  double states_per_second() const;
  double bytes_per_state() const;
};

struct Comparison {
  Row row;
  std::vector<Column> columns;
  /// What does not fit: other counts than expected, or a checker that failed.  None: all agree.
  std::vector<std::string> disagreements;
};

/// Runs each checker `repeat` times, taking turns: what disturbs the machine disturbs all alike.
Comparison compare(const Row& row, const std::vector<std::unique_ptr<Checker>>& checkers,
                   unsigned repeat);

}  // namespace iommucheck::bench

#endif  // IOMMUCHECK_BENCH_REFERENCE_COMPARISON_H
