// SPDX-License-Identifier: MIT
// The nodes that terms are made of, operands first: what translations and printers walk over.
#ifndef IOMMUCHECK_CHECKER_RELATION_CONE_H
#define IOMMUCHECK_CHECKER_RELATION_CONE_H

#include <functional>
#include <span>
#include <vector>

#include "core/term.h"

namespace iommucheck::checker {

/// Every node below `roots` (and the roots), once, in the order of creation.  Nodes for which
/// `known` holds are left out, with what is only below them.
std::vector<const TermNode*> cone(std::span<const Term> roots,
                                  const std::function<bool(const TermNode&)>& known = {});

/// The largest value that a word can have, from its operands' largest values.
/// `largest` gives that of an operand.
std::uint32_t largest_value(const TermNode& node, const TermArena& arena,
                            const std::function<std::uint32_t(const TermNode&)>& largest);

}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_CHECKER_RELATION_CONE_H
