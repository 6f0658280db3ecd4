// SPDX-License-Identifier: MIT
// iommucheck kernel: the user's own kernel source, compiled unmodified, against the specification.
#include <fmt/format.h>

#include <unistd.h>
#include <nlohmann/json.hpp>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/kernel_run.h"

namespace iommucheck::cli {

int kernel_command(const Words& words) {
  Arguments arguments{words, {"json"}};
  const bool as_json = arguments.flag("json");
  const auto tree = arguments.text("tree");
  const auto package = arguments.text("package");
  if ((tree && tree->empty()) || (package && package->empty()))
    throw UsageError("--tree needs a directory, --package the name of a package");
  if (tree.has_value() == package.has_value()) {
    throw UsageError(
        "give either --tree DIR (a kernel source tree) or --package NAME (linux-source-6.1)");
  }
  const std::string target = arguments.word("the TARGET (ioasid)");
  if (target != "ioasid")
    throw UsageError(fmt::format("there is no target '{}'; there is ioasid", target));
  KernelRunOptions options;
  options.seed = arguments.number("seed", options.seed, 0, ~0ULL);
  options.calls = arguments.number("calls", options.calls, 1, 1'000'000'000);
  options.sequences = arguments.number("runs", 0, 1, 1'000'000'000);
  const std::string contract = arguments.text("contract", "strict");
  if (contract != "strict" && contract != "any")
    throw UsageError(fmt::format("--contract {} is not known: strict or any", contract));
  options.any_contract = contract == "any";
  arguments.finish("--tree, --package, --seed, --runs, --calls, --contract, --json");

  const bool terminal = isatty(STDERR_FILENO) != 0;
  const auto result = run_kernel(tree, package, options, [&](std::string_view what) {
    if (terminal) fmt::print(stderr, "{}\n", what);
  });
  if (as_json) {
    fmt::print("{}\n", kernel_to_json(result).dump(2));
  } else {
    fmt::print("{}", print_kernel(result));
  }
  return result.divergences.empty() ? 0 : 1;
}

}  // namespace iommucheck::cli
