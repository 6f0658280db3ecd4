// SPDX-License-Identifier: MIT
// Compiles and links the runner; what is undefined after a first link becomes a trap.
#include "impl/linux/runner.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "impl/linux/compilation.h"
#include "impl/linux/error.h"
#include "impl/linux/process.h"

namespace iommucheck::linux_harness {
namespace fs = std::filesystem;
namespace {

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

/// Kernel code with our flags and `extra`.
Compilation our_job(const KernelBuild& build, const std::string& flags_of,
                    const std::string& source, const fs::path& object,
                    const std::vector<std::string>& extra) {
  std::vector<std::string> flags = our_flags();
  flags.insert(flags.end(), extra.begin(), extra.end());
  return kernel_job(build, flags_of, source, object, flags);
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

/// What stays the same while the file under test is edited: libraries and glue.
void build_support(const fs::path& folder, const KernelBuild& build, const RunnerParts& parts) {
  std::vector<Compilation> jobs;
  for (const std::string& file : parts.libraries) {
    if (!exists_in(build.tree, file)) continue;
    jobs.push_back(our_job(build, file, build.tree.root / file, object_in(folder, file), {}));
  }
  for (const GlueFile& file : glue_files()) {
    const fs::path source = folder / file.name;
    write_file(source, file.text);
    if (file.has_kernel_headers()) {
      if (!parts.uses(file)) continue;
      jobs.push_back(our_job(build, parts.under_test, source, object_in(folder, source), {}));
    } else if (source.extension() == ".c") {
      jobs.push_back(glue_job(source, object_in(folder, source)));
    }
  }
  compile_all(build, jobs);
}

void build_program(const fs::path& folder, const fs::path& support, const KernelBuild& build,
                   const RunnerParts& parts) {
  std::vector<fs::path> objects{object_in(folder, parts.under_test)};
  compile(build, our_job(build, parts.under_test, build.tree.root / parts.under_test,
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
  write_unmodelled(folder, names);
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

  add_with_headers(digest, build.tree, parts.under_test);
  const fs::path entry =
      cache.entry("runner-" + build.tree.key, digest.hex(), [&](const fs::path& into) {
        cache.say(fmt::format("compiling {} under AddressSanitizer", parts.under_test));
        build_program(into, support, build, parts);
      });
  return {build.tree, build.directory, entry / "runner", read_unmodelled(entry), {}};
}

}  // namespace iommucheck::linux_harness
