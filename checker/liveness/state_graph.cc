// SPDX-License-Identifier: MIT
// Exploring a machine into a graph.
#include "checker/liveness/state_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace iommucheck::checker::liveness {

StateTable::StateTable(unsigned words) : width_(words), slots_(1U << 12) {}

std::uint64_t StateTable::bytes() const {
  return words_.capacity() * sizeof(std::uint64_t) + slots_.capacity() * sizeof(StateNumber);
}

std::uint64_t StateTable::hash(StateView state) const {
  // Multiply and fold, word by word; the constant is 2^64 divided by the golden ratio.
  std::uint64_t h = 0;
  for (const std::uint64_t word : state) {
    h = (h ^ word) * 0x9e3779b97f4a7c15U;
    h ^= h >> 32;
  }
  return h;
}

void StateTable::grow() {
  std::vector<StateNumber> larger(2 * slots_.size());
  for (StateNumber s = 0; s < size_; ++s) {
    std::size_t at = hash((*this)[s]) & (larger.size() - 1);
    while (larger[at] != 0) at = (at + 1) & (larger.size() - 1);
    larger[at] = s + 1;
  }
  slots_ = std::move(larger);
}

std::pair<StateNumber, bool> StateTable::insert(StateView state) {
  // Half full at most: probes stay short.
  if (2 * (std::size_t{size_} + 1) > slots_.size()) grow();
  std::size_t at = hash(state) & (slots_.size() - 1);
  for (; slots_[at] != 0; at = (at + 1) & (slots_.size() - 1)) {
    const StateView other = (*this)[slots_[at] - 1];
    if (std::equal(state.begin(), state.end(), other.begin())) return {slots_[at] - 1, false};
  }
  // Numbers up to 2^31 leave room for two layers in the search for stems.
  if (size_ == StateNumber{1} << 31) throw std::length_error("more than 2^31 states");
  words_.insert(words_.end(), state.begin(), state.end());
  slots_[at] = ++size_;
  return {size_ - 1, true};
}

std::uint64_t StateGraph::bytes() const {
  return table.bytes() + graph.edges.capacity() * sizeof(Edge) +
         graph.first.capacity() * sizeof(std::uint64_t);
}

namespace {

using Clock = std::chrono::steady_clock;

/// Limits are looked at once for this many states.
constexpr StateNumber kWatchEvery = 1024;

/// Takes the successors of one state into the graph.
struct Collector {
  StateGraph& result;
  const Assumptions& assumptions;
  const Machine<Concrete>& machine;
  std::uint32_t idle = 0;
  std::size_t first = 0;  ///< edge of the state at hand

  void successor(ActionId id, StateView next) {
    ++result.transitions;
    const bool was_idle = (idle >> id.process & 1U) != 0;
    const Edge edge{result.table.insert(next).first, assumptions.number(id, was_idle)};
    // Different choices may come to the same.
    auto& edges = result.graph.edges;
    if (std::find(edges.begin() + static_cast<std::ptrdiff_t>(first), edges.end(), edge) ==
        edges.end())
      edges.push_back(edge);
  }
  void violation(ActionId id, const Failure& failure, StateView) {
    const auto& step = machine.processes()[id.process].code->at(id.step);
    result.stopped = fmt::format(
        "a step violates {} ({}(): {}; {}): liveness is judged only where safety holds, so check "
        "without --liveness first",
        machine.properties().at(static_cast<std::size_t>(failure.property)).name, step.program,
        step.label, failure.detail);
  }
  /// A deadlock is a state in which runs end, and is judged as that.
  void stuck(const Failure&) {}
};

std::string limit_reached(const StateGraph& g, const LivenessOptions& options, double seconds) {
  constexpr double kMebibyte = 1 << 20;
  const auto stopped_by = [&](std::string limit, const char* option) {
    return fmt::format(
        "the graph is not complete after {} states: {} was reached: raise it with {}, or use "
        "smaller bounds",
        g.table.size(), limit, option);
  };
  if (options.states != 0 && g.table.size() > options.states)
    return stopped_by(fmt::format("the limit of {} states", options.states), "--max-states");
  if (options.memory_bytes != 0 && g.bytes() > options.memory_bytes) {
    return stopped_by(fmt::format("the limit of {:.0f} MiB of memory",
                                  static_cast<double>(options.memory_bytes) / kMebibyte),
                      "--max-memory");
  }
  if (options.seconds > 0 && seconds > options.seconds)
    return stopped_by(fmt::format("the limit of {} seconds", options.seconds), "--max-seconds");
  return "";
}

}  // namespace

StateGraph build_graph(Machine<Concrete>& machine, const Assumptions& assumptions,
                       const LivenessOptions& options) {
  const auto begin = Clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(Clock::now() - begin).count(); };
  StateGraph result{StateTable(machine.schema.words()), {}, 0, "", 0};
  FairGraph& graph = result.graph;
  graph.weak = assumptions.weak();
  graph.strong = assumptions.strong();
  for (std::uint32_t a = 0; a < assumptions.actions(); ++a)
    graph.actions.push_back(assumptions.action(a));

  initial_states(machine, [&](StateView s) {
    if (machine.context.failed()) {
      throw std::logic_error(std::string{"an initial state of the machine fails: "} +
                             machine.context.failure().detail);
    }
    const auto [number, is_new] = result.table.insert(s);
    if (is_new) graph.initial.push_back(number);
  });
  if (graph.initial.empty())
    result.stopped = "the machine has no initial state: its bounds rule every one out";
  Collector collector{result, assumptions, machine};
  PackedState state(machine.schema.words());
  for (StateNumber s = 0; s < result.table.size() && result.stopped.empty(); ++s) {
    if (s % kWatchEvery == 0 || options.states != 0)
      result.stopped = limit_reached(result, options, seconds());
    if (!result.stopped.empty()) break;
    const StateView stored = result.table[s];
    std::copy(stored.begin(), stored.end(), state.begin());
    collector.idle = idle_processes(machine, state);
    collector.first = graph.edges.size();
    expand(machine, state, collector);
    graph.first.push_back(graph.edges.size());
  }
  result.seconds = seconds();
  return result;
}

}  // namespace iommucheck::checker::liveness
