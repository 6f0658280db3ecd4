// SPDX-License-Identifier: MIT
// Recognises kernel trees, unpacks packages, and looks at dirty trees through links.
#include "impl/linux/tree.h"

#include <unistd.h>

#include <array>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "impl/linux/error.h"
#include "impl/linux/overlay.h"
#include "impl/linux/process.h"

namespace iommucheck::linux_harness {
namespace fs = std::filesystem;
namespace {

/// "6.1.158" from the first lines of the top Makefile; empty if it is not a kernel's.
std::string version_of(const fs::path& root) {
  const fs::path makefile = root / "Makefile";
  if (!fs::is_regular_file(makefile)) return {};
  const std::string text = read_file(makefile);
  std::string version;
  for (const std::string_view field : {"VERSION = ", "PATCHLEVEL = ", "SUBLEVEL = "}) {
    const std::size_t at = text.find("\n" + std::string{field});
    if (at == std::string::npos) return {};
    const std::size_t begin = at + 1 + field.size();
    if (!version.empty()) version += '.';
    version += text.substr(begin, text.find('\n', begin) - begin);
  }
  return version;
}

SourceTree checked(SourceTree tree) {
  tree.version = version_of(tree.root);
  std::string missing;
  if (tree.version.empty()) missing = "a Makefile with VERSION, PATCHLEVEL and SUBLEVEL";
  for (const char* file : {"Kconfig", "Kbuild", "scripts", "include/linux", "arch/um"}) {
    if (missing.empty() && !fs::exists(tree.root / file)) missing = file;
  }
  if (missing.empty()) return tree;
  throw HarnessError(fmt::format("{} is no complete kernel source tree: {} is missing",
                                 tree.origin.string(), missing),
                     "the directory is a build directory, kernel headers only, or a level too high",
                     "name the directory that has Kconfig, Makefile and arch/ in it");
}

/// What tar leaves out.  Kconfig files and Makefiles stay, because the configuration reads all of
/// them; so do the drivers near IOMMUs.  1.5 GB become about 400 MB.
std::vector<std::string> left_out() {
  constexpr std::array<std::string_view, 21> kFolders{
      "drivers/gpu",    "drivers/net",     "drivers/media",
      "drivers/scsi",   "drivers/staging", "drivers/usb",
      "drivers/clk",    "drivers/pinctrl", "drivers/infiniband",
      "drivers/video",  "drivers/iio",     "drivers/hwmon",
      "drivers/input",  "drivers/power",   "drivers/soc",
      "drivers/crypto", "sound",           "net",
      "Documentation",  "tools/perf",      "tools/testing"};
  constexpr std::array<std::string_view, 22> kArchitectures{
      "alpha", "arc",  "arm",        "arm64",  "csky",     "hexagon",  "ia64",    "loongarch",
      "m68k",  "mips", "microblaze", "nios2",  "openrisc", "parisc",   "powerpc", "riscv",
      "s390",  "sh",   "sparc",      "xtensa", "tile",     "unicore32"};
  constexpr std::array<std::string_view, 9> kEndings{"[chS]", "dts", "dtsi", "rst", "txt",
                                                     "yaml",  "svg", "json", "uc"};
  std::vector<std::string> patterns;
  for (const std::string_view ending : kEndings) {
    for (const std::string_view folder : kFolders) {
      patterns.push_back(fmt::format("--exclude=*/{}/*.{}", folder, ending));
    }
    for (const std::string_view arch : kArchitectures) {
      patterns.push_back(fmt::format("--exclude=*/arch/{}/*.{}", arch, ending));
    }
  }
  return patterns;
}

void unpack(Cache& cache, const fs::path& archive, const fs::path& into) {
  require_programs({"tar", "xz"});
  cache.say(fmt::format("unpacking {} (once, about 10 s)", archive.string()));
  std::vector<std::string> tar{"tar",
                               "-xJf",
                               archive.string(),
                               "-C",
                               into.string(),
                               "--strip-components=1",
                               "--no-same-owner",
                               "--wildcards"};
  for (std::string& pattern : left_out()) tar.push_back(std::move(pattern));
  const Finished finished = run(tar);
  if (finished.status == 0) return;
  throw HarnessError(
      fmt::format("tar cannot unpack {}:\n{}", archive.string(), last_lines(finished.output, 5)),
      "the disk is full (400 MB are needed), or the archive is damaged",
      fmt::format("set IOMMUCHECK_CACHE to a larger disk, or reinstall the package: "
                  "apt-get install --reinstall {}",
                  archive.stem().stem().string()));
}

}  // namespace

SourceTree open_tree(Cache& cache, const fs::path& directory) {
  std::error_code error;
  const fs::path root = fs::canonical(directory, error);
  if (error || !fs::is_directory(root)) {
    throw HarnessError(fmt::format("there is no directory {}", directory.string()),
                       "a typing error in --tree",
                       "name a kernel source tree, or use --package linux-source-6.1");
  }
  SourceTree tree = checked({root, directory, "", Digest{}.add(root.native()).hex()});
  if (is_built_in_place(root)) tree.root = link_overlay(cache, root, tree.key);
  return tree;
}

SourceTree open_package(Cache& cache, const std::string& name, const fs::path& directory) {
  // A package name is one path component: anything else would leave /usr/src.
  const bool plain = !name.empty() && name.find('/') == std::string::npos && name[0] != '.';
  const fs::path unpacked = directory / name;
  if (plain && fs::is_directory(unpacked)) return open_tree(cache, unpacked);
  const fs::path archive = directory / (name + ".tar.xz");
  if (!plain || !fs::is_regular_file(archive)) {
    throw HarnessError(
        fmt::format("the source package {} is not installed: there is neither {} nor {}", name,
                    archive.string(), unpacked.string()),
        "Debian's kernel source packages are not installed by default",
        fmt::format("apt-get install {}, or name a tree: --tree DIR",
                    plain ? name : "linux-source-6.1"));
  }
  if (access(archive.c_str(), R_OK) != 0) {
    throw HarnessError(fmt::format("{} cannot be read", archive.string()), "its permissions",
                       "make it readable, or name a tree: --tree DIR");
  }
  const std::string key = Digest{}.add_file(archive).hex();
  const fs::path root = cache.entry("source-" + name, key,
                                    [&](const fs::path& into) { unpack(cache, archive, into); });
  return checked({root, archive, "", key});
}

void require_file(const SourceTree& tree, const std::string& file, const std::string& advice) {
  if (fs::is_regular_file(tree.root / file)) return;
  throw HarnessError(
      fmt::format("{} (Linux {}) has no {}", tree.origin.string(), tree.version, file),
      "the file came with a later version, or was removed from the kernel since", advice);
}

}  // namespace iommucheck::linux_harness
