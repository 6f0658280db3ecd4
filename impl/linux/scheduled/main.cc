// SPDX-License-Identifier: MIT
// The scheduled runner: explores one scenario of a target and writes what it found as JSON.
//
// The request is the only argument, a JSON object:
//   "setup": [call...], "threads": [[call...]...], "search": "dpor" | "sleep-sets" | "all" |
//   "random" | "pct" | "replay", "preemptions": N or absent, "executions", "seconds", "steps",
//   "seed", "depth" (of pct), "schedule" (of replay), "failing_allocations": bool, "stop": bool,
//   "minimise": bool
// or with "orders" in place of a search: [[thread...]...]: the calls of the threads, one after the
// other; each number says whose turn it is.
// Exit codes: 0: the answer is on standard output; 70: it says on standard error why not.
#include <cstdio>
#include <exception>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "checker/schedule/client.h"
#include "checker/schedule/engine.h"
#include "checker/schedule/minimise.h"
#include "checker/schedule/random.h"
#include "checker/schedule/replay.h"
#include "checker/schedule/systematic.h"
#include "impl/linux/scheduled/contexts.h"
#include "impl/linux/scheduled/program.h"

// The kernel objects' static data, as the builder lays it out.
extern "C" char __start_kh_data[], __stop_kh_data[];  // NOLINT(bugprone-reserved-identifier)

// What targets with a table of calls give; null in others.
extern "C" {
#include "impl/linux/glue/target.h"
// NOLINTBEGIN(readability-redundant-declaration): weak is what they add
extern const kh_call kh_calls[] __attribute__((weak));
void kh_target_start(unsigned) __attribute__((weak));
void kh_target_finish() __attribute__((weak));
// NOLINTEND(readability-redundant-declaration)
}

