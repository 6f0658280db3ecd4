// SPDX-License-Identifier: MIT
// Compiler jobs, and the traps for what nobody models.
#include "impl/linux/compilation.h"

#include <algorithm>
#include <future>
#include <sstream>

#include <fmt/format.h>

#include "impl/linux/error.h"
#include "impl/linux/process.h"

namespace iommucheck::linux_harness {
namespace fs = std::filesystem;

bool exists_in(const SourceTree& tree, const std::string& file) {
  return fs::is_regular_file(tree.root / file);
}

void compile(const KernelBuild& build, const Compilation& job) {
  const Finished finished = run(job.command, build.directory);
  if (finished.status == 0) return;
  throw CompileError(fmt::format("{} does not compile for user space:\n{}", job.source,
                                 finished.output.substr(0, 4000)),
                     "an error in the tree's file, or a kernel version whose interface differs",
                     "compile the file with the kernel's own make first; 6.1 is known to work");
}

void compile_all(const KernelBuild& build, const std::vector<Compilation>& jobs) {
  const auto every_other = [&](std::size_t first) {
    for (std::size_t i = first; i < jobs.size(); i += 2) compile(build, jobs[i]);
  };
  auto other = std::async(std::launch::async, every_other, 1U);
  every_other(0);
  other.get();
}

Compilation kernel_job(const KernelBuild& build, const std::string& flags_of,
                       const std::string& source, const fs::path& object,
                       const std::vector<std::string>& flags) {
  Compilation job{source, compile_command(build, flags_of)};
  const auto add = [&](const std::vector<std::string>& more) {
    job.command.insert(job.command.end(), more.begin(), more.end());
  };
  add(flags);
  // What we include comes before what the build includes: headers use its macros.
  for (std::size_t i = job.command.size() - flags.size(); i + 1 < job.command.size(); ++i) {
    if (job.command[i] != "-include") continue;
    const auto at = job.command.begin() + static_cast<std::ptrdiff_t>(i);
    std::rotate(job.command.begin() + 1, at, at + 2);
  }
  add({"-w", "-c", "-o", object.string(), source});
  return job;
}

std::set<std::string> undefined_symbols(const std::string& output) {
  constexpr std::string_view kWords = "undefined reference to `";
  std::set<std::string> names;
  for (std::size_t at = 0; (at = output.find(kWords, at)) != std::string::npos;) {
    at += kWords.size();
    const std::string name = output.substr(at, output.find('\'', at) - at);
    if (!name.starts_with("kh_")) names.insert(name);
  }
  return names;
}

std::string traps(const std::set<std::string>& names) {
  constexpr unsigned kStride = 16384;
  std::string text = "struct kh_unmodelled { const char *name, *pages; };\n";
  if (!names.empty()) {
    text +=
        "__asm__(\".section .kh_traps,\\\"aw\\\",@nobits\\n.balign 4096\\n"
        ".globl kh_traps_start\\nkh_traps_start:\\n\"\n";
    for (const std::string& name : names) {
      text += fmt::format("\".globl {0}\\n{0}: .skip {1}\\n\"\n", name, kStride);
    }
    text += "\".globl kh_traps_end\\nkh_traps_end: .skip 4096\\n.text\\n\");\n";
    unsigned number = 0;
    for (const std::string& name : names) {
      text += fmt::format("extern const char trap_{}[] __asm__(\"{}\");\n", number++, name);
    }
  }
  text += "const struct kh_unmodelled kh_unmodelled[] = {\n";
  unsigned number = 0;
  for (const std::string& name : names) {
    text += fmt::format("{{\"{}\", trap_{}}},\n", name, number++);
  }
  text += "{0, 0}};\n";
  return text + fmt::format("const unsigned long kh_unmodelled_stride = {};\n", kStride);
}

fs::path object_in(const fs::path& folder, const std::string& source) {
  return folder / (fs::path{source}.stem().string() + ".o");
}

namespace {
constexpr std::string_view kUnmodelledList = "unmodelled.txt";
}  // namespace

void write_unmodelled(const fs::path& folder, const std::set<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += name + "\n";
  write_file(folder / kUnmodelledList, list);
}

std::vector<std::string> read_unmodelled(const fs::path& folder) {
  std::istringstream list{read_file(folder / kUnmodelledList)};
  std::vector<std::string> names;
  for (std::string name; std::getline(list, name);) names.push_back(name);
  return names;
}

void add_with_headers(Digest& digest, const SourceTree& tree, const std::string& file) {
  digest.add_file(tree.root / file);
  std::vector<fs::path> headers;
  for (const auto& beside : fs::directory_iterator((tree.root / file).parent_path())) {
    if (beside.path().extension() == ".h") headers.push_back(beside.path());
  }
  std::sort(headers.begin(), headers.end());
  for (const fs::path& header : headers) digest.add_file(header);
}

}  // namespace iommucheck::linux_harness
