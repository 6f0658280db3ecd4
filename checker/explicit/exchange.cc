// SPDX-License-Identifier: MIT
// Sums and minima over ranks.
#include "checker/explicit/exchange.h"

#include <algorithm>

#include "checker/explicit/bytes.h"

namespace iommucheck::checker {

using explicit_state::BytesReader;
using explicit_state::BytesWriter;

std::vector<std::uint64_t> Exchange::sum(const std::vector<std::uint64_t>& mine) {
  std::vector<std::uint64_t> sums(mine.size());
  for (const std::string& bytes : all_gather(BytesWriter().numbers(mine).bytes())) {
    const std::vector<std::uint64_t> values = BytesReader(bytes).numbers();
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += values.at(i);
  }
  return sums;
}

std::uint64_t Exchange::smallest(std::uint64_t mine) {
  std::uint64_t least = mine;
  for (const std::string& bytes : all_gather(BytesWriter().number(mine).bytes()))
    least = std::min(least, BytesReader(bytes).number());
  return least;
}

}  // namespace iommucheck::checker
