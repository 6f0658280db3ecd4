// SPDX-License-Identifier: MIT
// iommucheck list: designs, bugs, properties, bounds; specifications; kernel targets.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "checker/liveness/liveness.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/exploration.h"
#include "cli/spec_model.h"
#include "cli/trace.h"
#include "impl/linux/target.h"

namespace iommucheck::cli {
namespace {

using nlohmann::ordered_json;

ordered_json bounds_to_json(const std::vector<model::BoundInfo>& bounds) {
  ordered_json object = ordered_json::object();
  for (const auto& b : bounds) {
    object[b.name] = {
        {"min", b.min}, {"max", b.max}, {"default", b.standard}, {"sentence", b.sentence}};
    if (!b.words.empty()) object[b.name]["words"] = b.words;
  }
  return object;
}

ordered_json properties_to_json(const Machine<Concrete>& machine) {
  ordered_json list = ordered_json::array();
  for (const auto& p : machine.properties())
    list.push_back({{"name", p.name}, {"sentence", p.sentence}, {"kind", "safety"}});
  for (const auto& p : machine.liveness())
    list.push_back({{"name", p.name}, {"sentence", p.sentence}, {"kind", "liveness"}});
  return list;
}

/// Sorts of the standard bounds: their sizes there.
ordered_json sorts_to_json(const Machine<Concrete>& machine) {
  ordered_json object = ordered_json::object();
  for (const SortInfo& s : machine.schema.sorts()) object[s.name] = s.size;
  return object;
}
std::string print_sorts(const Machine<Concrete>& machine) {
  std::string text;
  for (const SortInfo& s : machine.schema.sorts()) text += fmt::format(" {} ({})", s.name, s.size);
  return text;
}

/// Properties that a design has only within the bounds that some bug needs: each with these.
std::vector<std::pair<Property<Concrete>, model::BoundValues>> special_properties(
    const model::DesignEntry& d) {
  std::set<std::string> known;
  const auto standard = d.concrete({}, "");
  for (const auto& p : standard->properties()) known.insert(p.name);
  std::vector<std::pair<Property<Concrete>, model::BoundValues>> special;
  for (const auto& bug : d.bugs()) {
    const auto machine = d.concrete(bug.bounds, "");
    for (const auto& p : machine->properties()) {
      if (known.insert(p.name).second) special.push_back({{p.name, p.sentence, {}}, bug.bounds});
    }
  }
  return special;
}

ordered_json to_json(const model::DesignEntry& d) {
  ordered_json object{{"name", d.name()}, {"sentence", d.sentence()}, {"source", d.source()}};
  object["bugs"] = ordered_json::array();
  for (const auto& b : d.bugs()) {
    object["bugs"].push_back({{"name", b.name},
                              {"class", b.kind},
                              {"source", b.source},
                              {"sentence", b.sentence},
                              {"property", b.property},
                              {"bounds", b.bounds}});
  }
  const auto machine = d.concrete({}, "");
  object["properties"] = properties_to_json(*machine);
  for (const auto& [p, bounds] : special_properties(d)) {
    object["properties"].push_back(
        {{"name", p.name}, {"sentence", p.sentence}, {"kind", "safety"}, {"only_with", bounds}});
  }
  object["sorts"] = sorts_to_json(*machine);
  for (const auto assume : {checker::Assume::weak, checker::Assume::strong})
    object["fairness"][std::string{checker::name(assume)}] = checker::assumed(*machine, assume);
  object["bounds"] = bounds_to_json(d.bounds());
  return object;
}

std::string print_bound(const model::BoundInfo& bound) {
  if (bound.words.empty())
    return fmt::format("--{} {}..{} ({})", bound.name, bound.min, bound.max, bound.standard);
  return fmt::format("--{} {} ({})", bound.name, fmt::join(bound.words, "|"),
                     bound.words.at(bound.standard));
}

void print_text() {
  for (const auto* d : model::designs()) {
    fmt::print("{}\n  {}\n  {}\n  bounds:", d->name(), d->sentence(), d->source());
    for (const auto& b : d->bounds()) fmt::print(" {}", print_bound(b));
    const auto machine = d->concrete({}, "");
    fmt::print("\n  sorts (--symmetry):{}\n  bugs:\n", print_sorts(*machine));
    for (const auto& b : d->bugs())
      fmt::print("    {:<34} {:<24} {}\n", b.name, b.kind, b.sentence);
    fmt::print("  properties:\n");
    for (const auto& p : machine->properties()) fmt::print("    {:<34} {}\n", p.name, p.sentence);
    for (const auto& [p, bounds] : special_properties(*d))
      fmt::print("    {:<34} {} (within {})\n", p.name, p.sentence, print_bounds(bounds));
    fmt::print("  liveness properties (check --liveness):\n");
    for (const auto& p : machine->liveness()) fmt::print("    {:<34} {}\n", p.name, p.sentence);
    fmt::print("\n");
  }
  fmt::print("specifications (iommucheck prove SPEC; iommucheck check spec/SPEC):\n");
  for (const auto* spec : specifications()) {
    fmt::print("  {:<8} {}\n           {}\n           bounds:", spec->name().substr(5),
               spec->sentence(), spec->source());
    for (const auto& b : spec->bounds()) fmt::print(" {}", print_bound(b));
    fmt::print("\n           sorts (--symmetry):{}\n", print_sorts(*spec->concrete({}, "")));
  }
  fmt::print(
      "\nkernel targets (iommucheck kernel --package PACKAGE TARGET --scenario NAME, all, pairs or "
      "triples):\n");
  for (const linux_harness::Target* target : linux_harness::targets()) {
    fmt::print("  {:<10} {}\n             {} of {}\n", target->name(), target->sentence(),
               target->file(), target->package());
    for (const linux_harness::Scenario& scenario : target->written()) {
      fmt::print("             {:<18} {}\n", scenario.name, scenario.sentence);
    }
  }
}

}  // namespace

int list_command(const Words& words) {
  Arguments arguments{words, {"json"}};
  const bool as_json = arguments.flag("json");
  arguments.finish("--json");
  if (!as_json) {
    print_text();
    return 0;
  }
  ordered_json object;
  object["designs"] = ordered_json::array();
  for (const auto* d : model::designs()) object["designs"].push_back(to_json(*d));
  object["specs"] = ordered_json::array();
  for (const auto* spec : specifications()) {
    const auto machine = spec->concrete({}, "");
    object["specs"].push_back({{"name", spec->name().substr(5)},
                               {"properties", properties_to_json(*machine)},
                               {"sorts", sorts_to_json(*machine)},
                               {"bounds", bounds_to_json(spec->bounds())}});
  }
  object["targets"] = ordered_json::array();
  for (const linux_harness::Target* target : linux_harness::targets()) {
    ordered_json one{
        {"name", target->name()}, {"file", target->file()}, {"kernels", target->versions()}};
    for (const linux_harness::Scenario& scenario : target->written()) {
      one["scenarios"].push_back({{"name", scenario.name}, {"sentence", scenario.sentence}});
    }
    object["targets"].push_back(std::move(one));
  }
  fmt::print("{}\n", object.dump(2));
  return 0;
}

}  // namespace iommucheck::cli
