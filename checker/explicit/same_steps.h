// SPDX-License-Identifier: MIT
// Comparing the successors that two ways of taking steps give.
#ifndef IOMMUCHECK_CHECKER_EXPLICIT_SAME_STEPS_H
#define IOMMUCHECK_CHECKER_EXPLICIT_SAME_STEPS_H

#include <algorithm>
#include <cstdint>
#include <vector>

namespace iommucheck::checker::explicit_state {

/// `count` states, one after the other, and the step that led to each of them.
struct Successors {
  const std::uint64_t* words = nullptr;
  const std::uint32_t* steps = nullptr;
  std::uint32_t count = 0;
};

/// Whether they are the same, in whatever order.
inline bool same_steps(const Successors& a, const Successors& b, unsigned width) {
  const auto sorted = [width](const Successors& s) {
    std::vector<std::vector<std::uint64_t>> rows;
    for (std::uint32_t i = 0; i < s.count; ++i) {
      const std::uint64_t* state = s.words + std::size_t{i} * width;
      rows.emplace_back(state, state + width).push_back(s.steps[i]);
    }
    std::sort(rows.begin(), rows.end());
    return rows;
  };
  return a.count == b.count && sorted(a) == sorted(b);
}

}  // namespace iommucheck::checker::explicit_state

#endif  // IOMMUCHECK_CHECKER_EXPLICIT_SAME_STEPS_H
