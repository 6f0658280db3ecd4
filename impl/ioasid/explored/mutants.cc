// SPDX-License-Identifier: MIT
// Mutants by address: the engine leaves out what the operation at that address does.
#include "impl/ioasid/explored/mutants.h"

#include <dlfcn.h>

#include <charconv>
#include <filesystem>
#include <map>
#include <sstream>

#include <fmt/format.h>

#include "impl/linux/process.h"

namespace iommucheck::ioasid::explored {
namespace {

/// "iommucheck::ioasid::impl::FreeMap::open(unsigned int, unsigned int)" without what is the same
/// everywhere.
std::string short_name(std::string name) {
  name.erase(std::min(name.find('('), name.size()));
  constexpr std::string_view kSpace = "iommucheck::ioasid::";
  for (const std::string_view outer : {kSpace, std::string_view{"impl::"}}) {
    if (name.starts_with(outer)) name.erase(0, outer.size());
  }
  return name;
}

/// The innermost frame that is the allocator's (those of std::atomic say nothing), and the
/// outermost one: what is not inlined.
Place place_in(std::istringstream& lines) {
  Place place;
  std::string function, where, outermost;
  while (lines.peek() != '0' && std::getline(lines, function) && std::getline(lines, where)) {
    const std::size_t colon = where.rfind(':');
    if (where.find("/impl/ioasid/") == std::string::npos) continue;
    outermost = short_name(function);
    if (!place.file.empty()) continue;
    place.function = outermost;
    place.file = std::filesystem::path{where.substr(0, colon)}.filename().string();
    std::from_chars(where.data() + colon + 1, where.data() + where.size(), place.line);
  }
  if (outermost != place.function) place.function += " in " + outermost;
  return place;
}

/// The kind of the first thing that is wrong.
std::string complaint(const Result& result) {
  if (!result.reports.empty()) return result.reports.front().kind;
  return result.unexplained.empty() ? "" : "not linearizable";
}

}  // namespace

std::vector<Place> places_of(std::span<const std::uintptr_t> pcs) {
  std::vector<Place> places(pcs.size());
  if (pcs.empty()) return places;
  Dl_info info{};
  // NOLINTNEXTLINE(performance-no-int-to-ptr): an address of code
  dladdr(reinterpret_cast<const void*>(pcs.front()), &info);
  const auto base = reinterpret_cast<std::uintptr_t>(info.dli_fbase);
  std::vector<std::string> command{"addr2line",
                                   "-a",
                                   "-i",
                                   "-f",
                                   "-C",
                                   "-e",
                                   std::filesystem::read_symlink("/proc/self/exe").string()};
  for (const std::uintptr_t pc : pcs) command.push_back(fmt::format("{:#x}", pc - base));
  std::istringstream lines{linux_harness::run(command).output};
  std::string address;
  for (std::size_t i = 0; i < pcs.size(); ++i) {
    std::getline(lines, address);
    places[i] = place_in(lines);
    if (places[i].file.empty()) places[i].function = fmt::format("{:#x}", pcs[i] - base);
  }
  return places;
}

std::vector<Mutant> try_mutants(std::span<const Scenario> scenarios, Change change,
                                const schedule::Limits& limits) {
  Options options;
  options.limits = limits;
  std::map<AtomicSite, std::vector<const Scenario*>> executed_by;
  for (const Scenario& scenario : scenarios) {
    for (const AtomicSite& site : explore(scenario, options).sites) {
      if (change == Change::dropped ? site.write : site.acquire || site.release)
        executed_by[site].push_back(&scenario);
    }
  }
  options.limits.stop_at_first_report = true;
  std::vector<Mutant> mutants;
  std::vector<std::uintptr_t> pcs;
  for (const auto& [site, where] : executed_by) {
    Mutant mutant{change, site, {}, "", ""};
    (change == Change::dropped ? options.dropped : options.weakened) = site.pc;
    for (const Scenario* scenario : where) {
      std::string complains;
      try {
        complains = complaint(explore(*scenario, options));
      } catch (const std::runtime_error& error) {
        mutant.broke_off = scenario->name + ": " + error.what();
      }
      if (complains.empty()) continue;
      mutant.noticed_by = scenario->name + ": " + complains;
      break;
    }
    mutants.push_back(std::move(mutant));
    pcs.push_back(site.pc);
  }
  const std::vector<Place> places = places_of(pcs);
  for (std::size_t i = 0; i < mutants.size(); ++i) mutants[i].place = places[i];
  return mutants;
}

}  // namespace iommucheck::ioasid::explored
