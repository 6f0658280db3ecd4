// SPDX-License-Identifier: MIT
// The directory where unpacked sources, prepared builds and runners are kept between runs.
//
// An entry is made under a temporary name and renamed when it is complete, so that an interrupted
// run leaves nothing that looks good.  One process at a time works in the cache (a file lock).
#ifndef IOMMUCHECK_IMPL_LINUX_CACHE_H
#define IOMMUCHECK_IMPL_LINUX_CACHE_H

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace iommucheck::linux_harness {

/// What is going on, for a user who waits: "unpacking ...", "compiling ...".
using Progress = std::function<void(std::string_view)>;

class Cache {
 public:
  /// Takes the lock, and waits for it.  Throws HarnessError if the directory cannot be used.
  explicit Cache(std::filesystem::path directory = default_directory(), Progress progress = {});
  ~Cache();
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  /// $IOMMUCHECK_CACHE, else $XDG_CACHE_HOME/iommucheck, else ~/.cache/iommucheck.
  static std::filesystem::path default_directory();

  /// The entry "KIND-KEY"; made by `make(temporary directory)` if it does not exist.  Other keys of
  /// the same kind are removed first: they are old states of the same thing.
  std::filesystem::path entry(const std::string& kind, const std::string& key,
                              const std::function<void(const std::filesystem::path&)>& make);

  void say(std::string_view what) const;

 private:
  std::filesystem::path directory_;
  Progress progress_;
  int lock_ = -1;
};

/// A digest of what was added to it, for keys: fast, not cryptographic.
class Digest {
 public:
  Digest& add(std::string_view text);
  Digest& add(std::uint64_t number);
  /// Name, size and time of last change.
  Digest& add_file(const std::filesystem::path& file);
  std::string hex() const;

 private:
  std::uint64_t value_ = 0xcbf29ce484222325U;
};

/// The whole text of a file; throws HarnessError if it cannot be read.
std::string read_file(const std::filesystem::path& file);
/// Writes a file; throws HarnessError if it cannot.
void write_file(const std::filesystem::path& file, std::string_view text);

}  // namespace iommucheck::linux_harness

#endif  // IOMMUCHECK_IMPL_LINUX_CACHE_H
