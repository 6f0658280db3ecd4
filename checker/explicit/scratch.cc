// SPDX-License-Identifier: MIT
// System calls on the scratch file; each that fails is a DiskError.
#include "checker/explicit/scratch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace iommucheck::checker::explicit_state {

namespace {
constexpr std::uint64_t kPage = 4096;
}  // namespace

Scratch::Scratch(const std::filesystem::path& directory) : directory_(directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  std::string name = (directory / "scratch-XXXXXX").string();
  fd_ = mkostemp(name.data(), O_CLOEXEC);
  if (fd_ < 0) fail("no file can be made there", errno);
  unlink(name.c_str());  // whatever ends the process, nothing is left
}

Scratch::~Scratch() {
  if (fd_ >= 0) close(fd_);
}

std::uint64_t Scratch::append(const void* data, std::size_t bytes) {
  const std::uint64_t place = end_.fetch_add(bytes, std::memory_order_relaxed);
  const auto* from = static_cast<const char*>(data);
  for (std::size_t done = 0; done < bytes;) {
    const ssize_t n = pwrite(fd_, from + done, bytes - done, static_cast<off_t>(place + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail("what memory has no room for cannot be written", n < 0 ? errno : ENOSPC);
    done += static_cast<std::size_t>(n);
  }
  return place;
}

void Scratch::read(std::uint64_t place, void* data, std::size_t bytes) {
  read_.fetch_add(bytes, std::memory_order_relaxed);
  auto* to = static_cast<char*>(data);
  for (std::size_t done = 0; done < bytes;) {
    const ssize_t n = pread(fd_, to + done, bytes - done, static_cast<off_t>(place + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail("what was written cannot be read", n < 0 ? errno : EIO);
    done += static_cast<std::size_t>(n);
  }
}

Pages Scratch::map(std::size_t bytes) {
  const std::uint64_t size = (bytes + kPage - 1) / kPage * kPage;
  const std::uint64_t place = end_.fetch_add(size, std::memory_order_relaxed);
  // Without the disk's promise, writing to the mapping would end the process when it is full.
  int error = EINTR;
  while (error == EINTR)
    error = posix_fallocate(fd_, static_cast<off_t>(place), static_cast<off_t>(size));
  if (error != 0) fail("there is no room for more states", error);
  void* const data =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, static_cast<off_t>(place));
  if (data == MAP_FAILED) fail("states cannot be mapped", errno);
  return {data, size};
}

void Scratch::fail(const std::string& what, int error) const {
  throw DiskError(
      fmt::format("the directory {}: {}: {}", directory_.string(), what, std::strerror(error)));
}

}  // namespace iommucheck::checker::explicit_state