namespace iommucheck::linux_harness::scheduled {
namespace {

using nlohmann::json;
namespace schedule = iommucheck::schedule;
using Calls = std::vector<std::string>;

struct ThreadCalls {
  unsigned number = 0;  ///< 1 ..
  Calls calls;
};
Calls setup_calls, setup_answers;
std::vector<ThreadCalls> threads;
/// Turns of threads, taken behind the set-up; what the calls answered.
std::vector<unsigned> turns;
Calls turn_answers;

std::vector<Span>& all_restored() {
  static std::vector<Span> spans;
  return spans;
}

Executor& executor() {
  static Executor registered = nullptr;
  return registered;
}

/// Of a target with a table: "value nomem", or "-" for a call that was not made.
std::string make_call(const std::string& name, unsigned thread) {
  for (const kh_call* call = kh_calls; call != nullptr && call->name != nullptr; ++call) {
    if (name != call->name) continue;
    fail_allocations(0);
    const long value = call->make(thread);
    return value == KH_NOT_MADE ? "-" : fmt::format("{} {:d}", value, allocation_failed());
  }
  ck_report_fatal("scenario", ("the target has no call " + name).c_str());
  return {};
}

std::string execute_call(const std::string& call, unsigned thread) {
  return executor() != nullptr ? executor()(call, thread) : make_call(call, thread);
}

void set_up() {
  kh_boot();
  setup_answers.clear();
  for (const std::string& call : setup_calls) setup_answers.push_back(execute_call(call, 0));
  if (kh_target_start != nullptr) kh_target_start(static_cast<unsigned>(threads.size()));
  turn_answers.clear();
  std::vector<std::size_t> next(threads.size());
  for (const unsigned turn : turns) {
    const ThreadCalls& thread = threads[turn];
    turn_answers.push_back(execute_call(thread.calls[next[turn]++], thread.number));
  }
}

void run_thread(void* argument) {
  const auto& thread = *static_cast<const ThreadCalls*>(argument);
  if (thread.number == 1) start_actors();
  for (const std::string& call : thread.calls) {
    ck_call_begin(call.c_str());
    const std::string answer = execute_call(call, thread.number);
    ck_call_end(answer.c_str());
  }
}

void finish() {
  if (kh_target_finish != nullptr) kh_target_finish();
  end_timers();
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

constexpr schedule::MinimiseOptions kMinimise{.executions = 3000};

json small_json(const schedule::Minimised& small) {
  return {{"schedule", to_text(small.schedule)},
          {"fewest_switches", small.fewest_switches},
          {"shortest", small.shortest}};
}

/// Fewest switches between threads, then the shortest; as it was, where that cannot be had.
void minimise_report(const schedule::Program& program, const schedule::Report& report,
                     json& object) {
  try {
    object.update(small_json(minimise(program, schedule::parse_schedule(report.schedule),
                                      same_place(report), kMinimise)));
  } catch (const std::invalid_argument&) {
    // It takes more than one execution to show it.
  }
}

/// The set-up, and the data that each execution finds as it was; no threads.
schedule::Program read_program(const json& request) {
  setup_calls = request.value("setup", Calls{});
  std::size_t calls = 0;
  for (const json& thread : request.value("threads", json::array())) {
    threads.push_back({static_cast<unsigned>(threads.size() + 1), thread.get<Calls>()});
    calls += thread.size();
  }
  if (calls > schedule::kMaxCalls) throw std::invalid_argument{"more calls than a history holds"};
  schedule::Program program;
  program.setup = set_up;
  program.finish = finish;
  program.data.push_back(
      {__start_kh_data, static_cast<std::size_t>(__stop_kh_data - __start_kh_data)});
  for (const Span& span : restored()) program.data.push_back({span.begin, span.size});
  return program;
}

/// What the calls answer one after the other, in each of the orders.
json in_orders(const json& request) {
  const schedule::Program program = read_program(request);
  watch_faults();
  json answers = json::array();
  for (const json& order : request.at("orders")) {
    turns = order.get<std::vector<unsigned>>();
    turn_answers.clear();
    schedule::Engine engine;
    engine.explore(program, {}, [] {
      return std::make_unique<schedule::Systematic>(schedule::SystematicOptions{});
    });
    answers.push_back(turn_answers);
  }
  return answers;
}

schedule::Program read_threads(const json& request) {
  schedule::Program program = read_program(request);
  choose_failures(request.value("failing_allocations", false));
  for (ThreadCalls& thread : threads) {
    program.threads.push_back({"CPU" + std::to_string(thread.number - 1), run_thread, &thread});
  }
  watch_faults();
  return program;
}

/// What a schedule answers, by the smallest that does.
json minimise_answers(const json& request) {
  const schedule::Program program = read_threads(request);
  schedule::Minimised small;
  small.schedule = schedule::parse_schedule(request.at("history").get<std::string>());
  try {
    small = minimise_history(program, small.schedule, kMinimise);
  } catch (const std::invalid_argument&) {
    // It is longer than executions are here.
  }
  return small_json(small);
}

json explore(const json& request) {
  const schedule::Program program = read_threads(request);
  schedule::Limits limits;
  limits.executions = request.value("executions", limits.executions);
  limits.seconds = request.value("seconds", limits.seconds);
  limits.steps = request.value("steps", limits.steps);
  limits.stop_at_first_report = request.value("stop", false);

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
              {"followed", followed_blocks()},
              {"reports", json::array()},
              {"histories", json::array()}};
    for (const auto& report : found) answer["reports"].push_back(report_json(report, engine));
    for (const auto& history : engine.histories().all()) {
      answer["histories"].push_back(history_json(history, engine));
    }
  }
  if (request.value("search", "dpor") != "replay" && request.value("minimise", true)) {
    for (std::size_t i = 0; i < found.size(); ++i) {
      minimise_report(program, found[i], answer["reports"][i]);
    }
  }
  return answer;
}

}  // namespace

RegisteredExecutor::RegisteredExecutor(Executor registered) { executor() = registered; }

unsigned scenario_threads() { return static_cast<unsigned>(threads.size()); }

Restored::Restored(void* begin, std::size_t size) { all_restored().push_back({begin, size}); }
const std::vector<Span>& restored() { return all_restored(); }

}  // namespace iommucheck::linux_harness::scheduled

int main(int argc, char** argv) {
  constexpr int kInternalError = 70;
  try {
    if (argc != 2) throw std::invalid_argument{"one argument: the request"};
    namespace scheduled = iommucheck::linux_harness::scheduled;
    const auto request = nlohmann::json::parse(argv[1]);
    const auto answer = request.contains("orders")    ? scheduled::in_orders(request)
                        : request.contains("history") ? scheduled::minimise_answers(request)
                                                      : scheduled::explore(request);
    std::puts(answer.dump().c_str());
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return kInternalError;
  }
}
