// SPDX-License-Identifier: MIT
// One scenario: threads that make calls, and the judge of their histories.
#include "impl/ioasid/explored/explorer.h"

#include <array>
#include <cstdio>
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
std::vector<Outcome> setup_outcomes;

void set_up() {
  ioasid_clients_start(&current->world);
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
    ioasid_clients_call(&calls[i], &outcome);
    ck_call_end(
        fmt::format("{} {} {} {}", outcome.err, outcome.value, outcome.allocator, outcome.getter_on)
            .c_str());
  }
  run_thread_exit();
}

void finish() {
  ioasid_clients_finish();
  run_thread_exit();
}

Outcome parse_outcome(const std::string& text) {
  std::array<unsigned, 4> n{};
  if (std::sscanf(text.c_str(), "%u %u %u %u", n.data(), &n[1], &n[2], &n[3]) != 4)
    throw std::logic_error{"not an outcome: " + text};
  Outcome outcome{};
  outcome.err = n[0];
  outcome.value = n[1];
  outcome.allocator = n[2];
  outcome.getter_on = n[3];
  return outcome;
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
    std::string text;
    bool returned = true;
    for (const schedule::History::Call& call : history.calls) {
      returned = returned && call.returned;
      if (!returned) break;
      const auto thread = static_cast<unsigned>(std::stoul(engine.paths()[call.thread])) - 1;
      const Call made = specified(scenario.threads.at(thread).at(std::stoul(call.call)));
      const Outcome outcome = parse_outcome(call.result);
      text += fmt::format("{}CPU{}: {} -> {}", text.empty() ? "" : ", ", thread, print(made),
                          print(made, outcome));
      calls.push_back({thread, made, outcome, call.begins_before_my_end});
    }
    // A call that did not return has a report of its own.
    if (!returned) continue;
    ++result.histories;
    const conformance::Linearization found = conformance::linearize(oracle, calls);
    result.excused += found.excused;
    if (found.unexplained)
      result.unexplained.push_back({text, history.schedule, found.unexplained->reasons});
  }
}

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
