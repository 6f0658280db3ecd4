// SPDX-License-Identifier: MIT
// iommucheck: the command line.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string_view>
#include <system_error>

#include "checker/explicit/journal.h"
#include "checker/explicit/scratch.h"
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
  iommucheck compare 'sva/*' [--threads N] ...     designs side by side, property by property
  iommucheck check MODEL --walk [--seed N] ...     random walks, for models too large for that
  iommucheck estimate MODEL [--threads N] ...      how many states check would visit
  iommucheck steps DESIGN [--tree DIR | --package NAME]
                                                   its steps, and where your kernel has them
  iommucheck prove SPEC [--pasids N] ... [--certificate DIR]
                                                   the invariants, by induction
  iommucheck kernel (--tree DIR | --package NAME) TARGET [--contract strict|any]
                                                   the kernel's own C against the specification
  iommucheck kernel ... TARGET --scenario all      and under every schedule
  iommucheck diff ... --patch FILE TARGET          what a patch changes about that
  iommucheck explore ioasid [--scenario NAMES]     our own allocator's code under every schedule
  iommucheck replay TRACE                          a counterexample, step by step
  iommucheck verify                                all of it
  iommucheck bench [--rows small|large|all]        the reference model, beside SPIN and Rumur

Each with --json: one object on standard output.
Exit codes: 0 holds or proved, 1 violated, 2 unknown (a limit), 3 engines disagree, 64 usage,
66 input missing or unreadable, 70 internal error, 74 standard output cannot be written.
)";

int dispatch(const iommucheck::cli::Words& all) {
  using namespace iommucheck::cli;
  if (all.empty()) {
    std::fputs(kHelp, stderr);
    return kUsage;
  }
  const std::string& command = all[0];
  if (command == "help" || command == "--help" || command == "-h") {
    fmt::print("{}", kHelp);
    return 0;
  }
  if (all.size() > 1 && (all[1] == "--help" || all[1] == "-h")) {
    fmt::print(
        "{}\nThe options of a command are in docs/command-line.md; its models and bounds: iommucheck list.\n",
        kHelp);
    return 0;
  }
  const Words words(all.begin() + 1, all.end());
  if (command == "list") return list_command(words);
  if (command == "check") return check_command(words);
  if (command == "estimate") return estimate_command(words);
  if (command == "explore") return explore_command(words);
  if (command == "prove") return prove_command(words);
  if (command == "kernel") return kernel_command(words);
  if (command == "compare") return compare_command(words);
  if (command == "diff") return diff_command(words);
  if (command == "replay") return replay_command(words);
  if (command == "steps") return steps_command(words);
  if (command == "verify") return verify_command(words);
  if (command == "bench") return bench_command(words);
  throw UsageError(fmt::format(
      "there is no command '{}'; there are list, check, compare, estimate, steps, prove, kernel, diff, explore, "
      "replay, verify, bench",
      command));
}

/// Not by fmt, which throws: a standard error that is full must not change the exit code.
int fail(int code, const std::string& message) {
  std::fputs(fmt::format("iommucheck: {}\n", message).c_str(), stderr);
  return code;
}

int output_failed(int error) {
  return fail(iommucheck::cli::kOutput,
              fmt::format("standard output cannot be written: {}", std::strerror(error)));
}

/// Ctrl-C, or a polite kill: says so, and ends by the signal, as shells expect.
extern "C" void interrupted(int signal) {
  constexpr std::string_view kMessage =
      "\niommucheck: interrupted: there is no verdict; trees and patches are as they were\n";
  // NOLINTNEXTLINE(cert-err33-c): there is nobody to tell
  if (write(STDERR_FILENO, kMessage.data(), kMessage.size()) >= 0) {
    // It is said, or it cannot be.
  }
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

/// What the caller has had ignored stays so.
void watch_for(int signal) {
  if (std::signal(signal, interrupted) == SIG_IGN) std::signal(signal, SIG_IGN);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace iommucheck;
  // A file as large as a process may write is an error to report, as a full disk is.
  std::signal(SIGXFSZ, SIG_IGN);
  watch_for(SIGINT);
  watch_for(SIGTERM);
  try {
    const int code = dispatch(cli::Words(argv + 1, argv + argc));
    if (std::fflush(stdout) != 0) return output_failed(errno);
    // A write has failed before, and what was left in the buffer went out.
    if (std::ferror(stdout) != 0) return output_failed(EIO);
    return code;
  } catch (const cli::UsageError& e) {
    return fail(cli::kUsage, e.what());
  } catch (const cli::TraceError& e) {
    return fail(cli::kInput, e.what());
  } catch (const checker::JournalError& e) {
    return fail(cli::kInput, e.what());
  } catch (const checker::DiskError& e) {
    return fail(cli::kInput, e.what());
  } catch (const linux_harness::HarnessError& e) {
    return fail(cli::kInput, e.what());
  } catch (const std::system_error& e) {
    // fmt::print() throws it.
    if (std::ferror(stdout) != 0) return output_failed(e.code().value());
    return fail(cli::kInternal, fmt::format("internal error: {}", e.what()));
  } catch (const std::exception& e) {
    return fail(cli::kInternal, fmt::format("internal error: {}", e.what()));
  }
}
