// SPDX-License-Identifier: MIT
// Runs a program to its end: what it printed, how long it took, how much memory it had at most.
//
// Thread-safe.
#ifndef IOMMUCHECK_BENCH_REFERENCE_CHILD_H
#define IOMMUCHECK_BENCH_REFERENCE_CHILD_H

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace iommucheck::bench {

struct Child {
  int status = 0;          ///< exit code; 128 + signal if it was killed; 127: could not be started
  double seconds = 0;      ///< wall clock, from its start to its end
  double cpu_seconds = 0;  ///< of all its threads, user and system
  /// Largest resident set.  Linux lets a child begin with what its parent had, so this is never
  /// below the resident set of this process: keep that small.
  std::uint64_t peak_bytes = 0;
  std::string out, err;
};

/// Runs argv[0] (found in PATH) in `directory`, with no standard input.
Child run_child(std::vector<std::string> argv, const std::filesystem::path& directory);

}  // namespace iommucheck::bench

#endif  // IOMMUCHECK_BENCH_REFERENCE_CHILD_H
