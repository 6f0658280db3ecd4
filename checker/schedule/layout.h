// SPDX-License-Identifier: MIT
// Where in the address space the engine puts what the program under test may point to.
//
// The places are fixed: the same program meets the same addresses in each execution and in each
// process, so that a schedule can be repeated elsewhere.  They lie where neither the loader nor
// the sanitizers put anything (x86-64, Linux).
#ifndef IOMMUCHECK_CHECKER_SCHEDULE_LAYOUT_H
#define IOMMUCHECK_CHECKER_SCHEDULE_LAYOUT_H

#include <cstdint>

namespace iommucheck::schedule {

inline constexpr std::uintptr_t kHeapBase = 0x200000000000;
inline constexpr std::uintptr_t kStackBase = 0x210000000000;
/// From one stack to the next.
inline constexpr std::uintptr_t kStackStride = std::uintptr_t{1} << 20;

}  // namespace iommucheck::schedule

#endif  // IOMMUCHECK_CHECKER_SCHEDULE_LAYOUT_H
