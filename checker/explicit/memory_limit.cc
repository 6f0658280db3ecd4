// SPDX-License-Identifier: MIT
// How much memory this process may use: the machine's, or less if a control group says so.
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "checker/explicit/explicit.h"

namespace iommucheck::checker {

std::uint64_t default_memory_limit() {
  const long pages = sysconf(_SC_PHYS_PAGES);
  const long page = sysconf(_SC_PAGESIZE);
  std::uint64_t bytes = std::uint64_t{4} << 30;
  if (pages > 0 && page > 0) {
    bytes = static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page);
  }
  // Inside a container its own group is mounted here.  "max" does not parse: no limit.
  for (const char* path :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::ifstream file(path);
    std::uint64_t limit = 0;
    if (file >> limit && limit > 0) bytes = std::min(bytes, limit);
  }
  return bytes / 4 * 3;
}

}  // namespace iommucheck::checker
