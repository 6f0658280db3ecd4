// SPDX-License-Identifier: MIT
// The seed that random tests begin with: fixed, unless IOMMUCHECK_SEED says otherwise.
#ifndef IOMMUCHECK_TESTS_CHECKER_SCHEDULE_SEED_H
#define IOMMUCHECK_TESTS_CHECKER_SCHEDULE_SEED_H

#include <cstdint>
#include <cstdlib>

namespace iommucheck::schedule {

inline std::uint64_t first_seed() {
  const char* seed = std::getenv("IOMMUCHECK_SEED");
  return seed == nullptr ? 1 : std::strtoull(seed, nullptr, 10);
}

}  // namespace iommucheck::schedule

#endif  // IOMMUCHECK_TESTS_CHECKER_SCHEDULE_SEED_H
