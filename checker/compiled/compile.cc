// SPDX-License-Identifier: MIT
// Running the compiler, keeping what it made, and loading it.
#include "checker/compiled/compile.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xxhash.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "checker/compiled/generate.h"

namespace iommucheck::checker {

namespace {

namespace fs = std::filesystem;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// What a compiler is given beside the files.
std::vector<std::string> compiler_line() {
  std::string compiler = variable("CC");
  if (compiler.empty()) compiler = "cc";
  return {compiler, "-x", "c", "-std=gnu11", "-O2", "-march=native", "-fPIC", "-shared", "-w"};
}

/// A directory for files of this user alone; empty if there is none to write to.
fs::path cache_directory() {
  fs::path base = variable("XDG_CACHE_HOME");
  if (base.empty() || base.is_relative()) {
    const std::string home = variable("HOME");
    if (home.empty()) return {};
    base = fs::path{home} / ".cache";
  }
  fs::path directory = base / "iommucheck";
  std::error_code error;
  fs::create_directories(directory, error);
  if (error || access(directory.c_str(), W_OK) != 0) return {};
  return directory;
}

/// A directory that goes away with its files.
class Workshop {
 public:
  Workshop() {
    std::string name = (fs::temp_directory_path() / "iommucheck-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) {
      throw CompileError(fmt::format("no directory for the compiler in {}: {}",
                                     fs::temp_directory_path().string(), std::strerror(errno)));
    }
    path_ = name;
  }
  ~Workshop() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Workshop(const Workshop&) = delete;
  Workshop& operator=(const Workshop&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::string read_file(const fs::path& file) {
  std::ifstream stream{file};
  return {std::istreambuf_iterator<char>{stream}, {}};
}

/// Runs the command; what it prints goes to `log`.
void run(const std::vector<std::string>& command, const fs::path& log) {
  std::vector<char*> words;
  words.reserve(command.size() + 1);
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t child = 0;
  const int error = posix_spawnp(&child, words[0], &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    throw CompileError(fmt::format("the C compiler '{}' does not start: {} (CC names another one)",
                                   command[0], std::strerror(error)));
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) throw CompileError("the C compiler cannot be waited for");
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    const std::string said = read_file(log).substr(0, 500);
    throw CompileError(fmt::format("the C compiler '{}' fails: {}", command[0], said));
  }
}

/// Identifies what the code depends on: its text, the compiler, and the CPU that it is made for.
std::string key_of(const std::string& source, const std::vector<std::string>& command) {
  std::string all = source;
  for (const std::string& word : command) all += word + '\n';
  std::ifstream cpu{"/proc/cpuinfo"};
  for (std::string line; std::getline(cpu, line) && !line.empty();) {
    if (line.compare(0, 5, "flags") == 0 || line.compare(0, 10, "model name") == 0) all += line;
  }
  const XXH128_hash_t hash = XXH3_128bits(all.data(), all.size());
  return fmt::format("steps-{:016x}{:016x}.so", hash.high64, hash.low64);
}

std::shared_ptr<void> load(const fs::path& file) {
  void* const library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw CompileError(fmt::format("compiled code: {}", dlerror()));
  return {library, [](void* handle) { dlclose(handle); }};
}

/// What was made before, if it is there and can be loaded.
std::shared_ptr<void> load_cached(const fs::path& file) {
  std::error_code ignored;
  if (file.empty() || !fs::exists(file, ignored)) return nullptr;
  try {
    return load(file);
  } catch (const CompileError&) {
    return nullptr;
  }
}

/// Compiles into a file that takes its name at once when it is complete.
std::shared_ptr<void> make(const std::string& source, const fs::path& cached) {
  const Workshop workshop;
  const fs::path text = workshop.path() / "steps.c";
  const fs::path made = workshop.path() / "steps.so";
  {
    std::ofstream stream{text};
    stream << source;
    if (!stream.flush()) throw CompileError("no room for the source in " + text.string());
  }
  auto command = compiler_line();
  command.insert(command.end(), {"-o", made.string(), text.string()});
  run(command, workshop.path() / "log");
  if (!cached.empty()) {
    const fs::path part = fmt::format("{}.{}", cached.string(), getpid());
    std::error_code error;
    fs::copy_file(made, part, fs::copy_options::overwrite_existing, error);
    if (!error) fs::rename(part, cached, error);
    if (error) fs::remove(part, error);
  }
  return load(made);
}

}  // namespace

CompiledSteps compile_steps(const SymbolicFactory& factory) {
  const auto begin = std::chrono::steady_clock::now();
  Generated generated;
  {
    const Relation relation(factory);
    try {
      generated = generate(relation);
    } catch (const std::length_error& error) {
      throw CompileError(error.what());
    }
  }
  fs::path cached = cache_directory();
  if (!cached.empty()) cached /= key_of(generated.source, compiler_line());
  CompiledSteps steps;
  steps.library = load_cached(cached);
  if (!steps.library) steps.library = make(generated.source, cached);
  steps.expand =
      reinterpret_cast<CompiledSteps::Expand>(dlsym(steps.library.get(), "iommucheck_expand"));
  if (steps.expand == nullptr) throw CompileError("compiled code has no iommucheck_expand()");
  steps.room = generated.room;
  steps.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return steps;
}

}  // namespace iommucheck::checker
