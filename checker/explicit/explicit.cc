// SPDX-License-Identifier: MIT
// Setting up a search for a machine's number of words, and reporting what it found.
#include "checker/explicit/explicit.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
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

/// Counters of all ranks.
struct Totals {
  std::uint64_t states = 0, states_without_symmetry = 0, bytes = 0;
  std::vector<std::uint64_t> taken;
  bool all_compiled = false, levels_kept = false;
  std::optional<Traffic> traffic;
};

template <class Search>
Totals sum_up(const Search& search, Exchange* exchange) {
  std::vector<std::uint64_t> values{search.states(), search.states_without_symmetry(),
                                    search.bytes(), search.compiled().expand == nullptr ? 1U : 0U,
                                    search.levels_kept() ? 0U : 1U};
  const std::vector<std::uint64_t> taken = search.taken();
  values.insert(values.end(), taken.begin(), taken.end());
  Totals totals;
  if (exchange != nullptr) {
    const Traffic mine = exchange->traffic();
    values.insert(values.end(), {mine.states, mine.messages, mine.bytes});
    values = exchange->sum(values);
    const auto* const sent = &values[values.size() - 3];
    totals.traffic = Traffic{exchange->ranks(), sent[0], sent[1], sent[2]};
  }
  totals.states = values[0];
  totals.states_without_symmetry = values[1];
  totals.bytes = values[2];
  totals.all_compiled = values[3] == 0;
  totals.levels_kept = values[4] == 0;
  const auto first = values.begin() + 5;
  totals.taken.assign(first, first + static_cast<std::ptrdiff_t>(taken.size()));
  return totals;
}

template <unsigned W, class Keys>
Exploration run(const ConcreteFactory& factory, const Options& options, const Machines& machines,
                const Form* form, Team& team) {
  auto first = std::make_unique<Search<W, Keys>>(options, machines, form, team, false);
  const Search<W, Keys>& search = *first;
  first->run();
  const Watch& watch = search.watch();

  Exploration result;
  const Totals totals = sum_up(search, options.exchange);
  const std::vector<std::uint64_t>& taken = totals.taken;
  result.states = totals.states;
  result.states_without_symmetry = totals.states_without_symmetry;
  result.traffic = totals.traffic;
  result.transitions = std::accumulate(taken.begin(), taken.end(), std::uint64_t{0});
  result.depth = search.levels().empty() ? 0 : search.levels().size() - 1;
  for (const Level& level : search.levels()) result.levels.push_back(level.states);
  result.coverage = StepIndex::report(*machines[0], taken);
  result.compiled = totals.all_compiled;
  result.not_compiled = search.not_compiled();
  result.exact = options.kept == Kept::states;
  result.bytes = totals.bytes;
  result.disk = search.disk();
  result.seconds = watch.seconds();
  if (search.violation()) {
    result.verdict = Verdict::violated;
    const auto path = [&](const Search<W, Keys>& levels) {
      const std::span until(levels.levels().data(), levels.violation_level() + 1);
      Path found = way_to(*levels.violation(), until, machines, form, team, options.exchange);
      if (form != nullptr)
        found = unpermute(*machines[0], found, levels.violation()->in_step, *form);
      return checked_path(factory, std::move(found));
    };
    if (totals.levels_kept) {
      result.path = path(search);
    } else {
      // The levels that lead there have been given back: once more, and this time they stay.
      Options again_options = options;
      again_options.stop_at_violation = true;
      const CompiledSteps code = search.compiled();
      first.reset();  // its memory is needed
      Search<W, Keys> again(again_options, machines, form, team, true);
      again.use(code);
      again.run();
      if (again.violation()) {
        result.path = path(again);
      } else {
        const std::uint64_t met = sum_up(again, options.exchange).states;
        result.reason =
            "its path is not known: " + again.watch().sentence(met, again.levels().size());
      }
      result.seconds += again.watch().seconds();
      return result;
    }
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

template <unsigned W>
Exploration run(const ConcreteFactory& factory, const Options& options, const Machines& machines,
                const Form* form, Team& team) {
  const Schema& schema = machines[0]->schema;
  if (options.kept == Kept::fingerprints)
    return run<W, FingerprintKeys<W>>(factory, options, machines, form, team);
  if constexpr (W == 1 || W == 2) {
    if (DirectKeys<W>::suits(schema))
      return run<W, DirectKeys<W>>(factory, options, machines, form, team);
  }
  if constexpr (W != 1) return run<W, TreeKeys<W>>(factory, options, machines, form, team);
  throw std::logic_error("a state of one word is its own key");
}

/// The search for states of so many words.
Exploration run(unsigned words, const ConcreteFactory& factory, const Options& options,
                const Machines& machines, const Form* form, Team& team) {
  switch (words) {
    case 1: return run<1>(factory, options, machines, form, team);
    case 2: return run<2>(factory, options, machines, form, team);
    case 3: return run<3>(factory, options, machines, form, team);
    case 4: return run<4>(factory, options, machines, form, team);
    default: return run<0>(factory, options, machines, form, team);
  }
}

}  // namespace

double omission_probability(std::uint64_t states) {
  // Each pair of states meets with probability 2^-74, if the hash is as good as random.
  const auto n = static_cast<double>(states);
  return std::min(1.0, n * n / 2 * std::ldexp(1.0, -64 - static_cast<int>(kFingerprintExtraBits)));
}

Exploration explore(const ConcreteFactory& factory, const Options& options) {
  constexpr unsigned kMaxJobs = 1024;
  unsigned wanted = options.jobs != 0 ? options.jobs : std::thread::hardware_concurrency();
  if (options.exchange != nullptr) wanted = 1;
  try {
    auto first = factory();
    const unsigned words = first->schema.words();
    const auto begin = std::chrono::steady_clock::now();
    std::unique_ptr<const Form> form;
    if (!options.symmetry.empty() || !options.unread.empty()) {
      form = std::make_unique<const Form>(first->schema, make_canonicalizer(*first, options),
                                          options.unread);
    }
    const std::chrono::duration<double> looked = std::chrono::steady_clock::now() - begin;
    Team team(std::clamp(wanted, 1U, kMaxJobs));
    const Machines machines = build(factory, std::move(first), team);
    Exploration result = run(words, factory, options, machines, form.get(), team);
    result.seconds += looked.count();
    return result;
  } catch (const std::bad_alloc&) {
    if (options.exchange != nullptr) throw;  // the others are in the middle of the search
    Exploration result;
    result.reason = "the system gives no more memory: lower --max-memory, or use smaller bounds";
    return result;
  }
}

}  // namespace iommucheck::checker
