// SPDX-License-Identifier: MIT
// iommucheck steps: each step of a design, and where in the user's tree the statement stands that
// it is named after.
#include <fmt/format.h>

#include <unistd.h>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/trace.h"
#include "impl/linux/source_functions.h"

namespace iommucheck::cli {
namespace {

using linux_harness::Match;
using linux_harness::SourceFunctions;
using nlohmann::ordered_json;

/// Where the designs' functions are, in the order in which a name is looked for.
const std::vector<std::string> kFiles{
    "drivers/iommu/ioasid.c",
    "drivers/iommu/iommu-sva.c",
    "drivers/iommu/iommu-sva-lib.c",
    "drivers/iommu/iommu.c",
    "drivers/iommu/io-pgfault.c",
    "drivers/iommu/intel/svm.c",
    "drivers/iommu/intel/pasid.c",
    "drivers/iommu/intel/prq.c",
    "drivers/iommu/intel/iommu.c",
    "drivers/iommu/intel/cache.c",
    "drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3-sva.c",
    "drivers/iommu/iommufd/fault.c",
    "drivers/iommu/dma-iommu.c",
    "drivers/dma-buf/dma-resv.c",
    "kernel/fork.c",
    "kernel/exit.c",
    "fs/exec.c",
    "mm/mmap.c",
    "mm/mmu_notifier.c",
    "arch/x86/kernel/process_64.c",
    "include/linux/sched/mm.h",
    "include/linux/iommu.h",
    "include/linux/mmu_notifier.h",
};

/// "iommu_sva_bind_device > iommu_attach_device_pasid (a new domain)": the innermost first.
std::vector<std::string> functions_of(const std::string& program) {
  std::vector<std::string> all;
  for (std::size_t from = 0; from <= program.size();) {
    const std::size_t end = std::min(program.find(" > ", from), program.size());
    const std::string one = program.substr(from, end - from);
    all.insert(all.begin(), one.substr(0, one.find(' ')));
    from = end + 3;
  }
  return all;
}

struct Step {
  std::string program, label;
  std::string function, file;  ///< of the tree; empty: none of the files has it
  linux_harness::Place place;
};

std::vector<Step> steps_of(const Machine<Concrete>& machine) {
  std::vector<Step> steps;
  std::set<const Code*> seen;
  for (const auto& process : machine.processes()) {
    if (!seen.insert(process.code).second) continue;
    for (const StepCode& code : *process.code)
      steps.push_back({code.program, code.label, "", "", {}});
  }
  return steps;
}

void locate(std::vector<Step>& steps, const SourceFunctions& functions) {
  std::string program;
  std::map<std::string, unsigned> last;  // of each function of the program, the line found last
  for (Step& step : steps) {
    const std::string outermost = functions_of(step.program).back();
    if (outermost != program) last.clear();
    program = outermost;
    // The innermost function that the tree has; a caller, only if the statement is there.
    bool innermost = true;
    for (const std::string& name : functions_of(step.program)) {
      const auto* function = functions.find(name);
      if (function == nullptr) continue;
      const auto place = linux_harness::find_statement(*function, step.label, last[name]);
      if (innermost || (place.match == Match::statement && step.place.match != place.match)) {
        step.function = name;
        step.file = function->file;
        step.place = place;
      }
      innermost = false;
    }
    if (step.place.match == Match::statement) last[step.function] = step.place.line;
  }
}

std::string where(const Step& step) {
  if (step.file.empty()) return "-";
  return fmt::format("{}:{}", step.file, step.place.line);
}

std::string escaped(std::string text) {
  for (std::size_t i = 0; (i = text.find('|', i)) != std::string::npos; i += 2)
    text.insert(i, "\\");
  return text;
}

}  // namespace

int steps_command(const Words& words) {
  Arguments arguments{words, {"json"}};
  const bool as_json = arguments.flag("json");
  const auto tree = arguments.text("tree");
  const auto package = arguments.text("package");
  if (tree && package) throw UsageError("give --tree DIR or --package NAME, not both");
  Subject subject{arguments.word("a DESIGN (iommucheck list)"), "", "", {}};
  const auto& design = model::design(subject.model);
  subject.bounds = design.complete(arguments.rest_as_bounds(design.bounds(), subject.model));
  arguments.finish("--tree, --package, --json, and the bounds");

  std::vector<Step> steps = steps_of(*build_concrete(subject));
  std::string version;
  if (tree || package) {
    const bool terminal = isatty(STDERR_FILENO) != 0;
    linux_harness::Cache cache{linux_harness::Cache::default_directory(),
                               [&](std::string_view what) {
                                 if (terminal) fmt::print(stderr, "{}\n", what);
                               }};
    const auto source = tree ? linux_harness::open_tree(cache, *tree)
                             : linux_harness::open_package(cache, *package);
    version = source.version;
    locate(steps, SourceFunctions{source, kFiles});
  }
  if (as_json) {
    ordered_json object{{"model", subject.model},
                        {"source", design.source()},
                        {"bounds", subject.bounds},
                        {"version", version},
                        {"steps", ordered_json::array()}};
    for (const Step& step : steps) {
      ordered_json row{{"program", step.program}, {"label", step.label}};
      if (!step.file.empty()) {
        row["function"] = step.function;
        row["file"] = step.file;
        row["line"] = step.place.line;
        row["match"] = linux_harness::name(step.place.match);
      }
      object["steps"].push_back(std::move(row));
    }
    fmt::print("{}\n", object.dump(2));
    return 0;
  }
  fmt::print("# {}\n\n{}\n\nModels: {}\n\n", subject.model, design.sentence(), design.source());
  if (!version.empty())
    fmt::print(
        "Linux {}; `statement`: the line has this text; `called`: it calls what the step "
        "names; `named`: it has most of its names; `function`: look inside.\n\n",
        version);
  std::string program;
  std::size_t found = 0, by_text = 0;
  for (const Step& step : steps) {
    if (step.program != program) {
      fmt::print(
          "{}## {}\n\n{}", program.empty() ? "" : "\n", step.program,
          version.empty() ? "| step |\n|---|\n" : "| step | where | found by |\n|---|---|---|\n");
      program = step.program;
    }
    if (version.empty()) {
      fmt::print("| `{}` |\n", escaped(step.label));
      continue;
    }
    const bool there = !step.file.empty();
    found += there ? 1 : 0;
    by_text += there && step.place.match <= Match::called ? 1 : 0;
    fmt::print("| `{}` | {} | {} |\n", escaped(step.label), where(step),
               there ? linux_harness::name(step.place.match) : "");
  }
  if (!version.empty())
    fmt::print(
        "\n{} of {} steps are in functions that Linux {} has, {} of them at a line by their text or "
        "by a call.\n",
        found, steps.size(), version, by_text);
  return 0;
}

}  // namespace iommucheck::cli
