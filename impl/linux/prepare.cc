// SPDX-License-Identifier: MIT
// Runs kbuild's own configuration and preparation, and reads the commands that it saved.
#include "impl/linux/prepare.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <string_view>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "impl/linux/error.h"
#include "impl/linux/process.h"
#include "impl/linux/runner.h"

namespace iommucheck::linux_harness {
namespace fs = std::filesystem;
namespace {

/// Appended to the default configuration; later lines win.  The list checks stay off, because they
/// stop at the first bad pointer: AddressSanitizer says more.
constexpr std::string_view kConfiguration =
    "CONFIG_DEBUG_KERNEL=y\n"
    "CONFIG_DEBUG_SPINLOCK=y\n"
    "CONFIG_DEBUG_MUTEXES=y\n"
    "CONFIG_PROVE_LOCKING=y\n"
    "CONFIG_PROVE_RCU=y\n"
    "CONFIG_DEBUG_ATOMIC_SLEEP=y\n"
    "CONFIG_IOMMU_SUPPORT=y\n"
    "# CONFIG_LIST_HARDENED is not set\n"
    "# CONFIG_DEBUG_LIST is not set\n"
    "# CONFIG_KASAN is not set\n"
    "# CONFIG_GCOV_KERNEL is not set\n"
    "# CONFIG_MODVERSIONS is not set\n"
    "# CONFIG_DEBUG_INFO_BTF is not set\n";

void make(const SourceTree& tree, const fs::path& output, std::vector<std::string> targets,
          std::string_view what) {
  const unsigned jobs = std::max(1U, std::thread::hardware_concurrency());
  std::vector<std::string> argv{"make",
                                "-s",
                                "-C",
                                tree.root.string(),
                                "ARCH=um",
                                "O=" + output.string(),
                                fmt::format("-j{}", jobs)};
  argv.insert(argv.end(), targets.begin(), targets.end());
  const Finished finished = run(argv);
  if (finished.status == 0) return;
  throw HarnessError(
      fmt::format("{} of {} (Linux {}) failed: {}\n{}", what, tree.origin.string(), tree.version,
                  fmt::join(argv, " "), last_lines(finished.output, 15)),
      "the tree is incomplete or has an error, or a program or header for kernel builds is missing",
      "apt-get install gcc make flex bison bc libc6-dev; then see whether the command above works");
}

std::string_view glue_text(std::string_view name) {
  const auto& files = glue_files();
  return std::ranges::find(files, name, &GlueFile::name)->text;
}

/// Everything that configuration and headers depend on.  Other C files are not looked at, so that
/// an edit of them costs a compilation only.
std::string digest_of(const SourceTree& tree) {
  constexpr std::array<std::string_view, 6> kWhole{"include",          "arch/um", "arch/x86/um",
                                                   "arch/x86/include", "scripts", "tools/include"};
  std::vector<fs::path> files{tree.root / "Makefile", tree.root / "Kbuild",
                              tree.root / "kernel/bounds.c"};
  fs::recursive_directory_iterator at{tree.root};
  for (; at != fs::recursive_directory_iterator{}; ++at) {
    if (at->path().filename() == ".git") {
      at.disable_recursion_pending();
      continue;
    }
    if (at->path().filename().string().starts_with("Kconfig")) files.push_back(at->path());
  }
  for (const std::string_view folder : kWhole) {
    if (!fs::is_directory(tree.root / folder)) continue;
    for (const auto& file : fs::recursive_directory_iterator(tree.root / folder)) {
      if (!file.is_directory()) files.push_back(file.path());
    }
  }
  std::sort(files.begin(), files.end());
  Digest digest;
  digest.add(tree.key).add(kConfiguration).add(run({"gcc", "--version"}).output);
  for (const fs::path& file : files) digest.add_file(file);
  return digest.hex();
}
/// ... and what is compiled on top of that, and how.
std::string digest_of(const std::string& configured, const KernelFiles& wanted) {
  Digest digest;
  digest.add(configured);
  for (const std::string& file : wanted.files) digest.add(file);
  for (const std::string& define : wanted.defines) digest.add(define);
  if (!wanted.header.empty()) digest.add(wanted.header).add(glue_text(wanted.header));
  return digest.hex();
}

/// A directory in which the tree is configured, and nothing compiled.
fs::path configure(Cache& cache, const SourceTree& tree, const std::string& key) {
  return cache.entry("configured-" + tree.key, key, [&](const fs::path& output) {
    cache.say(fmt::format("configuring Linux {} for user space (once, about 15 s)", tree.version));
    make(tree, output, {"defconfig"}, "the configuration");
    {
      std::ofstream config{output / ".config", std::ios::app};
      config << kConfiguration;
    }
    make(tree, output, {"olddefconfig"}, "the configuration");
    make(tree, output, {"prepare"}, "the preparation");
  });
}

fs::path command_file(const fs::path& directory, const std::string& file) {
  const fs::path path = directory / file;
  return path.parent_path() / fmt::format(".{}.o.cmd", path.stem().string());
}

std::string object_of(const std::string& file) { return fs::path{file}.replace_extension(".o"); }

bool is_dropped(std::string_view flag) {
  return flag.starts_with("-W") || flag.starts_with("-mcmodel=") || flag.starts_with("-O") ||
         flag.starts_with("-fsanitize") || flag == "-pg" || flag == "-g" || flag == "-c" ||
         flag.starts_with("-fplugin") || flag.starts_with("-fprofile");
}

}  // namespace

KernelFiles present_files(const SourceTree& tree, std::string name,
                          const std::vector<std::string>& files, std::vector<std::string> defines) {
  KernelFiles present{std::move(name), {}, std::move(defines)};
  for (const std::string& file : files) {
    if (fs::exists(tree.root / file)) present.files.push_back(file);
  }
  return present;
}

KernelBuild prepare(Cache& cache, const SourceTree& tree, const KernelFiles& wanted) {
  require_programs({"gcc", "make", "flex", "bison", "bc", "addr2line"});
  const std::string configured = digest_of(tree);
  const std::string key = digest_of(configured, wanted);
  const std::string kind = fmt::format("build-{}-{}", wanted.name, tree.key);
  const fs::path prepared = configure(cache, tree, configured);
  const fs::path directory = cache.entry(kind, key, [&](const fs::path& output) {
    // With the times of all files: make looks at them.
    const Finished copied = run({"cp", "-a", (prepared / ".").string(), output.string()});
    if (copied.status != 0) {
      throw HarnessError(
          fmt::format("the configured tree cannot be copied: {}", last_lines(copied.output, 3)),
          "the disk is full", "make room, then try again");
    }
    std::vector<std::string> flags = wanted.defines;
    if (!wanted.header.empty()) {
      write_file(output / wanted.header, glue_text(wanted.header));
      flags.insert(flags.end(), {"-include", wanted.header});  // compilers run in `output`
    }
    std::vector<std::string> targets{fmt::format("KCFLAGS={}", fmt::join(flags, " "))};
    for (const std::string& file : wanted.files) targets.push_back(object_of(file));
    make(tree, output, targets, "a compilation");
  });
  return {tree, directory, key};
}

std::vector<std::string> split_command(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool inside = false;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char letter = text[i];
    if (quote == 0 && (letter == ' ' || letter == '\t')) {
      if (inside) words.push_back(std::move(word));
      word.clear();
      inside = false;
      continue;
    }
    inside = true;
    if (quote == 0 && (letter == '\'' || letter == '"')) {
      quote = letter;
    } else if (quote != 0 && letter == quote) {
      quote = 0;
    } else if (letter == '\\' && quote != '\'' && i + 1 < text.size()) {
      word += text[++i];
    } else {
      word += letter;
    }
  }
  if (inside) words.push_back(std::move(word));
  return words;
}

std::vector<std::string> compile_command(const KernelBuild& build, const std::string& file) {
  const fs::path saved = command_file(build.directory, file);
  const std::string text = read_file(saved);
  // "cmd_FILE.o := gcc ...", "savedcmd_FILE.o := gcc ..." since 6.3; what follows ";" is checks.
  const std::size_t begin = text.find(":= ");
  if (begin == std::string::npos) {
    throw HarnessError(fmt::format("{} has no compile command", saved.string()),
                       "a kernel version with another kbuild", "report it with the version");
  }
  const std::string_view line = std::string_view{text}.substr(begin + 3);
  const std::vector<std::string> words = split_command(line.substr(0, line.find('\n')));
  std::vector<std::string> command;
  for (std::size_t i = 0; i < words.size() && words[i] != ";"; ++i) {
    if (words[i] == "-o") {
      ++i;  // and what follows it
    } else if (!is_dropped(words[i]) && !(words[i].ends_with(".c") && words[i][0] != '-')) {
      command.push_back(words[i]);
    }
  }
  return command;
}

}  // namespace iommucheck::linux_harness
