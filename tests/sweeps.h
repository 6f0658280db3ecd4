// SPDX-License-Identifier: MIT
// Tests that are too long for every run of all tests: IOMMUCHECK_SWEEPS=1 runs them.
#pragma once

#include <cstdlib>

namespace iommucheck {

inline bool sweeps() { return std::getenv("IOMMUCHECK_SWEEPS") != nullptr; }
inline constexpr const char* kSweep = "a sweep: IOMMUCHECK_SWEEPS=1 runs it";

}  // namespace iommucheck
