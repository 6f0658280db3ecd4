// SPDX-License-Identifier: MIT
// Links to every file of a tree that no build has made.
#include "impl/linux/overlay.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace iommucheck::linux_harness {
namespace fs = std::filesystem;
namespace {

/// A directory that only builds make, or that has nothing to compile.
bool is_foreign(const fs::path& relative) {
  const std::string path = relative.generic_string();
  const std::string name = relative.filename().string();
  return path == "include/config" || path == "include/generated" || name == ".git" ||
         path == "debian" || path.ends_with("/include/generated") || name.starts_with(".tmp_");
}

/// A product: kbuild leaves ".NAME.cmd" beside each file that it made.
bool is_product(const fs::path& file) {
  const std::string name = file.filename().string();
  constexpr std::array<std::string_view, 8> kEndings{".o",   ".a",   ".ko",      ".cmd",
                                                     ".mod", ".dtb", ".symvers", ".order"};
  for (const std::string_view ending : kEndings) {
    if (name.ends_with(ending)) return true;
  }
  return name.starts_with(".config") || fs::exists(file.parent_path() / ("." + name + ".cmd"));
}

/// A directory's time changes when a file is added to it or removed.
std::string digest_of_directories(const fs::path& root) {
  std::vector<fs::path> folders;
  fs::recursive_directory_iterator at{root};
  for (; at != fs::recursive_directory_iterator{}; ++at) {
    if (!at->is_directory() || at->is_symlink()) continue;
    if (is_foreign(at->path().lexically_relative(root))) {
      at.disable_recursion_pending();
    } else {
      folders.push_back(at->path());
    }
  }
  std::sort(folders.begin(), folders.end());
  Digest digest;
  digest.add_file(root);
  for (const fs::path& folder : folders) digest.add_file(folder);
  return digest.hex();
}

}  // namespace

void link_sources(const fs::path& root, const fs::path& view) {
  fs::recursive_directory_iterator at{root};
  for (; at != fs::recursive_directory_iterator{}; ++at) {
    const fs::path relative = at->path().lexically_relative(root);
    if (at->is_directory() && !at->is_symlink()) {
      if (is_foreign(relative)) {
        at.disable_recursion_pending();
      } else {
        fs::create_directories(view / relative);
      }
    } else if (!is_product(at->path())) {
      fs::create_symlink(at->path(), view / relative);
    }
  }
}

bool is_built_in_place(const fs::path& root) {
  return fs::exists(root / ".config") || fs::exists(root / "include/config") ||
         fs::exists(root / "arch/um/include/generated");
}

fs::path link_overlay(Cache& cache, const fs::path& root, const std::string& key) {
  return cache.entry("links-" + key, digest_of_directories(root), [&](const fs::path& view) {
    cache.say(
        fmt::format("{} was built in place; making links to its source files", root.string()));
    link_sources(root, view);
  });
}

}  // namespace iommucheck::linux_harness
