// SPDX-License-Identifier: MIT
// One scenario: threads that make calls, and the judge of their histories.
#include "impl/ioasid/explored/explorer.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>

#include <fmt/format.h>

#include "checker/schedule/client.h"
#include "checker/schedule/systematic.h"
#include "conformance/linearize.h"
#include "impl/ioasid/explored/substitutes.h"
#include "spec/ioasid/oracle.h"

namespace iommucheck::ioasid::explored {
namespace {

// The engine's program has no argument of its own for the set-up.
const Scenario* current = nullptr;
bool allocations_may_fail = false, attaches_readers = false;
std::vector<Outcome> setup_outcomes;

void set_up() {
  ioasid_clients_start(&current->world);
  if (attaches_readers) {
    for (std::size_t i = 0; i < current->threads.size(); ++i) {
      act_as(static_cast<int>(i + 1));
      ioasid_clients_attach();
    }
    act_as(ck_self());
  }
  setup_outcomes.clear();
  for (const Call& call : current->setup) {
    ioasid_clients_call(&call, &setup_outcomes.emplace_back());
  }
}

void run_calls(void* argument) {
  const auto& calls = *static_cast<const std::vector<Call>*>(argument);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    ck_call_begin(std::to_string(i).c_str());
    Outcome outcome;
    if (allocations_may_fail) let_allocations_fail();
    try {
      ioasid_clients_call(&calls[i], &outcome);
    } catch (const std::exception& error) {
      ck_report_fatal("exception", error.what());
    }
    const bool failed = allocations_may_fail && allocations_failed();
    ck_call_end(fmt::format("{} {} {} {} {}", outcome.err, outcome.value, outcome.allocator,
                            outcome.getter_on, failed ? 1 : 0)
                    .c_str());
  }
  run_thread_exit();
}

void finish() {
  ioasid_clients_finish();
  run_thread_exit();
}

struct Answer {
  Outcome outcome{};
  bool allocation_failed = false;
};

Answer parse_answer(const std::string& text) {
  std::array<unsigned, 5> n{};
  if (std::sscanf(text.c_str(), "%u %u %u %u %u", n.data(), &n[1], &n[2], &n[3], &n[4]) != 5)
    throw std::logic_error{"not an answer: " + text};
  Answer answer{.allocation_failed = n[4] != 0};
  Outcome& outcome = answer.outcome;
  outcome.err = n[0];
  outcome.value = n[1];
  outcome.allocator = n[2];
  outcome.getter_on = n[3];
  return answer;
}

/// attach_spid may answer -ENOMEM, of which the specification knows nothing (its source allocates
/// nothing there): that has to be as if the call had not been made.
bool counts_as_not_made(const Call& call, const Answer& answer) {
  return call.kind == CallKind::attach_spid && answer.allocation_failed &&
         answer.outcome.err == static_cast<std::uint32_t>(Err::enomem);
}

/// Takes the calls with these numbers out, and tells the others of it.
void take_out(std::vector<conformance::ConcurrentCall>& calls,
              const std::vector<std::size_t>& ascending) {
  for (auto number = ascending.rbegin(); number != ascending.rend(); ++number) {
    calls.erase(calls.begin() + static_cast<std::ptrdiff_t>(*number));
    const std::uint32_t below = (std::uint32_t{1} << *number) - 1;
    for (conformance::ConcurrentCall& call : calls) {
      std::uint32_t& bits = call.begins_before_my_end;
      bits = (bits & below) | (bits >> 1U & ~below);
    }
  }
}

/// What the specification sees of a call: `take` is the specification's own with find_by_spid only,
/// and `callback` with alloc.
Call specified(Call call) {
  if (call.kind != CallKind::find_by_spid) call.args.take = 0;
  if (call.kind != CallKind::alloc) call.args.callback = 0;
  return call;
}

void check_numbers(const Scenario& scenario) {
  const World& world = scenario.world;
  const auto refuse = [&](const char* what) {
    throw std::invalid_argument{fmt::format("scenario {}: {}", scenario.name, what)};
  };
  if (world.ids == 0 || world.ids > kMaxIds || world.sets > kMaxSets)
    refuse("too many ids or sets");
  if (scenario.threads.empty() || scenario.threads.size() > kMaxClients)
    refuse("1 to 4 threads are needed");
  std::size_t calls = 0;
  const auto check = [&](const Call& call) {
    const auto& args = call.args;
    ++calls;
    if (args.id >= kMaxIds || args.set > world.sets || args.data > kMaxData ||
        args.client >= kMaxClients || args.ops > kMaxOps || args.spid > kMaxSpids ||
        args.token > kMaxData || args.take > kMaxData)
      refuse("a call names what the world does not have");
  };
  for (const auto& thread : scenario.threads) {
    for (const Call& call : thread) check(call);
  }
  if (calls > schedule::kMaxCalls) refuse("more calls than a history holds");
  for (const Call& call : scenario.setup) check(call);
}

/// The specification behind the set-up.
Oracle oracle_after_setup(const Scenario& scenario) {
  Oracle oracle{bounds_of(scenario.world)};
  for (std::size_t i = 0; i < scenario.setup.size(); ++i) {
    const Call call = specified(scenario.setup[i]);
    const Judgement judgement = oracle.judge(call, setup_outcomes.at(i));
    if (judgement.legal) continue;
    throw std::runtime_error{fmt::format("in the set-up of {}, {} -> {}: {}", scenario.name,
                                         print(call), print(call, setup_outcomes[i]),
                                         judgement.reason)};
  }
  return oracle;
}

void judge(const Scenario& scenario, const schedule::Engine& engine,
           const std::vector<schedule::History>& histories, Result& result) {
  Oracle oracle = oracle_after_setup(scenario);
  for (const schedule::History& history : histories) {
    std::vector<conformance::ConcurrentCall> calls;
    std::vector<std::size_t> not_made;
    std::string text;
    bool returned = true, memory_failed = false;
    for (const schedule::History::Call& call : history.calls) {
      returned = returned && call.returned;
      if (!returned) break;
      const auto thread = static_cast<unsigned>(std::stoul(engine.paths()[call.thread])) - 1;
      Call made = specified(scenario.threads.at(thread).at(std::stoul(call.call)));
      const Answer answer = parse_answer(call.result);
      const Outcome& outcome = answer.outcome;
      memory_failed |= answer.allocation_failed;
      if (counts_as_not_made(made, answer)) not_made.push_back(calls.size());
      // Who goes on without the memory has to do what it does with it.
      const bool says_so = outcome.err == static_cast<std::uint32_t>(Err::enomem);
      if (answer.allocation_failed && says_so) made.args.nomem = 1;
      text += fmt::format("{}CPU{}: {} -> {}", text.empty() ? "" : ", ", thread, print(made),
                          print(made, outcome));
      calls.push_back({thread, made, outcome, call.begins_before_my_end});
    }
    // A call that did not return has a report of its own.
    if (!returned) continue;
    ++result.histories;
    result.without_memory += memory_failed ? 1 : 0;
    take_out(calls, not_made);
    const conformance::Linearization found = conformance::linearize(oracle, calls);
    result.excused += found.excused;
    if (found.unexplained)
      result.unexplained.push_back({text, history.schedule, found.unexplained->reasons});
  }
}

/// An exception where none may be is a report of the thread that throws it.
class Terminating {
 public:
  Terminating() : before_{std::set_terminate(report)} {}
  ~Terminating() { std::set_terminate(before_); }
  Terminating(const Terminating&) = delete;
  Terminating& operator=(const Terminating&) = delete;

