// SPDX-License-Identifier: MIT
// Compiles and links the runner; what is undefined after a first link becomes a trap.
#include "impl/linux/runner.h"

#include <algorithm>
#include <future>
#include <set>

#include <fmt/format.h>

#include "impl/linux/error.h"
#include "impl/linux/process.h"

namespace iommucheck::linux_harness {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kUnmodelledList = "unmodelled.txt";

/// -O1 keeps lines apart that -O2 merges.  Frame pointers, because reports follow them; no sibling
/// calls, or callers vanish from reports.
const std::vector<std::string>& our_flags() {
  static const std::vector<std::string> flags{"-O1",
                                              "-g",
                                              "-fno-omit-frame-pointer",
                                              "-fno-optimize-sibling-calls",
                                              "-fno-stack-protector",
                                              "-fno-PIE",
                                              "-ffunction-sections",
                                              "-fdata-sections",
                                              "-fsanitize=address"};
  return flags;
}

bool exists_in(const SourceTree& tree, const std::string& file) {
  return fs::is_regular_file(tree.root / file);
}

struct Compilation {
  std::string source;  ///< for messages
  std::vector<std::string> command;
};

void compile(const KernelBuild& build, const Compilation& job) {
  const Finished finished = run(job.command, build.directory);
  if (finished.status == 0) return;
  throw HarnessError(fmt::format("{} does not compile for user space:\n{}", job.source,
                                 finished.output.substr(0, 4000)),
                     "an error in the tree's file, or a kernel version whose interface differs",
                     "compile the file with the kernel's own make first; 6.1 is known to work");
}

/// Two at a time: enough for the few files there are.
void compile_all(const KernelBuild& build, const std::vector<Compilation>& jobs) {
  const auto every_other = [&](std::size_t first) {
    for (std::size_t i = first; i < jobs.size(); i += 2) compile(build, jobs[i]);
  };
  auto other = std::async(std::launch::async, every_other, 1U);
  every_other(0);
  other.get();
}

/// Compiles `source` as the kernel's Makefiles would compile `flags_of`.
Compilation kernel_job(const KernelBuild& build, const std::string& flags_of,
                       const std::string& source, const fs::path& object,
                       const std::vector<std::string>& extra) {
  Compilation job{source, compile_command(build, flags_of)};
  const auto add = [&](const std::vector<std::string>& flags) {
    job.command.insert(job.command.end(), flags.begin(), flags.end());
  };
  add(our_flags());
  add({"-w"});
  add(extra);
  add({"-c", "-o", object.string(), source});
  return job;
}

Compilation glue_job(const fs::path& source, const fs::path& object) {
  Compilation job{source.filename().string(), {"gcc", "-std=gnu11", "-D_GNU_SOURCE", "-Wall"}};
  job.command.insert(job.command.end(), our_flags().begin(), our_flags().end());
  job.command.insert(job.command.end(), {"-c", "-o", object.string(), source.string()});
  return job;
}

Finished link(const std::vector<fs::path>& objects, const fs::path& program, bool warn_only) {
  std::vector<std::string> command{"gcc", "-fsanitize=address", "-no-pie", "-Wl,--gc-sections"};
  if (warn_only) command.emplace_back("-Wl,--warn-unresolved-symbols");
  command.insert(command.end(), {"-o", program.string()});
  for (const fs::path& object : objects) command.push_back(object.string());
  Finished finished = run(command);
  if (finished.status == 0) return finished;
  throw HarnessError(
      fmt::format("the runner does not link:\n{}", finished.output.substr(0, 4000)),
      "the compiler's AddressSanitizer library is not installed, or a kernel file defines a "
      "function that the harness defines too",
      "apt-get install gcc libasan8 (the number goes with the compiler)");
}

/// The names in the linker's "undefined reference to `X'", without our own.
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

/// A table of the names, each with pages that nobody may touch; see glue/boot.c.
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

/// What stays the same while the file under test is edited: libraries and glue.
void build_support(const fs::path& folder, const KernelBuild& build, const RunnerParts& parts) {
  std::vector<Compilation> jobs;
  for (const std::string& file : parts.libraries) {
    if (!exists_in(build.tree, file)) continue;
    jobs.push_back(kernel_job(build, file, build.tree.root / file, object_in(folder, file), {}));
  }
  for (const GlueFile& file : glue_files()) {
    const fs::path source = folder / file.name;
    write_file(source, file.text);
    if (file.name == parts.kernel_glue) {
      jobs.push_back(kernel_job(build, parts.under_test, source, object_in(folder, source), {}));
    } else if (source.extension() == ".c") {
      jobs.push_back(glue_job(source, object_in(folder, source)));
    }
  }
  compile_all(build, jobs);
}

void build_program(const fs::path& folder, const fs::path& support, const KernelBuild& build,
                   const RunnerParts& parts) {
  std::vector<fs::path> objects{object_in(folder, parts.under_test)};
  compile(build, kernel_job(build, parts.under_test, build.tree.root / parts.under_test,
                            objects.front(), {"-fsanitize-coverage=trace-pc"}));
  for (const auto& file : fs::directory_iterator(support)) {
    if (file.path().extension() == ".o") objects.push_back(file.path());
  }
  std::sort(objects.begin(), objects.end());

  const fs::path program = folder / "runner";
  const std::set<std::string> names = undefined_symbols(link(objects, program, true).output);
  const fs::path trap_source = folder / "traps.c";
  write_file(trap_source, traps(names));
  objects.push_back(object_in(folder, trap_source));
  compile(build, glue_job(trap_source, objects.back()));
  link(objects, program, false);
  std::string list;
  for (const std::string& name : names) list += name + "\n";
  write_file(folder / kUnmodelledList, list);
}

}  // namespace

Runner build_runner(Cache& cache, const KernelBuild& build, const RunnerParts& parts) {
  Digest digest;
  digest.add(build.key);
  for (const std::string& file : parts.libraries) digest.add_file(build.tree.root / file);
  for (const std::string& flag : our_flags()) digest.add(flag);
  for (const GlueFile& file : glue_files()) digest.add(file.name).add(file.text);
  const fs::path support =
      cache.entry("support-" + build.tree.key, digest.hex(), [&](const fs::path& into) {
        cache.say("compiling the harness");
        build_support(into, build, parts);
      });

  digest.add_file(build.tree.root / parts.under_test);
  // Headers under include/ are in the build's key; these are beside the file.
  std::vector<fs::path> headers;
  const fs::path folder = (build.tree.root / parts.under_test).parent_path();
  for (const auto& file : fs::directory_iterator(folder)) {
    if (file.path().extension() == ".h") headers.push_back(file.path());
  }
  std::sort(headers.begin(), headers.end());
  for (const fs::path& header : headers) digest.add_file(header);
  const fs::path entry =
      cache.entry("runner-" + build.tree.key, digest.hex(), [&](const fs::path& into) {
        cache.say(fmt::format("compiling {} under AddressSanitizer", parts.under_test));
        build_program(into, support, build, parts);
      });
  Runner runner{build.tree, build.directory, entry / "runner", {}};
  const std::string list = read_file(entry / kUnmodelledList);
  for (std::size_t at = 0; at < list.size(); at = list.find('\n', at) + 1) {
    runner.unmodelled.push_back(list.substr(at, list.find('\n', at) - at));
  }
  return runner;
}

}  // namespace iommucheck::linux_harness
