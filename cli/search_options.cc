// SPDX-License-Identifier: MIT
// Which options of a search go together.
#include "cli/search_options.h"

#include <fmt/format.h>

namespace iommucheck::cli {
namespace {

using linux_harness::Search;

Search search_named(const std::string& name) {
  for (const Search search :
       {Search::dpor, Search::sleep_sets, Search::all, Search::random, Search::pct}) {
    if (linux_harness::name(search) == name) return search;
  }
  throw UsageError(
      fmt::format("--search {} is not known: dpor, sleep-sets, all, random or pct", name));
}

}  // namespace

linux_harness::SearchOptions take_search_options(Arguments& arguments) {
  linux_harness::SearchOptions options;
  // Before anything is taken out: what goes with what.
  if (arguments.has("schedule")) {
    for (const char* other : {"search", "seed", "preemptions", "executions", "seconds"}) {
      if (arguments.has(other))
        throw UsageError(fmt::format("--schedule is one execution: it has no --{}", other));
    }
  }
  const bool has_seed = arguments.has("seed"), has_bound = arguments.has("preemptions");
  options.seed = arguments.number("seed", options.seed, 0, ~0ULL);
  options.executions = arguments.number("executions", options.executions, 1, ~0ULL);
  options.seconds =
      static_cast<double>(arguments.number("seconds", 60, 1, std::uint64_t{1} << 32U));
  const auto schedule = arguments.text("schedule");
  options.search = schedule ? Search::replay : search_named(arguments.text("search", "dpor"));
  options.schedule = schedule.value_or("");
  const bool by_chance = options.search == Search::random || options.search == Search::pct;
  if (has_seed && !by_chance)
    throw UsageError("--seed is for --search random and pct: the others choose nothing by chance");
  if (has_bound) {
    if (options.search != Search::dpor && options.search != Search::all)
      throw UsageError("--preemptions bounds the searches dpor and all only");
    options.preemptions = static_cast<unsigned>(arguments.number("preemptions", 0, 0, 1000));
  }
  return options;
}

}  // namespace iommucheck::cli
