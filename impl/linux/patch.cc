// SPDX-License-Identifier: MIT
// patch(1) on copies in a directory of our own.
#include "impl/linux/patch.h"

#include <set>
#include <sstream>

#include <fmt/format.h>

#include "impl/linux/error.h"
#include "impl/linux/overlay.h"
#include "impl/linux/process.h"

namespace iommucheck::linux_harness {
namespace fs = std::filesystem;
namespace {

/// "drivers/iommu/ioasid.c" for "--- a/drivers/iommu/ioasid.c\t2022-...".
std::string path_in(std::string_view line) {
  std::string_view path = line.substr(4);
  path = path.substr(0, path.find_first_of("\t\r\n"));
  const std::size_t slash = path.find('/');
  return path == "/dev/null" || slash == std::string_view::npos
             ? std::string{}
             : std::string{path.substr(slash + 1)};
}

std::set<std::string> files_of(const std::string& text, const fs::path& patch) {
  std::set<std::string> files;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("--- ") && !line.starts_with("+++ ")) continue;
    const std::string path = path_in(line);
    if (path.empty()) continue;
    const fs::path normal = fs::path{path}.lexically_normal();
    if (normal.is_absolute() || *normal.begin() == "..") {
      throw HarnessError(fmt::format("{} names {}, outside of the tree", patch.string(), path),
                         "it is not a patch to a kernel", "");
    }
    files.insert(normal.string());
  }
  if (files.empty()) {
    throw HarnessError(
        fmt::format("{} is no patch: no line begins with \"--- a/\" or \"+++ b/\"", patch.string()),
        "another file was named, or it has only been saved in part",
        "make it with git format-patch or git diff");
  }
  return files;
}

}  // namespace

std::map<std::string, std::string> apply_patch(Cache& cache, const SourceTree& tree,
                                               const fs::path& patch) {
  if (!fs::is_regular_file(patch)) {
    throw HarnessError(fmt::format("there is no file {}", patch.string()), "a typing error",
                       "name a patch file: --patch FILE");
  }
  require_programs({"patch"});
  const std::string text = read_file(patch);
  const std::set<std::string> files = files_of(text, patch);
  std::map<std::string, std::string> texts;
  Digest digest;
  digest.add(text);
  for (const std::string& file : files) digest.add_file(tree.root / file);
  const fs::path folder = cache.entry("patch-" + tree.key, digest.hex(), [&](const fs::path& into) {
    for (const std::string& file : files) {
      fs::create_directories((into / file).parent_path());
      if (fs::exists(tree.root / file)) write_file(into / file, read_file(tree.root / file));
    }
    // A fuzzy match may land in the wrong function: what does not fit exactly does not apply.
    const Finished finished =
        run({"patch", "-p1", "--batch", "--forward", "--fuzz=0", "--no-backup-if-mismatch", "-d",
             into.string(), "-i", fs::canonical(patch).string()});
    if (finished.status != 0) {
      throw HarnessError(
          fmt::format("{} does not apply to {} (Linux {}):\n{}", patch.string(),
                      tree.origin.string(), tree.version, finished.output.substr(0, 2000)),
          "it was made for another version, or the tree already has it",
          "see with: patch -p1 --dry-run, in a copy of the tree");
    }
  });
  for (const std::string& file : files) {
    if (!fs::exists(folder / file)) {
      throw HarnessError(fmt::format("{} removes or renames {}", patch.string(), file),
                         "the two sides cannot be compared file by file then",
                         "apply it to a copy of the tree and compare with --against DIR");
    }
    texts[file] = read_file(folder / file);
  }
  return texts;
}

SourceTree changed_tree(Cache& cache, const SourceTree& tree,
                        const std::map<std::string, std::string>& texts) {
  Digest digest;
  digest.add(tree.key);
  for (const auto& [file, text] : texts) digest.add(file).add(text);
  SourceTree changed = tree;
  changed.key = Digest{}.add("changed " + tree.key).hex();
  changed.root = cache.entry("tree-" + tree.key, digest.hex(), [&](const fs::path& view) {
    cache.say("making links to the source files of the tree");
    link_sources(tree.root, view);
    for (const auto& [file, text] : texts) {
      fs::remove(view / file);
      fs::create_directories((view / file).parent_path());
      write_file(view / file, text);
    }
  });
  return changed;
}

}  // namespace iommucheck::linux_harness
