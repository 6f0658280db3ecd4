// SPDX-License-Identifier: MIT
// From addresses of the runner to lines of the kernel tree.
#ifndef IOMMUCHECK_IMPL_LINUX_SYMBOLS_H
#define IOMMUCHECK_IMPL_LINUX_SYMBOLS_H

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "impl/linux/report.h"
#include "impl/linux/runner.h"

namespace iommucheck::linux_harness {

/// Asks addr2line, once for each address.  Not thread-safe.
class Symbols {
 public:
  /// `caller`: a file of ours that calls the kernel's functions; its frames are kept, too, as in
  /// "caller.c".  Empty: none.
  explicit Symbols(const Runner& runner, std::string caller = {});

  /// Looks up all of them in one go; later look-ups of the same are free.
  void prefetch(const std::vector<std::uint64_t>& addresses);
  /// The frames of one address that are inside the tree: inlined functions first.
  const std::vector<Frame>& frames(std::uint64_t address);

 private:
  std::string program_, tree_, build_, caller_;
  std::unordered_map<std::uint64_t, std::vector<Frame>> known_;

  void parse(std::string_view output);
  bool relative_to_tree(std::string& file) const;
};

}  // namespace iommucheck::linux_harness

#endif  // IOMMUCHECK_IMPL_LINUX_SYMBOLS_H
