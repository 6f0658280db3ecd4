// SPDX-License-Identifier: MIT
// Runs programs by argument vector, without a shell, and collects what they print.
#ifndef IOMMUCHECK_IMPL_LINUX_PROCESS_H
#define IOMMUCHECK_IMPL_LINUX_PROCESS_H

#include <filesystem>
#include <string>
#include <vector>

namespace iommucheck::linux_harness {

struct Finished {
  int status = 0;      ///< exit code; 128 + signal if it was killed
  std::string output;  ///< standard output and error together
};

/// Runs a program found in PATH to its end.  Thread-safe.
/// Variables that would change a kernel build (MAKEFLAGS, ARCH, KCFLAGS, ...) are not passed on.
Finished run(const std::vector<std::string>& argv, const std::filesystem::path& directory = {});

/// The end of what a program said, for messages.
std::string last_lines(const std::string& text, std::size_t lines);

/// Throws HarnessError unless every program is in PATH; names the Debian packages to install.
void require_programs(const std::vector<std::string>& programs);

/// A running program with which lines of text are exchanged.  Not thread-safe.
class Conversation {
 public:
  explicit Conversation(const std::filesystem::path& program);
  ~Conversation();
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  /// False if the program has gone.
  bool send(std::string_view text);
  /// The next line without its end; false if the program has gone or is silent for a minute.
  bool receive(std::string& line);

 private:
  int socket_ = -1;
  int child_ = -1;
  std::string buffer_;
  std::size_t at_ = 0;
};

}  // namespace iommucheck::linux_harness

#endif  // IOMMUCHECK_IMPL_LINUX_PROCESS_H
