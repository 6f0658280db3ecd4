// SPDX-License-Identifier: MIT
// Exploring a subject and reporting it.
#include "cli/exploration.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "checker/wedged.h"

namespace iommucheck::cli {

using nlohmann::ordered_json;

std::string print_bounds(const model::BoundValues& bounds) {
  std::string text;
  for (const auto& [name, value] : bounds) {
    const bool unlimited = name == "calls" && value == 0;
    if (name == "objects" && value == 0) continue;
    if (name == "stores" && bounds.contains("memory") && bounds.at("memory") == 0) continue;
    if (name == "memory") {
      if (value != 0) text += fmt::format(", memory {}", model::memory_bound().words.at(value));
      continue;
    }
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name,
                        unlimited ? "unlimited" : fmt::format("{}", value));
  }
  return text;
}

std::string print_scope(const Subject& subject) {
  std::string sliced;
  if (subject.sliced && subject.sliced->empty()) sliced = "; sliced, but every field is read";
  if (subject.sliced && !subject.sliced->empty())
    sliced = fmt::format("; without {}, which nothing reads", fmt::join(*subject.sliced, ", "));
  return fmt::format("{}{}; {}; {}; {} memory{}{}", subject.model,
                     subject.bug.empty() ? "" : fmt::format(" with bug {}", subject.bug),
                     print_bounds(subject.bounds),
                     subject.property.empty() ? "all properties"
                                              : fmt::format("only property {}", subject.property),
                     model::memory_of(subject.bounds),
                     subject.symmetry.empty() ? ""
                                              : fmt::format("; up to permutations of {}",
                                                            fmt::join(subject.symmetry, ", ")),
                     sliced);
}

std::vector<std::string> parse_symmetry(const std::string& list, const Schema& schema) {
  std::vector<std::string> names;
  std::string known;
  for (const SortInfo& sort : schema.sorts()) {
    if (list == "all" && sort.size > 1) names.push_back(sort.name);
    known += fmt::format("{}{}", known.empty() ? "" : ", ", sort.name);
  }
  if (known.empty()) throw UsageError("--symmetry: the model declares no sorts");
  if (list == "all") {
    if (names.empty())
      throw UsageError("--symmetry all: within these bounds no sort has two elements");
    return names;
  }
  for (std::size_t from = 0; from <= list.size();) {
    const std::size_t comma = std::min(list.find(',', from), list.size());
    names.push_back(list.substr(from, comma - from));
    from = comma + 1;
    const auto same = [&](const SortInfo& sort) { return sort.name == names.back(); };
    if (std::none_of(schema.sorts().begin(), schema.sorts().end(), same)) {
      throw UsageError(fmt::format(
          "--symmetry {}: within these bounds the model has no sort '{}'; it has {} (or all)", list,
          names.back(), known));
    }
  }
  return names;
}

ordered_json scope_to_json(const Subject& subject) {
  ordered_json scope;
  scope["model"] = subject.model;
  scope["bug"] = subject.bug.empty() ? ordered_json(nullptr) : ordered_json(subject.bug);
  scope["bounds"] = subject.bounds;
  scope["property"] = subject.property.empty() ? "all" : subject.property;
  scope["memory_model"] = model::memory_of(subject.bounds);
  scope["states_stored"] = "exactly";
  scope["symmetry"] = subject.symmetry;
  if (subject.sliced) scope["sliced"] = *subject.sliced;
  return scope;
}

namespace {

/// States in which it is looked at who can never go on: less than a second.
constexpr std::uint64_t kWedgeStates = 50'000;

/// Who waits for a call that nobody may make any more is stuck by the bound, not by the design.
bool calls_are_limited(const Subject& subject) {
  const auto calls = subject.bounds.find("calls");
  return calls != subject.bounds.end() && calls->second != 0;
}

void look_for_wedged(const Subject& subject, checker::Exploration& result) {
  const auto machine = build_concrete(subject);
  if (!machine->deadlock || !machine->context.checked(*machine->deadlock)) return;
  if (calls_are_limited(subject)) return;
  checker::WedgeSearch search = checker::find_wedged(*machine, kWedgeStates);
  result.not_wedged = search.states;
  if (!search.path) return;
  result.verdict = checker::Verdict::violated;
  result.path = std::move(search.path);
}

}  // namespace

checker::Exploration explore_subject(const Subject& subject, checker::Options options) {
  const bool first = options.exchange == nullptr || options.exchange->rank() == 0;
  const bool terminal = first && isatty(STDERR_FILENO) != 0;
  if (terminal) {
    options.progress = [](const checker::Progress& p) {
      fmt::print(stderr, "\r\x1b[K{} states, {} to expand at depth {}, {:.2f} million/s", p.states,
                 p.frontier, p.depth, p.states_per_second / 1e6);
      std::fflush(stderr);
    };
  }
  options.symmetry = subject.symmetry;
  try {
    auto result = checker::explore([&] { return build_concrete(subject); }, options);
    if (terminal) fmt::print(stderr, "\r\x1b[K");
    if (first && result.verdict == checker::Verdict::holds) look_for_wedged(subject, result);
    return result;
  } catch (const std::invalid_argument& e) {
    throw UsageError(fmt::format("--symmetry: {}", e.what()));
  }
}

namespace {
double per_state(std::uint64_t n, const checker::Exploration& result) {
  return static_cast<double>(n) / static_cast<double>(std::max<std::uint64_t>(result.states, 1));
}
}  // namespace

