// SPDX-License-Identifier: MIT
// What went wrong inside kernel code, with the kernel's own files and lines.
#ifndef IOMMUCHECK_IMPL_LINUX_REPORT_H
#define IOMMUCHECK_IMPL_LINUX_REPORT_H

#include <string>
#include <vector>

namespace iommucheck::linux_harness {

struct Frame {
  std::string function;
  std::string file;  ///< relative to the tree: "drivers/iommu/ioasid.c"
  unsigned line = 0;
};

/// "drivers/iommu/ioasid.c:319"; "?" if it is not known.
std::string print(const Frame& frame);

/// A finding.  The kinds: "heap-use-after-free" and AddressSanitizer's other words; "double free",
/// "invalid free", "NULL dereference", "list poison", "wild pointer", "endless loop", "leak",
/// "WARN_ON", "panic", "deadlock", "unbalanced unlock", "lock held on return",
/// "sleep in atomic context", "suspicious RCU usage", "double call_rcu", "unknown error code",
/// "unmodelled kernel symbol" (a gap of the harness, not of the kernel), "runner died" (likewise).
struct Report {
  std::string kind;
  std::string message;
  bool fatal = false;            ///< the sequence ended here
  Frame where;                   ///< the innermost frame inside the kernel tree (a header, maybe)
  Frame in_file;                 ///< the innermost frame inside the file under test
  std::vector<Frame> frames;     ///< all frames inside the kernel tree, innermost first
  std::vector<Frame> allocated;  ///< where the object came from; or where the lock was taken
  std::vector<Frame> freed;      ///< where it went
};

/// Several lines, as a terminal shows it.
std::string print(const Report& report);

}  // namespace iommucheck::linux_harness

#endif  // IOMMUCHECK_IMPL_LINUX_REPORT_H
