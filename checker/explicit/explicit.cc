// SPDX-License-Identifier: MIT
// Setting up a search for a machine's number of words, and reporting what it found.
#include "checker/explicit/explicit.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <stdexcept>

#include "checker/explicit/search.h"
#include "checker/explicit/unpermute.h"
#include "checker/symmetry/asymmetry.h"
#include "checker/symmetry/samples.h"

namespace iommucheck::checker {

namespace {

using namespace explicit_state;

/// A machine for each member, built on its thread: so that they lie apart in memory.
Machines build(const ConcreteFactory& factory, std::unique_ptr<Machine<Concrete>> first,
               Team& team) {
  Machines machines(team.size());
  machines[0] = std::move(first);
  std::mutex one_at_a_time;
  team.run([&](unsigned member) {
    const std::lock_guard lock(one_at_a_time);
    if (!machines[member]) machines[member] = factory();
  });
  return machines;
}

/// The canonicalizer that the options ask for, after a look at the machine.
std::unique_ptr<const symmetry::Canonicalizer> make_canonicalizer(Machine<Concrete>& machine,
                                                                  const Options& options) {
  if (options.symmetry.empty()) return nullptr;
  auto made = std::make_unique<symmetry::Canonicalizer>(machine.schema, options.symmetry);
  const auto states = symmetry::sample_states(machine, options.symmetry_samples);
  if (const auto found = symmetry::find_asymmetry(machine, *made, states)) {
    throw std::invalid_argument(fmt::format(
        "the machine is not symmetric in {}: {}.  Leave the sort out, or declare the field for what "
        "it is (docs/symmetry.md)",
        found->sort, found->sentence));
  }
  return made;
}

Path checked_path(const ConcreteFactory& factory, Path path) {
  std::string why;
  if (!replays(*factory(), path, &why)) {
    throw std::logic_error("internal error: the path found does not replay: " + why);
  }
  return path;
}

template <unsigned W>
Exploration run(const ConcreteFactory& factory, const Options& options, const Machines& machines,
                const symmetry::Canonicalizer* canonicalizer, Team& team) {
  Search<W> search(options, machines, canonicalizer, team);
  search.run();
  const Watch& watch = search.watch();

  Exploration result;
  const std::vector<std::uint64_t> taken = search.taken();
  result.states = search.states();
  result.states_without_symmetry = search.states_without_symmetry();
  result.transitions = std::accumulate(taken.begin(), taken.end(), std::uint64_t{0});
  result.depth = search.levels().empty() ? 0 : search.levels().size() - 1;
  result.coverage = StepIndex::report(*machines[0], taken);
  if (result.states != 0) {
    result.bytes_per_state =
        static_cast<double>(watch.bytes(result.states)) / static_cast<double>(result.states);
  }
  if (search.violation()) {
    result.verdict = Verdict::violated;
    const std::span levels(search.levels().data(), search.violation_level() + 1);
    Path path = way_to(*search.violation(), levels, machines, canonicalizer, team);
    if (canonicalizer != nullptr)
      path = unpermute(*machines[0], path, search.violation()->in_step, *canonicalizer);
    result.path = checked_path(factory, std::move(path));
  } else if (watch.stopped() != Stop::none) {
    result.reason = watch.sentence(result.states, result.depth);
  } else if (result.states == 0) {
    result.reason = "the machine has no initial state: its bounds rule every one out";
  } else {
    result.verdict = Verdict::holds;
  }
  result.seconds = watch.seconds();
  return result;
}

/// The search for states of so many words.
Exploration run(unsigned words, const ConcreteFactory& factory, const Options& options,
                const Machines& machines, const symmetry::Canonicalizer* symmetry, Team& team) {
  switch (words) {
    case 1: return run<1>(factory, options, machines, symmetry, team);
    case 2: return run<2>(factory, options, machines, symmetry, team);
    case 3: return run<3>(factory, options, machines, symmetry, team);
    case 4: return run<4>(factory, options, machines, symmetry, team);
    case 5: return run<5>(factory, options, machines, symmetry, team);
    case 6: return run<6>(factory, options, machines, symmetry, team);
    case 7: return run<7>(factory, options, machines, symmetry, team);
    case 8: return run<8>(factory, options, machines, symmetry, team);
    default: return run<0>(factory, options, machines, symmetry, team);
  }
}

}  // namespace

Exploration explore(const ConcreteFactory& factory, const Options& options) {
  constexpr unsigned kMaxJobs = 1024;
  const unsigned wanted = options.jobs != 0 ? options.jobs : std::thread::hardware_concurrency();
  try {
    auto first = factory();
    const unsigned words = first->schema.words();
    const auto begin = std::chrono::steady_clock::now();
    const auto made = make_canonicalizer(*first, options);
    const std::chrono::duration<double> looked = std::chrono::steady_clock::now() - begin;
    Team team(std::clamp(wanted, 1U, kMaxJobs));
    const Machines machines = build(factory, std::move(first), team);
    Exploration result = run(words, factory, options, machines, made.get(), team);
    result.seconds += looked.count();
    return result;
  } catch (const std::bad_alloc&) {
    Exploration result;
    result.reason = "the system gives no more memory: lower --max-memory, or use smaller bounds";
    return result;
  }
}

}  // namespace iommucheck::checker
