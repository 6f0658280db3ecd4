// SPDX-License-Identifier: MIT
// iommucheck: the command line.
#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/trace.h"
#include "impl/linux/error.h"

namespace {

constexpr const char* kHelp =
    R"(iommucheck: the kernel's I/O address space lifecycles, model-checked

  iommucheck list                                  designs, bugs, properties, bounds
  iommucheck check MODEL [--bug NAME] [--threads N] [--pasids N] [--sets N] ...
                                                   every interleaving, within bounds
  iommucheck check MODEL --liveness [--fairness none|weak|strong] ...
                                                   and in the long run: what has to happen does
  iommucheck prove SPEC [--pasids N] ... [--certificate DIR]
                                                   the invariants, by induction
  iommucheck kernel (--tree DIR | --package NAME) TARGET [--contract strict|any]
                                                   the kernel's own C against the specification
  iommucheck replay TRACE                          a counterexample, step by step
  iommucheck verify                                all of it

Each with --json: one object on standard output.
Exit codes: 0 holds or proved, 1 violated, 2 unknown (a limit), 3 engines disagree, 64 usage,
66 input missing or unreadable, 70 internal error.
)";

int dispatch(const std::string& command, const iommucheck::cli::Words& words) {
  using namespace iommucheck::cli;
  if (command == "list") return list_command(words);
  if (command == "check") return check_command(words);
  if (command == "prove") return prove_command(words);
  if (command == "kernel") return kernel_command(words);
  if (command == "replay") return replay_command(words);
  if (command == "verify") return verify_command(words);
  throw UsageError(fmt::format(
      "there is no command '{}'; there are list, check, prove, kernel, replay, verify", command));
}

}  // namespace

int main(int argc, char** argv) {
  using namespace iommucheck;
  try {
    const cli::Words all(argv + 1, argv + argc);
    if (all.empty() || all[0] == "help" || all[0] == "--help" || all[0] == "-h") {
      fmt::print(all.empty() ? stderr : stdout, "{}", kHelp);
      return all.empty() ? static_cast<int>(cli::kUsage) : 0;
    }
    if (all.size() > 1 && (all[1] == "--help" || all[1] == "-h")) {
      fmt::print(
          "{}\nThe options of a command are in docs/command-line.md; its models and bounds: iommucheck list.\n",
          kHelp);
      return 0;
    }
    const int code = dispatch(all[0], cli::Words(all.begin() + 1, all.end()));
    if (std::fflush(stdout) != 0) throw std::runtime_error("standard output cannot be written");
    return code;
  } catch (const cli::UsageError& e) {
    fmt::print(stderr, "iommucheck: {}\n", e.what());
    return cli::kUsage;
  } catch (const cli::TraceError& e) {
    fmt::print(stderr, "iommucheck: {}\n", e.what());
    return cli::kInput;
  } catch (const linux_harness::HarnessError& e) {
    fmt::print(stderr, "iommucheck: {}\n", e.what());
    return cli::kInput;
  } catch (const std::exception& e) {
    fmt::print(stderr, "iommucheck: internal error: {}\n", e.what());
    return cli::kInternal;
  }
}
