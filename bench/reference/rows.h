// SPDX-License-Identifier: MIT
// The instances of the reference model that are measured, with the counts that have to come out.
#ifndef IOMMUCHECK_BENCH_REFERENCE_ROWS_H
#define IOMMUCHECK_BENCH_REFERENCE_ROWS_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace iommucheck::bench {

/// What an exploration finds.  The depth is in steps: one less than the number of levels.
struct Counts {
  std::uint64_t states = 0;
  std::uint64_t transitions = 0;
  std::optional<std::uint64_t> depth;  ///< null: not reported
};

enum class RowSize : std::uint8_t { tiny, small, large };

struct Row {
  RowSize size{};
  unsigned threads = 2, pasids = 2, users = 1, refs = 1;
  bool any_free = false;
  Counts expected;  ///< as the peers found them (docs/reference-model.md)
  /// "2 threads, 3 PASIDs, users 1, refs 1, any free".
  std::string name() const;
};

/// The rows of "tiny" or "tiny-any" (one each), "small", "large", or "all" (small and large); none
/// for another word.
std::vector<Row> rows_of(const std::string& word);

}  // namespace iommucheck::bench

#endif  // IOMMUCHECK_BENCH_REFERENCE_ROWS_H
