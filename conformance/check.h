// SPDX-License-Identifier: MIT
// Checking an implementation against the specification: many random sequences, and every cause of
// a divergence with its shortest sequence.
#ifndef IOMMUCHECK_CONFORMANCE_CHECK_H
#define IOMMUCHECK_CONFORMANCE_CHECK_H

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "conformance/compare.h"
#include "spec/ioasid/bounds.h"

namespace iommucheck::conformance {

using ioasid::Bounds;

struct CheckOptions {
  std::uint64_t calls = 10'000;  ///< to execute and judge
  std::uint64_t sequences = 0;   ///< at most so many; 0: as many as the calls need
  unsigned length = 60;          ///< of a sequence
  std::uint64_t seed = 1;        ///< the same seed checks the same sequences
  ContractMode contract = ContractMode::strict;
  Oracle::Effects effects = {};  ///< which effects are compared
  unsigned shrink_runs = 4'000;  ///< executions at most to shorten one sequence
  unsigned causes = 32;          ///< the search ends when it has found so many
};

/// Divergences are of one cause if the same call breaks the same sentence (or crashes alike), with
/// the contract kept up to there or not.
struct Cause {
  CallKind kind{};
  std::string reason;
  bool in_contract = true;
  auto operator<=>(const Cause&) const = default;
};

struct Finding {
  Cause cause;
  Execution shortest;      ///< ends with the divergence, and replays by itself
  std::uint64_t hits = 0;  ///< how often the search met it
};

struct Report {
  std::uint64_t seed = 0, sequences = 0, calls = 0, skipped = 0;
  ContractMode contract{};
  /// How often each kind of call gave each answer.
  std::array<std::array<std::uint64_t, ioasid::kErrs>, ioasid::kCallKinds> answers{};
  std::vector<Finding> findings;  ///< in the order in which they were found

  std::uint64_t calls_of(CallKind kind) const;
  std::uint64_t seen(CallKind kind, ioasid::Err err) const;
};

/// Executes random sequences until `options.calls` calls are judged.  Where a cause is known
/// already, the sequence goes on without the call that diverged.
Report check(Target& target, const Bounds& bounds, const CheckOptions& options = {});
Report check_subject(SubjectFactory factory, const Bounds& bounds,
                     const CheckOptions& options = {});
Report check_runner(SequenceRunner& runner, const Bounds& bounds, const CheckOptions& options = {});

/// The shortest sequence found that diverges as `calls` does (a divergence must be there).
Execution shorten(Target& target, Oracle& oracle, std::vector<Call> calls,
                  const CheckOptions& options);

/// "ioasid_alloc(...), the callback answers id 3".
std::string print_call(const Call& call);
/// The sequence, one call a line, and what is wrong with the last.
std::string print(const Finding& finding);
/// Totals, answers seen per call, findings.
std::string print(const Report& report);

}  // namespace iommucheck::conformance

#endif  // IOMMUCHECK_CONFORMANCE_CHECK_H
