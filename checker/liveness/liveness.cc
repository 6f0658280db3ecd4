// SPDX-License-Identifier: MIT
// From a machine to the answers about its liveness properties.
#include "checker/liveness/liveness.h"

#include <chrono>
#include <stdexcept>

#include "checker/liveness/state_graph.h"

namespace iommucheck::checker {
namespace {

using liveness::StateGraph;
using liveness::StateNumber;
using liveness::StateSet;

PackedState packed(StateView state) { return {state.begin(), state.end()}; }

Lasso to_lasso(const StateGraph& g, const liveness::Assumptions& assumptions,
               const liveness::GraphLasso& found) {
  Lasso lasso;
  lasso.initial = packed(g.table[found.initial]);
  const auto steps = [&](const std::vector<liveness::Edge>& edges) {
    std::vector<PathStep> list;
    list.reserve(edges.size());
    for (const auto& e : edges) list.push_back({assumptions.id(e.action), packed(g.table[e.to])});
    return list;
  };
  lasso.stem = steps(found.stem);
  lasso.cycle = steps(found.cycle);
  return lasso;
}

/// The states in which p(which) and q(which) hold.
std::pair<StateSet, StateSet> evaluate(Machine<Concrete>& machine, const StateGraph& g,
                                       const LeadsTo<Concrete>& property, unsigned which) {
  const StateNumber n = g.graph.states();
  std::pair<StateSet, StateSet> sets{StateSet(n), StateSet(n)};
  for (StateNumber s = 0; s < n; ++s) {
    const StateView state = g.table[s];
    std::copy(state.begin(), state.end(), machine.context.words.begin());
    machine.context.begin_step();
    sets.first[s] = property.p(which).bit();
    sets.second[s] = property.q(which).bit();
  }
  return sets;
}

}  // namespace

LivenessResult check_liveness(const ConcreteFactory& factory, const LivenessOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  const auto machine = factory();
  const liveness::Assumptions assumptions(*machine, options.fairness);
  const StateGraph g = liveness::build_graph(*machine, assumptions, options);

  LivenessResult result;
  result.states = g.table.size();
  result.transitions = g.transitions;
  result.bytes_per_state = static_cast<double>(g.bytes()) /
                           static_cast<double>(std::max<std::uint64_t>(1, result.states));
  result.reason = g.stopped;
  result.verdict = g.stopped.empty() ? Verdict::holds : Verdict::unknown;
  for (std::size_t i = 0; i < machine->liveness().size(); ++i) {
    if (!machine->checks_liveness(i)) continue;
    LivenessAnswer& answer = result.answers.emplace_back();
    answer.property = i;
    if (!g.stopped.empty()) continue;
    const auto& property = machine->liveness()[i];
    answer.verdict = Verdict::holds;
    for (unsigned c = 0; c < property.cases.size() && !answer.lasso; ++c) {
      const auto [p, q] = evaluate(*machine, g, property, c);
      for (StateNumber s = 0; s < g.graph.states(); ++s) answer.pending += p[s] && !q[s] ? 1 : 0;
      const auto found = liveness::find_lasso(g.graph, p, q);
      if (!found) continue;
      answer.lasso = to_lasso(g, assumptions, *found);
      answer.lasso->property = i;
      answer.lasso->which = c;
      answer.lasso->fairness = options.fairness;
      std::string why;
      if (!replays(*factory(), *answer.lasso, &why))
        throw std::logic_error("the liveness engine found a lasso that does not replay: " + why);
      answer.verdict = result.verdict = Verdict::violated;
    }
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

}  // namespace iommucheck::checker
