// SPDX-License-Identifier: MIT
// Running a program: posix_spawn, files in memory for its output, wait4 for its resources.
#include "bench/reference/child.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>

namespace iommucheck::bench {
namespace {

[[noreturn]] void give_up(const char* what, int error) {
  throw std::system_error(error, std::generic_category(), what);
}

/// Output goes to a file in memory: a pipe would fill up while nobody reads.
class MemoryFile {
 public:
  MemoryFile() {
    const int first = memfd_create("output", MFD_CLOEXEC);
    if (first < 0) give_up("memfd_create", errno);
    // Where our own standard input is closed, the number may be one that the child gives away.
    descriptor_ = fcntl(first, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    const int error = errno;
    close(first);
    if (descriptor_ < 0) give_up("fcntl", error);
  }
  MemoryFile(const MemoryFile&) = delete;
  ~MemoryFile() { close(descriptor_); }
  int descriptor() const { return descriptor_; }
  std::string text() const {
    std::string all;
    char part[1 << 14];
    off_t at = 0;
    for (;;) {
      const ssize_t n = pread(descriptor_, part, sizeof part, at);
      if (n < 0) give_up("pread", errno);
      if (n == 0) return all;
      all.append(part, static_cast<std::size_t>(n));
      at += n;
    }
  }

 private:
  int descriptor_ = -1;
};

class Actions {
 public:
  Actions() { posix_spawn_file_actions_init(&actions_); }
  Actions(const Actions&) = delete;
  ~Actions() { posix_spawn_file_actions_destroy(&actions_); }
  posix_spawn_file_actions_t* get() { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

}  // namespace

Child run_child(std::vector<std::string> argv, const std::filesystem::path& directory) {
  const MemoryFile out;
  const MemoryFile err;
  Actions actions;
  posix_spawn_file_actions_addopen(actions.get(), STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(actions.get(), out.descriptor(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(actions.get(), err.descriptor(), STDERR_FILENO);
  posix_spawn_file_actions_addchdir_np(actions.get(), directory.c_str());
  std::vector<char*> words;
  words.reserve(argv.size() + 1);
  for (auto& word : argv) words.push_back(word.data());
  words.push_back(nullptr);

  Child child;
  pid_t process = 0;
  const auto begin = std::chrono::steady_clock::now();
  if (const int error =
          posix_spawnp(&process, words[0], actions.get(), nullptr, words.data(), environ);
      error != 0) {
    child.status = 127;
    child.err = argv[0] + ": " + std::strerror(error);
    return child;
  }
  int status = 0;
  rusage usage{};
  while (wait4(process, &status, 0, &usage) < 0) {
    if (errno != EINTR) give_up("wait4", errno);
  }
  child.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  child.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  child.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  child.peak_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
  child.out = out.text();
  child.err = err.text();
  return child;
}

}  // namespace iommucheck::bench
