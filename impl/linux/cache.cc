// SPDX-License-Identifier: MIT
// Cache entries by rename, under a file lock; digests of files.
#include "impl/linux/cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <system_error>

#include <fmt/format.h>

#include "impl/linux/error.h"
#include "impl/linux/process.h"

namespace iommucheck::linux_harness {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kTemporary = "unfinished-";

/// Asked before what did not fit is removed.
bool is_full(const fs::path& directory) {
  constexpr std::uintmax_t kNothing = 8 << 20;  // linkers remove the file that they cannot finish
  std::error_code error;
  const fs::space_info space = fs::space(directory, error);
  return !error && space.available < kNothing;
}

}  // namespace

fs::path Cache::default_directory() {
  const auto variable = [](const char* name) -> fs::path {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
  };
  if (fs::path own = variable("IOMMUCHECK_CACHE"); !own.empty()) return own;
  if (const fs::path user = variable("XDG_CACHE_HOME"); user.is_absolute()) {
    return user / "iommucheck";
  }
  if (const fs::path home = variable("HOME"); !home.empty()) return home / ".cache" / "iommucheck";
  throw HarnessError("there is no place for unpacked and prepared kernels", "HOME is not set",
                     "set IOMMUCHECK_CACHE to a directory with about 700 MB free");
}

Cache::Cache(fs::path directory, Progress progress)
    : directory_{std::move(directory)}, progress_{std::move(progress)} {
  std::error_code error;
  fs::create_directories(directory_, error);
  const fs::path lock = directory_ / "lock";
  if (!error) {
    lock_ = open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (lock_ < 0) error = {errno, std::generic_category()};
  }
  if (error) {
    throw HarnessError(
        fmt::format("cannot use the cache directory {}: {}", directory_.string(), error.message()),
        "no permission, or a file is in the way",
        "set IOMMUCHECK_CACHE to a directory that you may write to");
  }
  directory_ = fs::canonical(directory_);
  if (flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    say("waiting for another iommucheck that prepares a kernel");
    while (flock(lock_, LOCK_EX) != 0 && errno == EINTR) {}
  }
  // Whatever is unfinished now belongs to nobody: its maker would hold the lock.
  for (const auto& file : fs::directory_iterator(directory_, error)) {
    if (file.path().filename().string().starts_with(kTemporary)) fs::remove_all(file, error);
  }
}

Cache::~Cache() {
  if (lock_ >= 0) close(lock_);
}

void Cache::say(std::string_view what) const {
  if (progress_) progress_(what);
}

fs::path Cache::entry(const std::string& kind, const std::string& key,
                      const std::function<void(const fs::path&)>& make) {
  fs::path wanted = directory_ / (kind + "-" + key);
  if (fs::exists(wanted)) return wanted;
  std::error_code error;
  for (const auto& file : fs::directory_iterator(directory_, error)) {
    // A key is 16 digits: a kind that begins with another kind's name is not touched.
    const std::string name = file.path().filename().string();
    if (name.size() == wanted.filename().string().size() && name.starts_with(kind + "-")) {
      fs::remove_all(file, error);
    }
  }
  // The process id: a make whose parent was killed may still write where that one worked.
  const fs::path temporary = directory_ / fmt::format("{}{}-{}", kTemporary, getpid(), kind);
  try {
    fs::remove_all(temporary);
    fs::create_directory(temporary);
    make(temporary);
    fs::rename(temporary, wanted);
  } catch (const std::exception& failure) {
    const bool full = is_full(directory_);
    fs::remove_all(temporary, error);
    // Compilers and tar say it each in their own way, or not at all.
    if (full) {
      const auto* ours = dynamic_cast<const HarnessError*>(&failure);
      throw HarnessError(
          fmt::format("the disk of {} is full; what failed there was:\n{}", directory_.string(),
                      last_lines(ours == nullptr ? failure.what() : ours->happened(), 8)),
          "an unpacked kernel takes 400 MB, a prepared one 20 MB",
          "free some space, or set IOMMUCHECK_CACHE to another directory");
    }
    if (dynamic_cast<const fs::filesystem_error*>(&failure) == nullptr) throw;
    throw HarnessError(failure.what(), "the cache belongs to another user",
                       "set IOMMUCHECK_CACHE to another directory");
  }
  return wanted;
}

// FNV-1a.
Digest& Digest::add(std::string_view text) {
  for (const char letter : text) {
    value_ = (value_ ^ static_cast<unsigned char>(letter)) * 0x100000001b3U;
  }
  return add(static_cast<std::uint64_t>(text.size()));
}

Digest& Digest::add(std::uint64_t number) {
  for (int i = 0; i < 8; ++i) {
    value_ = (value_ ^ ((number >> (8 * i)) & 0xff)) * 0x100000001b3U;
  }
  return *this;
}

Digest& Digest::add_file(const fs::path& file) {
  struct stat info {};
  if (stat(file.c_str(), &info) != 0) return add(file.native()).add("missing");
  return add(file.native())
      .add(static_cast<std::uint64_t>(info.st_size))
      .add(static_cast<std::uint64_t>(info.st_mtim.tv_sec))
      .add(static_cast<std::uint64_t>(info.st_mtim.tv_nsec));
}

std::string Digest::hex() const { return fmt::format("{:016x}", value_); }

std::string read_file(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  std::ostringstream text;
  if (in) text << in.rdbuf();
  if (!in) {
    throw HarnessError(fmt::format("cannot read {}", file.string()), "no permission to read it",
                       "");
  }
  return text.str();
}

void write_file(const fs::path& file, std::string_view text) {
  std::ofstream out{file, std::ios::binary};
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
  out.close();
  if (!out) {
    throw HarnessError(fmt::format("cannot write {}", file.string()), "the disk is full", "");
  }
}

}  // namespace iommucheck::linux_harness