ordered_json exploration_to_json(const Subject& subject, const checker::Exploration& result) {
  ordered_json object;
  object["verdict"] = checker::name(result.verdict);
  object["scope"] = scope_to_json(subject);
  if (!result.exact) {
    object["scope"]["states_stored"] = "as fingerprints of 74 bits";
    object["scope"]["omission_probability"] = checker::omission_probability(result.states);
  }
  if (!result.reason.empty()) object["reason"] = result.reason;
  object["states"] = result.states;
  object["states_without_symmetry"] = result.states_without_symmetry;
  object["transitions"] = result.transitions;
  object["depth"] = result.depth;
  object["states_looked_at_for_wedged_processes"] = result.not_wedged;
  object["seconds"] = result.seconds;
  object["states_per_second"] =
      result.seconds > 0 ? static_cast<double>(result.states) / result.seconds : 0.0;
  object["bytes_per_state"] = result.bytes_per_state();
  if (result.traffic) {
    const checker::Traffic& t = *result.traffic;
    object["mpi"] = {{"ranks", t.ranks},
                     {"states_sent", t.states},
                     {"messages", t.messages},
                     {"bytes", t.bytes},
                     {"messages_per_state", per_state(t.messages, result)},
                     {"bytes_per_state", per_state(t.bytes, result)}};
  }
  if (result.disk) {
    object["disk"] = {{"runs", result.disk->runs},
                      {"key_bytes", result.disk->key_bytes},
                      {"key_bytes_read", result.disk->key_bytes_read},
                      {"state_bytes", result.disk->state_bytes}};
  }
  object["steps"] = result.compiled ? "compiled" : "executed";
  object["coverage"] = ordered_json::array();
  for (const auto& c : result.coverage) {
    object["coverage"].push_back({{"program", c.program}, {"label", c.label}, {"taken", c.taken}});
  }
  object["trace"] = nullptr;
  if (result.path) {
    const auto machine = build_concrete(subject);
    object["property"] =
        machine->properties().at(static_cast<std::size_t>(result.path->failure.property)).name;
    object["detail"] = result.path->failure.detail;
    object["trace"] = path_to_json(subject, *machine, *result.path);
  }
  return object;
}

std::string print_exploration(const Subject& subject, const checker::Exploration& result) {
  std::string text = fmt::format("{}: {}\n", checker::name(result.verdict), print_scope(subject));
  if (!result.reason.empty()) text += fmt::format("  reason: {}\n", result.reason);
  text += fmt::format(
      "  {} states, {} transitions, depth {}, {:.2f} s, {:.2f} million states/s, {:.0f} bytes/state\n",
      result.states, result.transitions, result.depth, result.seconds,
      result.seconds > 0 ? static_cast<double>(result.states) / result.seconds / 1e6 : 0.0,
      result.bytes_per_state());
  if (result.traffic) {
    const checker::Traffic& t = *result.traffic;
    text += fmt::format(
        "  {} ranks; for each state {:.2f} were sent, {:.4f} messages, {:.1f} bytes\n", t.ranks,
        per_state(t.states, result), per_state(t.messages, result), per_state(t.bytes, result));
  }
  if (result.disk) {
    constexpr double kMebibyte = 1 << 20;
    text += fmt::format(
        "  on disk: {} runs of visited states, {:.1f} MiB, {:.1f} MiB read; {:.1f} MiB of states\n",
        result.disk->runs, static_cast<double>(result.disk->key_bytes) / kMebibyte,
        static_cast<double>(result.disk->key_bytes_read) / kMebibyte,
        static_cast<double>(result.disk->state_bytes) / kMebibyte);
  }
  if (!result.exact) {
    text += fmt::format(
        "  states were stored as fingerprints of 74 bits: that some were omitted has a probability of "
        "at most {:.1g}\n",
        checker::omission_probability(result.states));
  }
  if (!result.not_compiled.empty())
    text += fmt::format("  steps were executed, not compiled: {}\n", result.not_compiled);
  if (!subject.symmetry.empty()) {
    text += fmt::format("  symmetry: {} states with all their permutations, {:.1f} times as many\n",
                        result.states_without_symmetry,
                        static_cast<double>(result.states_without_symmetry) /
                            static_cast<double>(std::max<std::uint64_t>(result.states, 1)));
  }
  if (result.path) {
    const auto machine = build_concrete(subject);
    text += fmt::format("\n  a shortest counterexample, {} steps (replayed):\n\n{}",
                        result.path->steps.size(), print_path(*machine, *result.path));
    return text;
  }
  std::size_t never = 0;
  for (const auto& c : result.coverage) never += c.taken == 0 ? 1 : 0;
  text += fmt::format("  coverage: {} of {} steps taken\n", result.coverage.size() - never,
                      result.coverage.size());
  for (const auto& c : result.coverage) {
    if (c.taken == 0)
      text += fmt::format("  NEVER TAKEN within these bounds: {}(): {}\n", c.program, c.label);
  }
  if (result.not_wedged != 0 && result.not_wedged < result.states_without_symmetry) {
    text += fmt::format(
        "  whether a process can never go on while others do was looked at in the first {} states\n",
        result.not_wedged);
  }
  return text;
}

void write_text(const std::string& file, std::string_view text) {
  std::ofstream stream{file};
  stream << text;
  stream.flush();
  if (!stream) throw TraceError(fmt::format("{} cannot be written", file));
}

void write_trace(const std::string& file, const ordered_json& trace) {
  write_text(file, trace.dump(1) + '\n');
}

}  // namespace iommucheck::cli
