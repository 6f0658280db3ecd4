// SPDX-License-Identifier: MIT
// Scratch: a file without a name, for what memory has no room for; it ends with the process.
//
// All may be called by many threads at once.
#ifndef IOMMUCHECK_CHECKER_EXPLICIT_SCRATCH_H
#define IOMMUCHECK_CHECKER_EXPLICIT_SCRATCH_H

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "checker/explicit/pages.h"

namespace iommucheck::checker {

/// A file for scratch cannot be made, is full, or does not give back what it was given.
class DiskError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

namespace explicit_state {

class Scratch {
 public:
  /// Makes the directory, too.  Throws DiskError, as do the others.
  explicit Scratch(const std::filesystem::path& directory);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  /// Writes behind all that is there; gives the place.
  std::uint64_t append(const void* data, std::size_t bytes);
  void read(std::uint64_t place, void* data, std::size_t bytes);
  /// Room that the disk has promised, as memory.
  Pages map(std::size_t bytes);

  std::uint64_t bytes() const { return end_.load(std::memory_order_relaxed); }
  std::uint64_t bytes_read() const { return read_.load(std::memory_order_relaxed); }

 private:
  [[noreturn]] void fail(const std::string& what, int error) const;

  std::filesystem::path directory_;
  int fd_ = -1;
  std::atomic<std::uint64_t> end_ = 0, read_ = 0;
};

}  // namespace explicit_state
}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_CHECKER_EXPLICIT_SCRATCH_H
