// SPDX-License-Identifier: MIT
// Starting processes, with their output in files of memory: no pipe that could fill up.
#include "tests/cli/command.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace iommucheck::cli {
namespace {

[[noreturn]] void give_up(const std::string& what, int error) {
  throw std::system_error(error, std::generic_category(), what);
}

/// A file in memory, not inherited by processes unless they are given it.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(memfd_create("iommucheck-test", MFD_CLOEXEC)) {
    if (descriptor_ < 0) give_up("memfd_create", errno);
    // 0 to 2 are what the child's streams become: a file of ours must not be one of them.
    if (descriptor_ <= STDERR_FILENO) {
      const int higher = fcntl(descriptor_, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
      close(descriptor_);
      descriptor_ = higher;
      if (descriptor_ < 0) give_up("F_DUPFD_CLOEXEC", errno);
    }
  }
  ~MemoryFile() { close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  int descriptor() const { return descriptor_; }

  void fill(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t n = ::write(descriptor_, text.data(), text.size());
      if (n < 0) give_up("write", errno);
      text.remove_prefix(static_cast<std::size_t>(n));
    }
    if (lseek(descriptor_, 0, SEEK_SET) != 0) give_up("lseek", errno);
  }

  std::string text() const {
    if (lseek(descriptor_, 0, SEEK_SET) != 0) give_up("lseek", errno);
    std::string all;
    std::string part(1 << 16, '\0');
    for (;;) {
      const ssize_t n = ::read(descriptor_, part.data(), part.size());
      if (n < 0) give_up("read", errno);
      if (n == 0) return all;
      all.append(part, 0, static_cast<std::size_t>(n));
    }
  }

 private:
  int descriptor_;
};

int wait_for(pid_t process) {
  int status = 0;
  while (waitpid(process, &status, 0) < 0) {
    if (errno != EINTR) give_up("waitpid", errno);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

const std::string& binary() {
  static const std::string kBinary = [] {
    const char* chosen = std::getenv("IOMMUCHECK_BINARY");
    return std::string{chosen != nullptr && *chosen != '\0' ? chosen : IOMMUCHECK_BINARY};
  }();
  return kBinary;
}

Outcome run_program(const std::string& program, const Words& words,
                    const std::optional<std::string>& input) {
  const MemoryFile in;
  const MemoryFile out;
  const MemoryFile err;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, out.descriptor(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err.descriptor(), STDERR_FILENO);
  if (input) {
    in.fill(*input);
    posix_spawn_file_actions_adddup2(&actions, in.descriptor(), STDIN_FILENO);
  } else {
    posix_spawn_file_actions_addclose(&actions, STDIN_FILENO);
  }
  Words all{program};
  all.insert(all.end(), words.begin(), words.end());
  std::vector<char*> arguments;
  arguments.reserve(all.size() + 1);
  for (auto& word : all) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t process = 0;
  const int error =
      posix_spawnp(&process, program.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return {127, "", program + " cannot be started: " + std::strerror(error)};
  const int code = wait_for(process);
  return {code, out.text(), err.text()};
}

Outcome run(const Words& words, const std::optional<std::string>& input) {
  return run_program(binary(), words, input);
}

Words split(std::string_view command, const Words& more) {
  std::istringstream stream{std::string{command}};
  Words words;
  for (std::string word; stream >> word;) words.push_back(word);
  return extend(std::move(words), more);
}

Words extend(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

std::string join(const Words& words) {
  std::string line = "iommucheck";
  for (const auto& word : words) line += " " + word;
  return line;
}

Json object_of(const Outcome& outcome) {
  auto object = Json::parse(outcome.out, nullptr, false);
  if (!object.is_object()) {
    ADD_FAILURE() << "no JSON object on standard output:\n" << outcome.out << outcome.err;
    return Json::object();
  }
  EXPECT_EQ(outcome.err, "") << "a command with --json says nothing else";
  return object;
}

Json ask(int code, const Words& words) {
  Words all = words;
  all.emplace_back("--json");
  SCOPED_TRACE(join(all));
  const Outcome outcome = run(all);
  EXPECT_EQ(outcome.code, code) << outcome.err;
  return object_of(outcome);
}

Json listed(const char* kind) { return ask(kGood, {"list"}).at(kind); }

std::size_t steps_of(const Json& trace) {
  if (!trace.is_object() || !trace.contains("states") || trace["states"].empty()) {
    ADD_FAILURE() << "no trace: " << trace.dump().substr(0, 200);
    return 0;
  }
  return trace["states"].size() - 1;
}

void expect_words(const std::string& text, const std::vector<std::string_view>& words) {
  for (const std::string_view word : words) {
    EXPECT_NE(text.find(word), std::string::npos) << "no \"" << word << "\" in:\n" << text;
  }
}

void expect_error(const Outcome& outcome, int code, const std::vector<std::string_view>& words) {
  EXPECT_EQ(outcome.code, code);
  EXPECT_EQ(outcome.out, "") << "an error leaves standard output empty";
  EXPECT_EQ(outcome.err.rfind("iommucheck: ", 0), 0U) << outcome.err;
  if (!outcome.err.empty()) {
    EXPECT_EQ(outcome.err.back(), '\n');
  }
  expect_words(outcome.err, words);
}

Folder::Folder() {
  std::string name = (std::filesystem::temp_directory_path() / "iommucheck-cli-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) give_up("mkdtemp", errno);
  path_ = name;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string Folder::write(const std::string& name, std::string_view text) const {
  std::string path = file(name);
  std::ofstream stream{path, std::ios::binary};
  stream << text;
  stream.close();
  if (!stream) throw std::runtime_error("cannot write " + path);
  return path;
}

std::string read(const std::string& file) {
  std::stringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

}  // namespace iommucheck::cli
