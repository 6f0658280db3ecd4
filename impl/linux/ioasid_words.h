// SPDX-License-Identifier: MIT
// Calls and answers of the target ioasid as text: what goes to a runner and comes back.
#ifndef IOMMUCHECK_IMPL_LINUX_IOASID_WORDS_H
#define IOMMUCHECK_IMPL_LINUX_IOASID_WORDS_H

#include <optional>
#include <string>

#include "spec/ioasid/call.h"

namespace iommucheck::linux_harness {

/// Largest numbers that calls may use.
inline constexpr std::uint32_t kMaxNumber = 64;  ///< sets and data
inline constexpr std::uint32_t kMaxOps = 8;

/// The calls that 6.1 has: alloc, free, find, set_data, register_allocator, unregister_allocator.
bool in_linux_6_1(ioasid::CallKind kind);

/// As glue/calls.c reads it, without a separator: "f 3".  Throws std::invalid_argument for a call
/// that is not in this kernel or whose numbers are too large.  `take` of set_data is the old data,
/// if its owner reuses it when the call has returned (scheduled runners only).
std::string encode(const ioasid::Call& call);

/// The error that a number returned by the kernel stands for (1: INVALID_IOASID); none: unknown.
std::optional<ioasid::Err> error_of(int number);

}  // namespace iommucheck::linux_harness

#endif  // IOMMUCHECK_IMPL_LINUX_IOASID_WORDS_H
