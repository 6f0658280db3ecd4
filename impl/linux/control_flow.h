// SPDX-License-Identifier: MIT
// The basic blocks of compiled code, and which may follow which: what coverage is counted against.
#ifndef IOMMUCHECK_IMPL_LINUX_CONTROL_FLOW_H
#define IOMMUCHECK_IMPL_LINUX_CONTROL_FLOW_H

#include <cstdint>
#include <string_view>
#include <vector>

namespace iommucheck::linux_harness {

/// A block that one of several blocks may follow.  All are addresses.
struct Branch {
  std::uint64_t from = 0;  ///< the block
  std::uint64_t jump = 0;  ///< the first conditional jump behind its mark
  std::uint64_t to = 0;    ///< the block that follows
  auto operator<=>(const Branch&) const = default;
};

struct ControlFlow {
  /// -fsanitize-coverage=trace-pc marks each block by a call: an address inside that call, as the
  /// runner reports it.  Ascending.
  std::vector<std::uint64_t> blocks;
  /// Ascending.  A block that can be followed by one block only, or by none, has no branch.
  std::vector<Branch> branches;
};

/// From what `objdump -d --no-show-raw-insn` prints.  The code has to be compiled without jump
/// tables: where an indirect jump leads is not known, and is not counted.
ControlFlow control_flow_of(std::string_view disassembly);

}  // namespace iommucheck::linux_harness

#endif  // IOMMUCHECK_IMPL_LINUX_CONTROL_FLOW_H
