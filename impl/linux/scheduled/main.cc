// SPDX-License-Identifier: MIT
// The scheduled runner: explores one scenario of a target and writes what it found as JSON.
//
// The request is the only argument, a JSON object:
//   "setup": [call...], "threads": [[call...]...], "search": "dpor" | "sleep-sets" | "all" |
//   "random" | "pct" | "replay", "preemptions": N or absent, "executions", "seconds", "steps",
//   "seed", "depth" (of pct), "schedule" (of replay), "failing_allocations": bool, "stop": bool
// Exit codes: 0: the answer is on standard output; 70: it says on standard error why not.
#include <cstdio>
#include <exception>
#include <memory>

#include <nlohmann/json.hpp>

#include "checker/schedule/client.h"
#include "checker/schedule/engine.h"
#include "checker/schedule/minimise.h"
#include "checker/schedule/random.h"
#include "checker/schedule/replay.h"
#include "checker/schedule/systematic.h"
#include "impl/linux/scheduled/program.h"

// The kernel objects' static data, as the builder lays it out.
extern "C" char __start_kh_data[], __stop_kh_data[];  // NOLINT(bugprone-reserved-identifier)

namespace iommucheck::linux_harness::scheduled {
namespace {

using nlohmann::json;
namespace schedule = iommucheck::schedule;
using Calls = std::vector<std::string>;

Calls setup_calls, setup_answers;
std::vector<Calls> thread_calls;

std::vector<Span>& all_restored() {
  static std::vector<Span> spans;
  return spans;
}

void set_up() {
  kh_boot();
  setup_answers.clear();
  for (const std::string& call : setup_calls) setup_answers.push_back(execute_call(call));
}

void run_thread(void* argument) {
  for (const std::string& call : *static_cast<const Calls*>(argument)) {
    ck_call_begin(call.c_str());
    const std::string answer = execute_call(call);
    ck_call_end(answer.c_str());
  }
}

std::unique_ptr<schedule::Strategy> make_strategy(const json& request) {
  const std::string search = request.value("search", "dpor");
  const std::uint64_t seed = request.value("seed", std::uint64_t{1});
  if (search == "random") return std::make_unique<schedule::RandomWalk>(seed);
  if (search == "pct") return std::make_unique<schedule::Pct>(seed, request.value("depth", 3U));
  if (search == "replay") {
    return std::make_unique<schedule::Replay>(
        schedule::parse_schedule(request.at("schedule").get<std::string>()));
  }
  schedule::SystematicOptions options;
  options.reduction = search == "all"          ? schedule::Reduction::none
                      : search == "sleep-sets" ? schedule::Reduction::sleep_sets
                                               : schedule::Reduction::dpor;
  if (request.contains("preemptions")) options.preemptions = request["preemptions"].get<unsigned>();
  return std::make_unique<schedule::Systematic>(options);
}

json addresses(const schedule::Stack& stack) {
  json all = json::array();
  for (unsigned i = 0; i < stack.count; ++i) all.push_back(stack.pc[i]);
  return all;
}

json report_json(const schedule::Report& report, const schedule::Engine& engine) {
  return {{"kind", report.kind},
          {"message", report.message},
          {"thread", engine.paths()[report.thread]},
          {"here", addresses(report.here)},
          {"other", addresses(report.other)},
          {"allocated", addresses(report.allocated)},
          {"freed", addresses(report.freed)},
          {"schedule", report.schedule},
          {"execution", report.execution}};
}

json history_json(const schedule::History& history, const schedule::Engine& engine) {
  json calls = json::array();
  for (const auto& call : history.calls) {
    calls.push_back({{"thread", engine.paths()[call.thread]},
                     {"call", call.call},
                     {"result", call.result},
                     {"returned", call.returned},
                     {"begins_before_my_end", call.begins_before_my_end}});
  }
  return {{"calls", calls}, {"schedule", history.schedule}, {"executions", history.executions}};
}

/// Fewest switches between threads, then the shortest; as it was, where that cannot be had.
void minimise_report(const schedule::Program& program, const schedule::Report& report,
                     json& object) {
  constexpr std::uint64_t kExecutions = 3000;
  try {
    const schedule::Minimised small =
        minimise(program, schedule::parse_schedule(report.schedule), same_place(report),
                 {kExecutions, schedule::MinimiseOptions{}.steps});
    object["schedule"] = to_text(small.schedule);
    object["fewest_switches"] = small.fewest_switches;
    object["shortest"] = small.shortest;
  } catch (const std::invalid_argument&) {
    // It takes more than one execution to show it.
  }
}

json explore(const json& request) {
  setup_calls = request.value("setup", Calls{});
  thread_calls = request.value("threads", std::vector<Calls>{});
  std::size_t calls = 0;
  for (const Calls& thread : thread_calls) calls += thread.size();
  if (calls > schedule::kMaxCalls) throw std::invalid_argument{"more calls than a history holds"};
  choose_failures(request.value("failing_allocations", false));
  schedule::Program program;
  program.setup = set_up;
  for (std::size_t i = 0; i < thread_calls.size(); ++i) {
    program.threads.push_back({"CPU" + std::to_string(i), run_thread, &thread_calls[i]});
  }
  program.data.push_back(
      {__start_kh_data, static_cast<std::size_t>(__stop_kh_data - __start_kh_data)});
  for (const Span& span : restored()) program.data.push_back({span.begin, span.size});
  schedule::Limits limits;
  limits.executions = request.value("executions", limits.executions);
  limits.seconds = request.value("seconds", limits.seconds);
  limits.steps = request.value("steps", limits.steps);
  limits.stop_at_first_report = request.value("stop", false);

  watch_faults();
  json answer;
  std::vector<schedule::Report> found;
  {
    // Its heap and stacks lie at fixed addresses: the next engine needs them.
    schedule::Engine engine;
    const schedule::Statistics statistics =
        engine.explore(program, limits, [&] { return make_strategy(request); });
    found = engine.reports();
    answer = {{"executions", statistics.executions},
              {"complete", statistics.complete},
              {"abandoned", statistics.abandoned},
              {"steps", statistics.steps},
              {"longest", statistics.longest},
              {"restarts", statistics.restarts},
              {"seconds", statistics.seconds},
              {"exhausted", statistics.exhausted},
              {"setup", setup_answers},
              {"covered", covered_blocks()},
              {"reports", json::array()},
              {"histories", json::array()}};
    for (const auto& report : found) answer["reports"].push_back(report_json(report, engine));
    for (const auto& history : engine.histories().all()) {
      answer["histories"].push_back(history_json(history, engine));
    }
  }
  if (request.value("search", "dpor") != "replay") {
    for (std::size_t i = 0; i < found.size(); ++i) {
      minimise_report(program, found[i], answer["reports"][i]);
    }
  }
  return answer;
}

}  // namespace

Restored::Restored(void* begin, std::size_t size) { all_restored().push_back({begin, size}); }
const std::vector<Span>& restored() { return all_restored(); }

}  // namespace iommucheck::linux_harness::scheduled

int main(int argc, char** argv) {
  constexpr int kInternalError = 70;
  try {
    if (argc != 2) throw std::invalid_argument{"one argument: the request"};
    const std::string answer =
        iommucheck::linux_harness::scheduled::explore(nlohmann::json::parse(argv[1])).dump();
    std::puts(answer.c_str());
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return kInternalError;
  }
}
