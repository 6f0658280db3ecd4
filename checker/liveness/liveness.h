// SPDX-License-Identifier: MIT
// The liveness engine: whether what a machine promises happens on every fair run.
//
// A run is infinite, or ends where no process has to take a step: nothing is enabled but the first
// step of calls that idle processes could make.  check_liveness() may be called from several
// threads at once, each with its own factory.
#ifndef IOMMUCHECK_CHECKER_LIVENESS_LIVENESS_H
#define IOMMUCHECK_CHECKER_LIVENESS_LIVENESS_H

#include "checker/report.h"

namespace iommucheck::checker {

/// Which of a machine's fairness declarations are assumed.  Each includes the one before.
enum class Assume : std::uint8_t {
  none,    ///< none: as long as somebody can go on, somebody does, whoever it is
  weak,    ///< the weak ones
  strong,  ///< all
};
std::string_view name(Assume assume);

struct LivenessOptions {
  Assume fairness = Assume::weak;
  std::uint64_t states = 0;        ///< more states than this are too many; 0: any number
  std::uint64_t memory_bytes = 0;  ///< of the states and the graph; 0: any amount
  double seconds = 0;              ///< 0: any time
};

/// A counterexample: the stem, and then the cycle again and again.  Without a cycle, the run stays
/// where the stem ends.
struct Lasso {
  std::size_t property = 0;  ///< of liveness()
  unsigned which = 0;        ///< its case
  Assume fairness = Assume::weak;
  PackedState initial;
  std::vector<PathStep> stem, cycle;
};

/// Takes the lasso again, step by step, on a fresh machine: true if every step is a step of the
/// machine, the cycle closes, p holds at some time and q neither then nor later, and the cycle
/// honours every assumption itself.  `why` says what did not fit.
[[nodiscard]] bool replays(Machine<Concrete>& machine, const Lasso& lasso,
                           std::string* why = nullptr);

/// How a lasso that replays honours the assumptions, a sentence each: "CPU0 (weak): ...".
std::vector<std::string> honoured(Machine<Concrete>& machine, const Lasso& lasso);

/// What is said of one property.
struct LivenessAnswer {
  std::size_t property = 0;
  Verdict verdict = Verdict::unknown;
  std::uint64_t pending = 0;   ///< states with p and without q: if there are none, it says nothing
  std::optional<Lasso> lasso;  ///< of violated: of the first case that is
};

struct [[nodiscard]] LivenessResult {
  Verdict verdict = Verdict::unknown;  ///< holds: for all properties; violated: for some
  std::string reason;                  ///< of unknown
  std::uint64_t states = 0, transitions = 0;
  double seconds = 0;
  double bytes_per_state = 0;           ///< memory of states and graph, per state
  std::vector<LivenessAnswer> answers;  ///< in the order of declaration
};

/// Checks the liveness properties of the machine that `factory` builds (all that the machine
/// checks) under the fairness that it declares, as far as it is assumed.
///
/// Safety is not looked at: a step that fails a property that the machine checks ends the search
/// with `unknown`.  Every lasso has been replayed on a machine of its own.
LivenessResult check_liveness(const ConcreteFactory& factory, const LivenessOptions& options = {});

/// The fairness that is assumed, in sentences: "weak, CPU0 and CPU1: ...".  For the scope.
std::vector<std::string> assumed(const Machine<Concrete>& machine, Assume assume);

}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_CHECKER_LIVENESS_LIVENESS_H
