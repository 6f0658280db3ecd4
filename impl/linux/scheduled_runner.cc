// SPDX-License-Identifier: MIT
// Instruments, merges and links kernel objects.
#include "impl/linux/scheduled_runner.h"

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>

#include <fmt/format.h>

#include "impl/linux/compilation.h"
#include "impl/linux/error.h"
#include "impl/linux/process.h"

namespace iommucheck::linux_harness {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kControlFlow = "control-flow.txt";

/// Static data goes into one section, which the runner restores between executions.
constexpr std::string_view kDataScript =
    "SECTIONS { kh_data : { *(.data .data.* .bss .bss.* COMMON) } }\n";

/// What would be the C library's, uninstrumented.
constexpr std::array<std::string_view, 4> kRenamed{"memcpy", "memmove", "memset", "memcmp"};

/// KCSAN's hooks announce each atomic operation that is written in assembly.
std::vector<std::string> instrumentation(const fs::path& barriers) {
  return {"-O2",
          "-g",
          "-fno-omit-frame-pointer",
          "-fno-optimize-sibling-calls",
          "-fno-stack-protector",
          "-fno-PIE",
          "-ffunction-sections",
          "-fsanitize=thread",
          "--param",
          "tsan-distinguish-volatile=1",
          "--param",
          "tsan-instrument-func-entry-exit=0",
          "-DCONFIG_KCSAN=1",
          "-DCONFIG_KCSAN_WEAK_MEMORY=1",
          "-include",
          barriers.string()};
}

void must_run(const std::vector<std::string>& command, std::string_view what) {
  const Finished finished = run(command);
  if (finished.status == 0) return;
  throw HarnessError(fmt::format("{} failed:\n{}", what, finished.output.substr(0, 4000)),
                     "binutils or a library of the build is missing",
                     "apt-get install binutils g++ libboost-context-dev libfmt-dev");
}

std::vector<std::string> link_command(const fs::path& folder, const fs::path& support,
                                      bool warn_only) {
  std::vector<std::string> command{"g++", "-no-pie", "-Wl,--gc-sections"};
  if (warn_only) command.emplace_back("-Wl,--warn-unresolved-symbols");
  command.insert(command.end(),
                 {"-o", (folder / "runner").string(), (folder / "kernel.o").string()});
  if (!warn_only) command.push_back((folder / "traps.o").string());
  command.insert(command.end(),
                 {(support / "engine.a").string(), "-lboost_context", "-lfmt", "-lpthread"});
  return command;
}

/// What coverage is counted against, one block ("block") or branch ("block jump block") per line.
std::string control_flow_list(const fs::path& program) {
  const Finished finished = run({"objdump", "-d", "--no-show-raw-insn", program.string()});
  const ControlFlow flow = control_flow_of(finished.output);
  std::string list;
  for (const std::uint64_t block : flow.blocks) list += fmt::format("{}\n", block);
  for (const Branch& branch : flow.branches)
    list += fmt::format("{} {} {}\n", branch.from, branch.jump, branch.to);
  return list;
}

ControlFlow read_control_flow(const std::string& list) {
  ControlFlow flow;
  std::istringstream lines{list};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words{line};
    Branch one;
    words >> one.from;
    if (words >> one.jump >> one.to) {
      flow.branches.push_back(one);
    } else {
      flow.blocks.push_back(one.from);
    }
  }
  return flow;
}

/// Runners of different targets do not replace one another.
std::string name_of(const RunnerParts& parts) { return fs::path{parts.kernel_glue.back()}.stem(); }

/// The object of a file that several targets link, compiled once for all of them.
fs::path shared_object(Cache& cache, const KernelBuild& build, const std::string& file,
                       Digest digest) {
  digest.add_file(build.tree.root / file);
  std::string name = file;
  std::ranges::replace(name, '/', '-');
  const fs::path entry = cache.entry(
      fmt::format("object-{}-{}", name, build.tree.key), digest.hex(), [&](const fs::path& into) {
        cache.say(fmt::format("compiling {}", file));
        write_file(into / "barriers.h", scheduled_barriers());
        compile(build, kernel_job(build, file, build.tree.root / file, object_in(into, file),
                                  instrumentation(into / "barriers.h")));
      });
  return object_in(entry, file);
}

/// What stays the same while the file under test is edited.  `shared`: objects that are there.
void build_scheduling(const fs::path& folder, const KernelBuild& build, const RunnerParts& parts,
                      const std::map<std::string, fs::path>& shared) {
  write_file(folder / "engine.a", scheduled_archive());
  write_file(folder / "barriers.h", scheduled_barriers());
  write_file(folder / "data.ld", kDataScript);
  for (const GlueFile& file : glue_files()) {
    if (parts.uses(file) || file.name.ends_with(".h")) write_file(folder / file.name, file.text);
  }
  const std::vector<std::string> flags = instrumentation(folder / "barriers.h");
  std::vector<Compilation> jobs;
  const auto add = [&](const std::string& flags_of, const std::string& source) {
    jobs.push_back(kernel_job(build, flags_of, source, object_in(folder, source), flags));
  };
  for (const std::string& glue : parts.kernel_glue) add(parts.under_test, folder / glue);
  for (const std::string& file : parts.libraries) {
    if (!exists_in(build.tree, file)) continue;
    if (const auto made = shared.find(file); made != shared.end()) {
      fs::copy_file(made->second, object_in(folder, file));
    } else {
      add(file, build.tree.root / file);
    }
  }
  compile_all(build, jobs);
}

