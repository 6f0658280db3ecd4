// SPDX-License-Identifier: MIT
// posix_spawn with captured output, and a socket to a program that answers line by line.
#include "impl/linux/process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <fmt/format.h>

#include "impl/linux/error.h"

namespace iommucheck::linux_harness {
namespace {

constexpr int kSilenceMs = 60'000;

/// Our own environment without what a kernel's Makefile or AddressSanitizer would listen to.
std::vector<std::string> environment() {
  constexpr std::array<std::string_view, 20> kDropped{"MAKEFLAGS",
                                                      "MFLAGS",
                                                      "MAKELEVEL",
                                                      "MAKEOVERRIDES",
                                                      "ARCH",
                                                      "SUBARCH",
                                                      "CROSS_COMPILE",
                                                      "KCFLAGS",
                                                      "KCPPFLAGS",
                                                      "KAFLAGS",
                                                      "CFLAGS",
                                                      "CPPFLAGS",
                                                      "LDFLAGS",
                                                      "O",
                                                      "V",
                                                      "CC",
                                                      "LLVM",
                                                      "ASAN_OPTIONS",
                                                      "LC_ALL",
                                                      "KCONFIG_CONFIG"};
  std::vector<std::string> kept{"LC_ALL=C"};
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text{*variable};
    const std::string_view key = text.substr(0, text.find('='));
    bool dropped = key.starts_with("KBUILD_") || key.starts_with("CONFIG_");
    for (const std::string_view name : kDropped) dropped = dropped || key == name;
    if (!dropped) kept.emplace_back(text);
  }
  return kept;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (std::string& text : strings) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

/// posix_spawn's file actions, released at the end of the scope.
struct FileActions {
  FileActions() { posix_spawn_file_actions_init(&actions); }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  posix_spawn_file_actions_t actions;
};

pid_t spawn(std::vector<std::string> argv, const FileActions& files) {
  std::vector<std::string> variables = environment();
  const std::vector<char*> arguments = pointers(argv);
  const std::vector<char*> environment_pointers = pointers(variables);
  pid_t child = -1;
  const int error = posix_spawnp(&child, arguments[0], &files.actions, nullptr, arguments.data(),
                                 environment_pointers.data());
  if (error != 0) {
    throw HarnessError(fmt::format("cannot start {}: {}", argv[0], std::strerror(error)),
                       "the program is not installed", "");
  }
  return child;
}

int wait_for(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

[[noreturn]] void system_error(const char* what) {
  throw HarnessError(fmt::format("{}: {}", what, std::strerror(errno)), "too many open files", "");
}

}  // namespace

Finished run(const std::vector<std::string>& argv, const std::filesystem::path& directory) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) system_error("pipe");
  pid_t child = -1;
  {
    FileActions files;
    posix_spawn_file_actions_addopen(&files.actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files.actions, ends[1], 1);
    posix_spawn_file_actions_adddup2(&files.actions, ends[1], 2);
    if (!directory.empty()) {
      posix_spawn_file_actions_addchdir_np(&files.actions, directory.c_str());
    }
    try {
      child = spawn(argv, files);
    } catch (...) {
      close(ends[0]);
      close(ends[1]);
      throw;
    }
  }
  close(ends[1]);
  Finished finished;
  std::array<char, 16384> buffer{};
  for (;;) {
    const ssize_t size = read(ends[0], buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    finished.output.append(buffer.data(), static_cast<std::size_t>(size));
  }
  close(ends[0]);
  finished.status = wait_for(child);
  return finished;
}

std::string last_lines(const std::string& text, std::size_t lines) {
  std::size_t at = text.size();
  while (at > 0 && lines > 0) {
    at = text.rfind('\n', at - 1);
    if (at == std::string::npos) return text;
    --lines;
  }
  return text.substr(at == 0 ? 0 : at + 1);
}

void require_programs(const std::vector<std::string>& programs) {
  std::string missing;
  const char* path = std::getenv("PATH");
  for (const std::string& program : programs) {
    std::string_view rest = path != nullptr ? path : "/usr/bin:/bin";
    bool found = false;
    while (!found && !rest.empty()) {
      const std::size_t colon = rest.find(':');
      const std::filesystem::path folder{rest.substr(0, colon)};
      found = access((folder / program).c_str(), X_OK) == 0;
      rest = colon == std::string_view::npos ? "" : rest.substr(colon + 1);
    }
    if (!found) missing += " " + program;
  }
  if (missing.empty()) return;
  throw HarnessError("programs that a kernel build needs are missing:" + missing, "",
                     "apt-get install gcc make flex bison bc binutils tar xz-utils");
}

Conversation::Conversation(const std::filesystem::path& program) {
  std::array<int, 2> ends{};
  // A socket, not a pipe: writing to a program that has gone must not raise SIGPIPE.
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) system_error("socket");
  FileActions files;
  posix_spawn_file_actions_adddup2(&files.actions, ends[1], 0);
  posix_spawn_file_actions_adddup2(&files.actions, ends[1], 1);
  posix_spawn_file_actions_addopen(&files.actions, 2, "/dev/null", O_WRONLY, 0);
  try {
    child_ = spawn({program.string()}, files);
  } catch (...) {
    close(ends[0]);
    close(ends[1]);
    throw;
  }
  close(ends[1]);
  socket_ = ends[0];
}

Conversation::~Conversation() {
  close(socket_);
  kill(child_, SIGKILL);
  wait_for(child_);
}

bool Conversation::send(std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(size));
  }
  return true;
}

bool Conversation::receive(std::string& line) {
  for (;;) {
    const std::size_t end = buffer_.find('\n', at_);
    if (end != std::string::npos) {
      line.assign(buffer_, at_, end - at_);
      at_ = end + 1;
      return true;
    }
    buffer_.erase(0, at_);
    at_ = 0;
    pollfd waiting{socket_, POLLIN, 0};
    const int ready = poll(&waiting, 1, kSilenceMs);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    std::array<char, 65536> chunk{};
    const ssize_t size = read(socket_, chunk.data(), chunk.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return false;
    buffer_.append(chunk.data(), static_cast<std::size_t>(size));
  }
}

}  // namespace iommucheck::linux_harness
