// SPDX-License-Identifier: MIT
// Rows of a design, its bounds and its numbers, as the tests pin them.
#pragma once

#include <cstdint>
#include <string>

#include "checker/explicit/explicit.h"
#include "model/registry.h"

namespace iommucheck::model {

/// What `iommucheck check` prints for these bounds.
struct Pinned {
  const char* design;
  BoundValues bounds;
  std::uint64_t states, transitions, depth;
};

/// Explores a registered design, with a bug of its list if one is named.
inline checker::Exploration explore(const std::string& name, const BoundValues& bounds,
                                    const std::string& bug = "") {
  return checker::explore([&] { return design(name).concrete(bounds, bug); });
}

}  // namespace iommucheck::model