void build_program(const fs::path& folder, const fs::path& support, const KernelBuild& build,
                   const RunnerParts& parts, const std::optional<std::string>& text) {
  std::vector<std::string> flags = instrumentation(support / "barriers.h");
  fs::path source = build.tree.root / parts.under_test;
  if (text) {
    // In a folder like the tree's own; for reports, and for the headers beside it, it is there.
    const fs::path place = source.parent_path();
    source = folder / parts.under_test;
    fs::create_directories(source.parent_path());
    write_file(source, *text);
    flags.push_back(
        fmt::format("-ffile-prefix-map={}={}", folder.string(), build.tree.root.string()));
    flags.insert(flags.end(), {"-iquote", place.string()});
  }
  // Where a jump table leads is not known (control_flow.h).
  flags.insert(flags.end(), {"-fsanitize-coverage=trace-pc", "-fno-jump-tables"});
  const fs::path object = folder / "under_test.o";
  compile(build, kernel_job(build, parts.under_test, source, object, flags));

  std::vector<std::string> merge{"ld",           "-r",
                                 "-T",           (support / "data.ld").string(),
                                 "-o",           (folder / "kernel.o").string(),
                                 object.string()};
  for (const auto& file : fs::directory_iterator(support)) {
    if (file.path().extension() == ".o") merge.push_back(file.path().string());
  }
  std::sort(merge.begin() + 7, merge.end());
  must_run(merge, "merging the kernel objects");
  std::vector<std::string> rename{"objcopy"};
  for (const std::string_view name : kRenamed) {
    rename.push_back(fmt::format("--redefine-sym={}=kh_{}", name, name));
  }
  for (const std::string& name : parts.entries) rename.push_back("--globalize-symbol=" + name);
  rename.push_back((folder / "kernel.o").string());
  must_run(rename, "renaming in the kernel objects");

  const Finished first = run(link_command(folder, support, true));
  const std::set<std::string> names = undefined_symbols(first.output);
  if (first.status != 0) must_run(link_command(folder, support, true), "linking the runner");
  write_file(folder / "traps.c", traps(names));
  must_run({"gcc", "-c", "-o", (folder / "traps.o").string(), (folder / "traps.c").string()},
           "compiling the traps");
  must_run(link_command(folder, support, false), "linking the runner");
  write_unmodelled(folder, names);
  write_file(folder / kControlFlow, control_flow_list(folder / "runner"));
}

}  // namespace

Runner build_scheduled_runner(Cache& cache, const KernelBuild& build, const RunnerParts& parts,
                              const Changed& changed) {
  if (scheduled_archive().empty()) {
    throw HarnessError("this iommucheck cannot explore schedules of kernel code",
                       "it was built with a sanitizer, and the engine needs -fsanitize=thread for "
                       "itself",
                       "use the preset release (./iommucheck builds it)");
  }
  require_programs({"g++", "ld", "objcopy"});
  Digest digest;
  digest.add(build.key).add(scheduled_archive()).add(scheduled_barriers()).add(kDataScript);
  for (const std::string& flag : instrumentation({})) digest.add(flag);
  std::map<std::string, fs::path> shared;
  if (parts.has_relatives) {
    for (const std::string& file : parts.libraries) {
      if (exists_in(build.tree, file)) shared[file] = shared_object(cache, build, file, digest);
    }
  }
  for (const GlueFile& file : glue_files()) digest.add(file.name).add(file.text);
  for (const std::string& file : parts.kernel_glue) digest.add(file);
  for (const std::string& file : parts.libraries) digest.add_file(build.tree.root / file);
  const fs::path support =
      cache.entry(fmt::format("scheduling-{}-{}", name_of(parts), build.tree.key), digest.hex(),
                  [&](const fs::path& into) {
                    cache.say("compiling the scheduler's side");
                    build_scheduling(into, build, parts, shared);
                  });

  for (const std::string& name : parts.entries) digest.add(name);
  add_with_headers(digest, build.tree, parts.under_test);
  if (changed.text) digest.add(*changed.text);
  const fs::path entry =
      cache.entry(fmt::format("{}-{}-{}", changed.kind, name_of(parts), build.tree.key),
                  digest.hex(), [&](const fs::path& into) {
                    cache.say(fmt::format("compiling {} for the scheduler", parts.under_test));
                    build_program(into, support, build, parts, changed.text);
                  });
  return {build.tree, build.directory, entry / "runner", read_unmodelled(entry),
          read_control_flow(read_file(entry / kControlFlow))};
}

}  // namespace iommucheck::linux_harness
