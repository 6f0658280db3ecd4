// SPDX-License-Identifier: MIT
// Our IOASID allocator under every schedule: the real code, compiled with thread instrumentation,
// with the specification as judge of what the calls answer.
#ifndef IOMMUCHECK_IMPL_IOASID_EXPLORED_EXPLORER_H
#define IOMMUCHECK_IMPL_IOASID_EXPLORED_EXPLORER_H

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "checker/schedule/engine.h"
#include "impl/ioasid/explored/clients.h"
#include "spec/ioasid/bounds.h"

namespace iommucheck::ioasid::explored {

/// A few calls by a few threads (1 .. kMaxClients).
struct Scenario {
  std::string name, sentence;
  World world;
  std::vector<Call> setup;
  std::vector<std::vector<Call>> threads;
  /// Of those with too many traces for every day: so many preemptions at most.
  std::optional<unsigned> preemptions = {};
};

/// The bounds of the specification for this world.
Bounds bounds_of(const World& world);

/// The written ones.
const std::vector<Scenario>& written_scenarios();
/// All ways to let `threads` (2 or 3) threads make one call each, out of a small set of calls, over
/// several set-ups, as far as no order of the calls breaks a contract.  Names: "pair-7".
std::vector<Scenario> generated_scenarios(unsigned threads);

using MakeStrategy = std::function<std::unique_ptr<schedule::Strategy>()>;

/// An atomic operation of the allocator's own code, by the address of its call.
struct AtomicSite {
  std::uintptr_t pc = 0;
  bool write = false, acquire = false, release = false;
  auto operator<=>(const AtomicSite&) const = default;
};

struct Options {
  schedule::Limits limits = {};
  /// Empty: source-set DPOR, of a scenario with a bound on preemptions within that.
  MakeStrategy strategy = {};
  std::uintptr_t weakened = 0;  ///< the operation at this address is relaxed
  std::uintptr_t dropped = 0;   ///< the operation at this address writes nothing
  /// Both answers of each allocation of the threads' calls are tried.
  bool failing_allocations = false;
  /// With that: threads have their reader's slot before their first call, as read_section.h asks of
  /// who cannot end where there is no memory.
  bool attach_readers = true;
};

struct Result {
  schedule::Statistics statistics;
  std::vector<schedule::Report> reports;
  /// Histories that no order of the calls explains: "CPU0: ioasid_find(...) -> -ENOENT, ..."
  struct Unexplained {
    std::string history, schedule;
    std::vector<std::string> reasons;
  };
  std::vector<Unexplained> unexplained;
  std::size_t histories = 0, excused = 0;
  std::size_t without_memory = 0;  ///< histories in which an allocation failed
  std::vector<AtomicSite> sites;   ///< that were executed, ascending

  bool clean() const { return reports.empty() && unexplained.empty(); }
};

/// Throws std::invalid_argument if the scenario names things that the world does not have, and
/// std::runtime_error if its set-up differs from the specification.  One at a time.
Result explore(const Scenario& scenario, const Options& options = {});

}  // namespace iommucheck::ioasid::explored

#endif  // IOMMUCHECK_IMPL_IOASID_EXPLORED_EXPLORER_H
