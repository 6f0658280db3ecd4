// SPDX-License-Identifier: MIT
// Wait cycles between processes.
#include "core/machine.h"

namespace iommucheck::detail {

bool has_cycle(std::span<const std::uint32_t> edges) {
  // Transitive closure by squaring over bit masks: there are a handful of processes.
  std::array<std::uint32_t, 32> reach{};
  std::copy(edges.begin(), edges.end(), reach.begin());
  for (std::size_t middle = 0; middle < edges.size(); ++middle) {
    for (std::size_t from = 0; from < edges.size(); ++from) {
      if ((reach[from] >> middle & 1U) != 0) reach[from] |= reach[middle];
    }
  }
  for (std::size_t p = 0; p < edges.size(); ++p) {
    if ((reach[p] >> p & 1U) != 0) return true;
  }
  return false;
}

}  // namespace iommucheck::detail
