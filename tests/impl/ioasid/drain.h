// SPDX-License-Identifier: MIT
// Ids that belong to no set: taking all of them tells how many were left.
#pragma once

#include "impl/ioasid/allocator.h"

namespace iommucheck::ioasid::impl {

inline constexpr Set kNoSet{};

/// Takes every id that is left and says how many those were.
inline std::uint32_t drain(Allocator& ids) {
  std::uint32_t count = 0;
  while (ids.alloc(kNoSet, 0, ~0U, nullptr)) ++count;
  return count;
}

}  // namespace iommucheck::ioasid::impl
