// SPDX-License-Identifier: MIT
// Slicing: the fields of a state that nothing reads.
#ifndef IOMMUCHECK_CHECKER_RELATION_SLICE_H
#define IOMMUCHECK_CHECKER_RELATION_SLICE_H

#include <cstdint>
#include <vector>

#include "checker/relation/relation.h"

namespace iommucheck::checker {

/// The numbers of the fields on which nothing depends that a verdict is made of: whether steps are
/// enabled, fail or wait, what is checked of a state, program counters, and the next values of all
/// fields that any of those reads.  States that differ in them only have the same future.
std::vector<std::uint32_t> unread_fields(const Relation& relation);

}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_CHECKER_RELATION_SLICE_H
