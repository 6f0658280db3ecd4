// SPDX-License-Identifier: MIT
// The explicit-state engine: visits every reachable state, breadth first, with many threads.
//
// explore() may be called from several threads at once, each with its own factory.
#ifndef IOMMUCHECK_CHECKER_EXPLICIT_EXPLICIT_H
#define IOMMUCHECK_CHECKER_EXPLICIT_EXPLICIT_H

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "checker/compiled/steps.h"
#include "checker/explicit/exchange.h"
#include "checker/report.h"

namespace iommucheck::checker {

/// Three quarters of the memory that this process may use (the machine's, or its control group's).
std::uint64_t default_memory_limit();

/// What an exploration may use up before it answers `unknown`.
struct Limits {
  std::uint64_t states = 0;  ///< more states than this are too many; 0: any number
  std::uint64_t memory_bytes = default_memory_limit();  ///< of states and visited set
  double seconds = 0;                                   ///< 0: any time
};

/// How far an exploration has come.
struct Progress {
  std::uint64_t states = 0;
  std::uint64_t frontier = 0;  ///< states of this depth that are still to be expanded
  std::uint64_t depth = 0;
  double seconds = 0;
  double states_per_second = 0;  ///< since the last report
};

/// What the visited set keeps.
enum class Kept : std::uint8_t {
  states,        ///< enough to tell any two of them apart
  fingerprints,  ///< 74 bits of hash: states may be omitted, see omission_probability()
};

/// An upper bound of the probability that a search that keeps fingerprints of so many states has
/// taken some state for another one.
double omission_probability(std::uint64_t states);

struct Options {
  unsigned jobs = 0;  ///< threads; 0: one for each CPU that this process may run on
  Limits limits;
  /// Ends after the depth at which the first violation is met; else all states are visited.
  bool stop_at_violation = true;
  /// Called about five times a second, from any worker, never by two at a time.
  std::function<void(const Progress&)> progress;
  /// Sorts (of those that the machine declares) whose permutations are not told apart: of all
  /// permutations of a state only one is visited.  Verdict and length of a path stay the same.
  std::vector<std::string> symmetry;
  /// Numbers of fields that nothing reads (unread_fields(), checker/relation/slice.h): they are
  /// held at 0, so that states which differ in them only are one.  Verdict and length of a path
  /// stay the same.  Not with symmetry.
  std::vector<std::uint32_t> unread;
  /// States that are looked at before, to see whether the machine really is symmetric.
  std::size_t symmetry_samples = 4000;
  /// Slots of the visited set at the beginning (rounded up); it grows.
  std::uint64_t initial_slots = std::uint64_t{1} << 16;
  Kept kept = Kept::states;
  /// States are given back once they are expanded, when all take more bytes than this.  If a
  /// violation is met later, its path costs a second search.
  std::uint64_t keep_bytes = std::uint64_t{4} << 20;
  /// A directory for the levels (checker/explicit/journal.h): they are kept on disk instead of in
  /// memory, and a search that was killed loses one level at most.  Empty: none.
  std::string journal;
  /// Goes on with the journal that is there, if there is one.
  bool resume = false;
  /// A directory for what memory has no room for: keys of the visited set, and states.  Without a
  /// name there, gone when the search ends.  Then the limit of memory ends no search, unless what
  /// must stay in memory is more: the interner of wide states (three words and more, or more than
  /// 77 bits) without Kept::fingerprints.  The limit of states is looked at when a level ends.
  /// Empty: none.  Not with an exchange.
  std::string disk;
  /// With a disk: keys are written there once the set has about so many, even if there is memory
  /// for more; 0: only for want of memory.
  std::uint64_t spill_keys = 0;
  /// What is explored, for the journal: everything that decides the states.
  std::string identity;
  /// Makes code of the machine's steps (checker/compiled/compile.h); without it, or where it throws
  /// std::runtime_error, the machine executes them.  One state of 1024 is expanded both ways.
  std::function<CompiledSteps()> compile;
  /// Code is made once so many states are met: for fewer it does not pay.
  std::uint64_t compile_after = 4'000'000;
  /// The other processes that share the search, each with one job and a journal of its own; null:
  /// none.  All must have the same machine and options.  Limits of memory are for each of them,
  /// that of states is looked at when a level ends.
  Exchange* exchange = nullptr;
};

/// Explores the machine that `factory` builds, once for each worker (one call at a time).  With
/// other processes all have the same answer; its time is that of each one.
///
/// States, transitions, depth, verdict, coverage and path are the same for any number of jobs, as
/// long as no limit is reached.  A path is a shortest one, prefers steps of the same process in a
/// row, and has been replayed on a machine of its own.  Throws std::logic_error if the machine is
/// no function of its state, JournalError if there is a journal that cannot be used, DiskError if
/// there is a directory in which no file can be made, std::invalid_argument if it does not have the
/// sorts of Options::symmetry or tells their elements apart (with a sentence for the user), and
/// whatever the factory and the steps throw.
Exploration explore(const ConcreteFactory& factory, const Options& options = {});

}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_CHECKER_EXPLICIT_EXPLICIT_H
