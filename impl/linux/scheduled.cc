// SPDX-License-Identifier: MIT
// Requests for a scheduled runner, and its answers.
#include "impl/linux/scheduled.h"

#include <stdexcept>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "impl/linux/answer.h"
#include "impl/linux/error.h"
#include "impl/linux/ioasid.h"
#include "impl/linux/ioasid_words.h"
#include "impl/linux/process.h"

namespace iommucheck::linux_harness {
namespace {

using ioasid::Call;
using ioasid::CallKind;
using ioasid::Err;
using ioasid::Outcome;
using nlohmann::json;

json request_json(const Scenario& scenario, const SearchOptions& options) {
  json request = {
      {"search", name(options.search)}, {"executions", options.executions},
      {"seconds", options.seconds},     {"seed", options.seed},
      {"schedule", options.schedule},   {"failing_allocations", options.failing_allocations},
      {"setup", json::array()},         {"threads", json::array()}};
  if (options.preemptions) request["preemptions"] = *options.preemptions;
  for (const Call& call : scenario.setup) request["setup"].push_back(encode(call));
  for (const std::vector<Call>& calls : scenario.threads) {
    json thread = json::array();
    for (const Call& call : calls) thread.push_back(encode(call));
    request["threads"].push_back(std::move(thread));
  }
  return request;
}

/// "error value allocator getter_on nomem": see scheduled/ioasid_calls.cc.
struct Answer {
  Outcome outcome;
  bool nomem = false;
};

Answer parse_answer(const std::string& text) {
  int error = 0, value = 0, allocator = 0, getter_on = 0, nomem = 0;
  if (std::sscanf(text.c_str(), "%d %d %d %d %d", &error, &value, &allocator, &getter_on, &nomem) !=
      5) {
    throw HarnessError("the runner answers '" + text + "'", "an error of the harness", "report it");
  }
  // Whatever the code answers is judged: a number beyond the vocabulary is never legal.
  const std::optional<Err> known = error_of(error);
  Answer answer;
  answer.outcome.err = known ? static_cast<std::uint32_t>(*known) : ioasid::kErrs;
  answer.outcome.value = static_cast<std::uint32_t>(value);
  answer.outcome.allocator = static_cast<std::uint32_t>(allocator);
  answer.outcome.getter_on = static_cast<std::uint32_t>(getter_on);
  answer.nomem = nomem != 0;
  return answer;
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

ScheduledIoasid::ScheduledIoasid(Runner runner)
    : runner_{std::move(runner)}, symbols_{runner_, "ioasid_calls.c"} {}

std::vector<Frame> ScheduledIoasid::lines_of(const std::vector<std::uint64_t>& blocks) {
  symbols_.prefetch(blocks);
  std::vector<Frame> lines;
  for (const std::uint64_t block : blocks) {
    lines.push_back(frame_in(symbols_.frames(block), kIoasidFile));
  }
  return lines;
}

Exploration ScheduledIoasid::explore(const Scenario& scenario, const SearchOptions& options) {
  const Finished finished = run({runner_.program.string(), request_json(scenario, options).dump()});
  if (finished.status != 0) {
    if (finished.output.starts_with("schedule") || finished.output.starts_with("the schedule")) {
      throw std::invalid_argument{finished.output.substr(0, finished.output.find('\n'))};
    }
    throw HarnessError(fmt::format("the runner failed in scenario {}: {}", scenario.name,
                                   finished.output.substr(0, 2000)),
                       "an error of the harness, or kernel code that destroyed its memory",
                       "report it with the scenario and the kernel version");
  }
  const json answer = json::parse(finished.output);
  Exploration result;
  result.executions = answer.at("executions");
  result.complete = answer.at("complete");
  result.abandoned = answer.at("abandoned");
  result.steps = answer.at("steps");
  result.longest = answer.at("longest");
  result.restarts = answer.at("restarts");
  result.seconds = answer.at("seconds");
  result.exhausted = answer.at("exhausted");
  result.covered = answer.at("covered").get<std::vector<std::uint64_t>>();
  for (std::size_t i = 0; i < scenario.setup.size(); ++i) {
    result.setup.push_back(parse_answer(answer.at("setup").at(i).get<std::string>()).outcome);
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
         report.at("schedule"), report.at("execution")});
  }
  for (const json& history : answer.at("histories")) {
    ScheduledHistory mine;
    mine.schedule = history.at("schedule");
    mine.executions = history.at("executions");
    std::vector<std::size_t> next(scenario.threads.size());
    for (const json& call : history.at("calls")) {
      ScheduledCall one;
      one.thread = static_cast<unsigned>(std::stoul(call.at("thread").get<std::string>())) - 1;
      one.call = scenario.threads.at(one.thread).at(next.at(one.thread)++);
      one.returned = call.at("returned");
      one.begins_before_my_end = call.at("begins_before_my_end");
      if (one.returned) {
        const Answer known = parse_answer(call.at("result").get<std::string>());
        one.outcome = known.outcome;
        if (known.nomem) one.call.args.nomem = 1;
      }
      mine.calls.push_back(one);
    }
    result.histories.push_back(std::move(mine));
  }
  return result;
}

}  // namespace iommucheck::linux_harness
