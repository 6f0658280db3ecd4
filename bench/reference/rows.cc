// SPDX-License-Identifier: MIT
// The rows: tiny ones for tests, small ones below three million states, large ones.
#include "bench/reference/rows.h"

#include <fmt/format.h>

namespace iommucheck::bench {

std::string Row::name() const {
  return fmt::format("{} thread{}, {} PASIDs, users {}, refs {}, {}", threads,
                     threads == 1 ? "" : "s", pasids, users, refs,
                     any_free ? "any free PASID" : "lowest free PASID");
}

std::vector<Row> rows_of(const std::string& word) {
  // size, threads, pasids, users, refs, any free, {states, transitions, depth}
  static const std::vector<Row> kRows{
      {RowSize::tiny, 1, 2, 1, 1, false, {20204, 25792, 54}},
      {RowSize::tiny, 1, 3, 1, 1, true, {56640, 72484, 54}},
      {RowSize::small, 2, 2, 1, 1, false, {765728, 1746944, 64}},
      {RowSize::small, 2, 2, 2, 1, false, {1813739, 4215308, 68}},
      {RowSize::small, 2, 3, 1, 1, true, {2282968, 5223064, 75}},
      {RowSize::large, 2, 2, 1, 2, false, {5377024, 12705280, 87}},
      {RowSize::large, 3, 2, 1, 1, false, {21043354, 67538256, 74}},
  };
  std::vector<Row> chosen;
  for (const Row& row : kRows) {
    const bool wanted =
        (row.size == RowSize::tiny && word == (row.any_free ? "tiny-any" : "tiny")) ||
        (row.size == RowSize::small && (word == "small" || word == "all")) ||
        (row.size == RowSize::large && (word == "large" || word == "all"));
    if (wanted) chosen.push_back(row);
  }
  return chosen;
}

}  // namespace iommucheck::bench
