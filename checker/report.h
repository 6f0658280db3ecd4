// SPDX-License-Identifier: MIT
// What every engine answers: a verdict, and a path that shows it.
#ifndef IOMMUCHECK_CHECKER_REPORT_H
#define IOMMUCHECK_CHECKER_REPORT_H

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/machine.h"

namespace iommucheck::checker {

/// holds: within the bounds that the scope names.  unknown: a limit was reached; `reason` says
/// which.
enum class Verdict : std::uint8_t { violated, holds, proved, unknown };
std::string_view name(Verdict verdict);
/// The exit code of the command line: 0 holds or proved, 1 violated, 2 unknown.
int exit_code(Verdict verdict);

/// A machine is built anew for every worker.
using ConcreteFactory = std::function<std::unique_ptr<Machine<Concrete>>()>;

using PackedState = std::vector<std::uint64_t>;

/// One step of a path: who did what, and the state after it.
struct PathStep {
  ActionId action;
  PackedState after;
};

/// A counterexample: an initial state, steps, and what the last step or last state violates.
struct Path {
  PackedState initial;
  std::vector<PathStep> steps;
  Failure failure;
};

/// Takes the path again, step by step, on a fresh machine: true if every step is a step of the
/// machine and the failure shows at the end.  `why` says what did not fit.
[[nodiscard]] bool replays(Machine<Concrete>& machine, const Path& path,
                           std::string* why = nullptr);

/// How often a step of the code was taken (over all processes that share the code).
struct StepCoverage {
  const Code* code = nullptr;  ///< of the machine that the result was made with: identity only
  std::uint16_t step = 0;
  std::string program, label;
  std::uint64_t taken = 0;
};

/// What the processes ("ranks") of one search have sent each other.
struct Traffic {
  std::uint64_t ranks = 1;
  std::uint64_t states = 0;    ///< that were sent to their owner
  std::uint64_t messages = 0;  ///< with states, and marks of a level's end
  std::uint64_t bytes = 0;     ///< of those messages, without what the network adds
};

/// What a search has had on disk for want of memory.
struct DiskUse {
  std::uint64_t runs = 0;  ///< times that the visited set was written
  std::uint64_t key_bytes = 0, key_bytes_read = 0;
  std::uint64_t state_bytes = 0;
};

/// The result of an exploration.
struct [[nodiscard]] Exploration {
  Verdict verdict = Verdict::unknown;
  std::string reason;        ///< of unknown: the limit, and the option that raises it
  std::uint64_t states = 0;  ///< distinct reachable states met, initial ones included
  /// With symmetry: all permutations of those states; else the same number.
  std::uint64_t states_without_symmetry = 0;
  std::uint64_t transitions = 0;  ///< enabled steps of expanded states, each once per choice
  std::uint64_t depth = 0;        ///< steps to the farthest state met
  /// States at each depth, from 0 on; after an early end the last number is too small.
  std::vector<std::uint64_t> levels;
  double seconds = 0;
  std::uint64_t bytes = 0;   ///< memory of visited set and frontier, at the end
  bool exact = true;         ///< no two states were taken for one; else see omission_probability()
  bool compiled = false;     ///< steps were taken by code that was made for them
  std::string not_compiled;  ///< why not, where they should have been
  std::vector<StepCoverage> coverage;
  /// Of holds: states, breadth first, in which no process can be stuck for ever (checker/wedged.h).
  std::uint64_t not_wedged = 0;
  std::optional<Path> path;        ///< of violated: a shortest one
  std::optional<Traffic> traffic;  ///< of several processes
  std::optional<DiskUse> disk;     ///< with a directory for it

  double bytes_per_state() const {
    return states == 0 ? 0 : static_cast<double>(bytes) / static_cast<double>(states);
  }
};

}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_CHECKER_REPORT_H
