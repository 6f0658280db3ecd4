// SPDX-License-Identifier: MIT
// RapidCheck generators of IOASID call sequences, and how a sequence gets shorter and simpler.
//
// Sequences are made without looking at a state.  Which of their calls keep the contract is decided
// when they are executed (compare.h).
#ifndef IOMMUCHECK_CONFORMANCE_GENERATOR_H
#define IOMMUCHECK_CONFORMANCE_GENERATOR_H

#include <rapidcheck.h>

#include <array>
#include <functional>
#include <iosfwd>
#include <vector>

#include "spec/ioasid/bounds.h"
#include "spec/ioasid/call.h"

namespace iommucheck::ioasid {

/// Lets RapidCheck print calls.
void showValue(const Call& call, std::ostream& out);

}  // namespace iommucheck::ioasid

namespace iommucheck::conformance {

using ioasid::Bounds;
using ioasid::Call;
using ioasid::CallKind;

struct GeneratorOptions {
  unsigned length = 60;                    ///< a sequence has half of it at least
  std::function<bool(CallKind)> supports;  ///< kinds of calls that are generated; empty: all
};

/// Sequences within bounds.  Each has a mood of its own: some kinds of calls often and others
/// never, a few ids next to each other, a favourite set; so that together they reach what one
/// distribution would hardly reach.
rc::Gen<std::vector<Call>> calls(const Bounds& bounds, GeneratorOptions options = {});

/// A given sequence with all its shrinks: fewer calls, smaller numbers.
rc::Shrinkable<std::vector<Call>> shrinkable(std::vector<Call> calls);

}  // namespace iommucheck::conformance

#endif  // IOMMUCHECK_CONFORMANCE_GENERATOR_H
