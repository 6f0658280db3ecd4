// SPDX-License-Identifier: MIT
// Requests for a scheduled runner, and its answers.
#include "impl/linux/scheduled.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "impl/linux/answer.h"
#include "impl/linux/error.h"
#include "impl/linux/ioasid_words.h"
#include "impl/linux/process.h"
#include "impl/linux/target.h"

namespace iommucheck::linux_harness {
namespace {

using ioasid::Err;
using ioasid::Outcome;
using nlohmann::json;

void add_calls(json& request, const Scenario& scenario) {
  request["setup"] = json::array();
  request["threads"] = json::array();
  for (const TargetCall& call : scenario.setup) request["setup"].push_back(call.words);
  for (const std::vector<TargetCall>& calls : scenario.threads) {
    json thread = json::array();
    for (const TargetCall& call : calls) thread.push_back(call.words);
    request["threads"].push_back(std::move(thread));
  }
}

json request_json(const Scenario& scenario, const SearchOptions& options) {
  json request = {
      {"search", name(options.search)}, {"executions", options.executions},
      {"seconds", options.seconds},     {"seed", options.seed},
      {"schedule", options.schedule},   {"failing_allocations", options.failing_allocations},
      {"minimise", options.minimise}};
  if (options.preemptions) request["preemptions"] = *options.preemptions;
  add_calls(request, scenario);
  return request;
}

Smallest smallest_of(const json& answer) {
  return {answer.value("fewest_switches", false), answer.value("shortest", false)};
}

[[noreturn]] void bad_answer(const std::string& text) {
  throw HarnessError("the runner answers '" + text + "'", "an error of the harness", "report it");
}

/// "error value allocator getter_on nomem": see scheduled/ioasid_calls.cc.
void read_ioasid_answer(ScheduledCall& one, const std::string& text) {
  int error = 0, value = 0, allocator = 0, getter_on = 0, nomem = 0;
  if (std::sscanf(text.c_str(), "%d %d %d %d %d", &error, &value, &allocator, &getter_on, &nomem) !=
      5) {
    bad_answer(text);
  }
  // Whatever the code answers is judged: a number beyond the vocabulary is never legal.
  const std::optional<Err> known = error_of(error);
  Outcome outcome;
  outcome.err = known ? static_cast<std::uint32_t>(*known) : ioasid::kErrs;
  outcome.value = static_cast<std::uint32_t>(value);
  outcome.allocator = static_cast<std::uint32_t>(allocator);
  outcome.getter_on = static_cast<std::uint32_t>(getter_on);
  one.nomem = nomem != 0;
  if (one.nomem) one.call.ioasid->args.nomem = 1;
  one.result = ioasid::print(*one.call.ioasid, outcome);
  one.outcome = outcome;
}

/// "-", or "value nomem": see scheduled/main.cc.
std::string read_table_answer(const std::string& text, bool& nomem) {
  if (text == "-") return std::string{kNotMade};
  long value = 0;
  int failed = 0;
  if (std::sscanf(text.c_str(), "%ld %d", &value, &failed) != 2) bad_answer(text);
  nomem = failed != 0;
  constexpr long kErrors = 4095;
  const char* name =
      value < 0 && value >= -kErrors ? strerrorname_np(static_cast<int>(-value)) : nullptr;
  return name != nullptr ? fmt::format("-{}", name) : fmt::format("{}", value);
}

void read_answer(ScheduledCall& one, const std::string& text) {
  one.returned = true;
  if (one.call.ioasid) {
    read_ioasid_answer(one, text);
  } else {
    one.result = read_table_answer(text, one.nomem);
  }
}

Finished run_request(const Runner& runner, const Scenario& scenario, const json& request) {
  Finished finished = run({runner.program.string(), request.dump()});
  if (finished.status == 0) return finished;
  if (finished.output.starts_with("schedule") || finished.output.starts_with("the schedule")) {
    throw std::invalid_argument{finished.output.substr(0, finished.output.find('\n'))};
  }
  constexpr std::string_view kInSetUp = "the set-up ends in a report: ";
  if (finished.output.starts_with(kInSetUp)) {
    throw SetUpError(
        scenario.name,
        finished.output.substr(kInSetUp.size(), finished.output.find('\n') - kInSetUp.size()));
  }
  throw HarnessError(fmt::format("the runner failed in scenario {}: {}", scenario.name,
                                 finished.output.substr(0, 2000)),
                     "an error of the harness, or kernel code that destroyed its memory",
                     "report it with the scenario and the kernel version");
}

std::vector<Frame> frames_of(const json& addresses, Symbols& symbols) {
  std::vector<Frame> frames;
  for (const std::uint64_t address : addresses) {
    const std::vector<Frame>& found = symbols.frames(address);
    frames.insert(frames.end(), found.begin(), found.end());
  }
  return frames;
}

/// "CPU0.1" for the path "1.1": threads are counted from 1 there.
std::string cpu_name(const std::string& path) {
  const std::size_t dot = path.find('.');
  const int number = std::atoi(path.c_str());
  return fmt::format("CPU{}{}", number - 1, dot == std::string::npos ? "" : path.substr(dot));
}

}  // namespace

std::string_view name(Search search) {
  switch (search) {
    case Search::dpor: return "dpor";
    case Search::sleep_sets: return "sleep-sets";
    case Search::all: return "all";
    case Search::random: return "random";
    case Search::pct: return "pct";
    case Search::replay: return "replay";
  }
  return "?";
}

TargetCall::TargetCall(const ioasid::Call& call)
    : words{encode(call)}, text{ioasid::print(call)}, ioasid{call} {}

ScheduledKernel::ScheduledKernel(const Target& target, Runner runner)
    : target_{target},
      runner_{std::move(runner)},
      symbols_{runner_, target.parts().kernel_glue.back()} {}

std::vector<Frame> ScheduledKernel::lines_of(const std::vector<std::uint64_t>& addresses) {
  symbols_.prefetch(addresses);
  std::vector<Frame> lines;
  lines.reserve(addresses.size());
  for (const std::uint64_t address : addresses) {
    lines.push_back(frame_in(symbols_.frames(address), target_.file()));
  }
  return lines;
}

Exploration ScheduledKernel::explore(const Scenario& scenario, const SearchOptions& options) {
  const json answer =
      json::parse(run_request(runner_, scenario, request_json(scenario, options)).output);
  Exploration result;
  result.executions = answer.at("executions");
  result.complete = answer.at("complete");
  result.abandoned = answer.at("abandoned");
  result.steps = answer.at("steps");
  result.longest = answer.at("longest");
  result.restarts = answer.at("restarts");
  result.seconds = answer.at("seconds");
  result.exhausted = answer.at("exhausted");
  result.covered = answer.at("covered").get<decltype(result.covered)>();
  result.followed = answer.at("followed").get<decltype(result.followed)>();
  for (std::size_t i = 0; i < scenario.setup.size(); ++i) {
    ScheduledCall one{.call = scenario.setup[i]};
    // A set-up that ends in a report answers less.
    if (i < answer.at("setup").size()) read_answer(one, answer["setup"][i].get<std::string>());
    result.setup.push_back(std::move(one));
  }
  std::vector<std::uint64_t> addresses;
  for (const json& report : answer.at("reports")) {
    for (const char* part : {"here", "other", "allocated", "freed"}) {
      for (const std::uint64_t address : report.at(part)) addresses.push_back(address);
    }
  }
  symbols_.prefetch(addresses);
  for (const json& report : answer.at("reports")) {
    result.reports.push_back(
        {report.at("kind"), report.at("message"), cpu_name(report.at("thread")),
         frames_of(report.at("here"), symbols_), frames_of(report.at("other"), symbols_),
         frames_of(report.at("allocated"), symbols_), frames_of(report.at("freed"), symbols_),
         report.at("schedule"), smallest_of(report), report.at("execution")});
  }
  for (const json& history : answer.at("histories")) {
    ScheduledHistory mine;
    mine.schedule = history.at("schedule");
    mine.executions = history.at("executions");
    std::vector<std::size_t> next(scenario.threads.size());
    for (const json& call : history.at("calls")) {
      const auto thread =
          static_cast<unsigned>(std::stoul(call.at("thread").get<std::string>())) - 1;
      ScheduledCall one{.thread = thread,
                        .call = scenario.threads.at(thread).at(next.at(thread)++)};
      one.begins_before_my_end = call.at("begins_before_my_end");
      if (call.at("returned").get<bool>()) read_answer(one, call.at("result").get<std::string>());
      mine.calls.push_back(std::move(one));
    }
    result.histories.push_back(std::move(mine));
  }
  return result;
}

void ScheduledKernel::minimise(const Scenario& scenario, const SearchOptions& options,
                               ScheduledHistory& history) {
  json request = request_json(scenario, options);
  request["history"] = history.schedule;
  const json answer = json::parse(run_request(runner_, scenario, request).output);
  history.schedule = answer.at("schedule");
  history.smallest = smallest_of(answer);
}

std::vector<SequentialRun> ScheduledKernel::in_all_orders(const Scenario& scenario,
                                                          std::size_t most) {
  std::vector<unsigned> turns;
  for (std::size_t thread = 0; thread < scenario.threads.size(); ++thread) {
    turns.insert(turns.end(), scenario.threads[thread].size(), static_cast<unsigned>(thread));
  }
  json request{{"orders", json::array()}};
  add_calls(request, scenario);
  std::vector<SequentialRun> runs;
  do {
    if (runs.size() == most) return {};
    request["orders"].push_back(turns);
    runs.push_back({turns, {}});
  } while (std::next_permutation(turns.begin(), turns.end()));
  const json answer = json::parse(run_request(runner_, scenario, request).output);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    for (const std::string text : answer.at(i)) {
      bool nomem = false;
      runs[i].results.push_back(read_table_answer(text, nomem));
    }
  }
  return runs;
}

}  // namespace iommucheck::linux_harness