 private:
  [[noreturn]] static void report() {
    ck_report_fatal("exception", "it leaves a function that is noexcept");
    std::abort();  // it was no thread of the engine's
  }
  std::terminate_handler before_;
};

}  // namespace

Bounds bounds_of(const World& world) {
  Bounds bounds;
  bounds.ids = world.ids;
  bounds.sets = world.sets;
  bounds.data = kMaxData;
  bounds.clients = kMaxClients;
  bounds.ops = kMaxOps;
  bounds.spids = kMaxSpids;
  bounds.tokens = world.static_sets ? 0 : kMaxData;
  bounds.capacity = world.static_sets ? world.ids : world.capacity;
  bounds.static_sets = world.static_sets;
  return bounds;
}

Result explore(const Scenario& scenario, const Options& options) {
  check_numbers(scenario);
  current = &scenario;
  allocations_may_fail = options.failing_allocations;
  attaches_readers = options.failing_allocations && options.attach_readers;
  const Terminating terminating;
  schedule::Program program;
  program.setup = set_up;
  program.finish = finish;
  for (std::size_t i = 0; i < scenario.threads.size(); ++i) {
    program.threads.push_back(
        {fmt::format("CPU{}", i), run_calls,
         const_cast<std::vector<Call>*>(&scenario.threads[i])});  // NOLINT: only read
  }
  std::array<ioasid_clients_region, 8> regions{};
  const unsigned count = ioasid_clients_data(regions.data(), regions.size());
  if (count > regions.size()) throw std::logic_error{"more static data than expected"};
  for (unsigned i = 0; i < count; ++i) program.data.push_back({regions[i].begin, regions[i].size});
  const Span locals = thread_locals();
  program.data.push_back({locals.begin, locals.size});

  Result result;
  schedule::Engine engine;
  schedule::Engine::Atomics atomics;
  atomics.weakened = options.weakened;
  atomics.dropped = options.dropped;
  engine.watch_atomics(&atomics);
  const MakeStrategy dpor = [&] {
    return std::make_unique<schedule::Systematic>(
        schedule::SystematicOptions{schedule::Reduction::dpor, scenario.preemptions, {}});
  };
  result.statistics =
      engine.explore(program, options.limits, options.strategy ? options.strategy : dpor);
  judge(scenario, engine, engine.histories().all(), result);
  result.reports = engine.reports();
  for (const auto& [pc, site] : atomics.seen)
    result.sites.push_back({pc, site.write, site.order.acquire, site.order.release});
  return result;
}

}  // namespace iommucheck::ioasid::explored
