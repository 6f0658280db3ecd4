// SPDX-License-Identifier: MIT
// Histories against the specification, and against the code itself without concurrency.
#include "cli/kernel_judge.h"

#include <algorithm>
#include <functional>
#include <map>
#include <memory>

#include <fmt/format.h>

#include "cli/iommufd_calls.h"
#include "cli/specification_judge.h"
#include "impl/linux/ioasid_scenarios.h"

namespace iommucheck::cli {
namespace {

using linux_harness::Exploration;
using linux_harness::Scenario;
using linux_harness::ScheduledCall;
using linux_harness::ScheduledHistory;

/// No answer: the history cannot be judged.
using Judge = std::function<std::optional<conformance::Linearization>(const ScheduledHistory&)>;

/// By the specification of IOASIDs.
Judge by_specification(const Scenario& scenario, const Exploration& exploration) {
  auto oracle = std::make_shared<ioasid::Oracle>(linux_harness::ioasid_harness_bounds());
  for (const ScheduledCall& call : exploration.setup) {
    if (!call.returned) {
      throw std::runtime_error(fmt::format("in the set-up of scenario {}, {} does not return",
                                           scenario.name, call.call.text));
    }
    const auto judgement = oracle->judge(*call.call.ioasid, *call.outcome);
    if (!judgement.legal) {
      throw std::runtime_error(
          fmt::format("the set-up of scenario {} already differs from the specification: {}: {}",
                      scenario.name, call.result, judgement.reason));
    }
  }
  return [oracle](const ScheduledHistory& history) {
    std::vector<conformance::ConcurrentCall> calls;
    for (const ScheduledCall& call : history.calls) {
      calls.push_back({call.thread, *call.call.ioasid, *call.outcome, call.begins_before_my_end});
    }
    return conformance::linearize(*oracle, calls);
  };
}

/// What counts as calls that overlap: none, those that do in every execution of the trace, or in
/// some.
enum class Beside : std::uint8_t { never, always, possibly };

/// The target says that the call may have been refused because of another one beside it.
bool is_refused(const linux_harness::Target& target, const ScheduledHistory& history,
                const ScheduledCall& call, Beside how) {
  if (how == Beside::never) return false;
  const auto bit = [&](const ScheduledCall& one) { return &one - history.calls.data(); };
  return std::ranges::any_of(history.calls, [&](const ScheduledCall& beside) {
    return beside.thread != call.thread && (beside.begins_before_my_end >> bit(call) & 1U) != 0 &&
           (how == Beside::possibly || (call.begins_before_my_end >> bit(beside) & 1U) != 0) &&
           target.may_refuse(call, beside);
  });
}

/// explain(kept) judges the history with some of its calls: without those that were not made, and
/// without as few as may be of those that were refused because of others.
template <class Explain>
std::optional<conformance::Linearization> without_refused(const linux_harness::Target& target,
                                                          const ScheduledHistory& history,
                                                          Explain explain) {
  std::optional<conformance::Linearization> result;
  for (const Beside beside : {Beside::never, Beside::always, Beside::possibly}) {
    std::vector<bool> kept;
    for (const ScheduledCall& call : history.calls) {
      kept.push_back(call.result != linux_harness::kNotMade &&
                     !is_refused(target, history, call, beside));
    }
    result = explain(kept);
    if (!result || !result->unexplained) break;
  }
  return result;
}

/// By the specification of /dev/iommu.  Both have to live as long.
Judge by_iommufd(const linux_harness::Target& target, const Exploration& exploration) {
  return [&target, &exploration](const ScheduledHistory& history) {
    return without_refused(target, history, [&](const std::vector<bool>& kept) {
      return std::optional{judge_iommufd(exploration, without_calls_not_made(history, kept))};
    });
  };
}

/// By the code itself, one call after the other.
class ByItself {
 public:
  /// `kernel` has to live as long.
  ByItself(const Scenario& scenario, linux_harness::ScheduledKernel& kernel)
      : scenario_{scenario}, kernel_{kernel} {}

  /// No answer where the calls have too many orders.
  std::optional<conformance::Linearization> operator()(const ScheduledHistory& history) {
    return without_refused(kernel_.target(), history,
                           [&](const std::vector<bool>& kept) { return compare(history, kept); });
  }

 private:
  using Made = std::vector<std::vector<bool>>;  ///< by thread and call
  Scenario scenario_;
  linux_harness::ScheduledKernel& kernel_;
  std::map<Made, std::vector<linux_harness::SequentialRun>> runs_;

  std::optional<conformance::Linearization> compare(const ScheduledHistory& history,
                                                    const std::vector<bool>& kept) {
    Made made(scenario_.threads.size());
    for (std::size_t i = 0; i < kept.size(); ++i) made[history.calls[i].thread].push_back(kept[i]);
    std::vector<conformance::AnsweredCall> calls;
    std::vector<std::vector<std::size_t>> of_thread(scenario_.threads.size());
    for (const ScheduledCall& call : without_calls_not_made(history, kept).calls) {
      of_thread[call.thread].push_back(calls.size());
      calls.push_back({{call.thread, call.begins_before_my_end}, call.call.text, call.result});
    }
    const auto& runs = runs_of(made);
    if (runs.empty()) return {};
    std::vector<conformance::SequentialAnswers> answers;
    for (const linux_harness::SequentialRun& run : runs) {
      conformance::SequentialAnswers one;
      std::vector<std::size_t> next(of_thread.size());
      for (const unsigned turn : run.turns) {
        one.order.push_back(of_thread[turn].at(next[turn]++));
      }
      one.results = run.results;
      answers.push_back(std::move(one));
    }
    return conformance::linearize(answers, calls);
  }

  /// Calls that were not made are no calls: without them.
  const std::vector<linux_harness::SequentialRun>& runs_of(const Made& made) {
    const auto known = runs_.find(made);
    if (known != runs_.end()) return known->second;
    Scenario part = scenario_;
    for (std::size_t thread = 0; thread < made.size(); ++thread) {
      std::vector<linux_harness::TargetCall> calls;
      for (std::size_t i = 0; i < made[thread].size(); ++i) {
        if (made[thread][i]) calls.push_back(scenario_.threads[thread][i]);
      }
      part.threads[thread] = std::move(calls);
    }
    return runs_[made] = kernel_.in_all_orders(part);
  }
};

}  // namespace

void judge(ScenarioRun& run, linux_harness::ScheduledKernel& kernel, bool failing_allocations) {
  std::vector<Judge> judges;
  if (&kernel.target() == &linux_harness::ioasid_target()) {
    judges.emplace_back(by_specification(run.scenario, run.exploration));
    run.by_specification = true;
  } else {
    if (auto told = telling(kernel.target(), run.scenario)) {
      judges.emplace_back(SpecificationJudge{std::move(*told), run.scenario, run.exploration});
      run.by_specification = true;
    } else if (knows_iommufd(kernel.target(), run.scenario)) {
      judges.emplace_back(by_iommufd(kernel.target(), run.exploration));
      run.by_specification = true;
    }
    // Without concurrency no allocation fails: executions where one did are not compared with it.
    if (!failing_allocations) judges.emplace_back(ByItself{run.scenario, kernel});
  }
  run.judged = !judges.empty();
  for (const ScheduledHistory& history : run.exploration.histories) {
    // A call that did not return has a report of its own.
    if (!std::all_of(history.calls.begin(), history.calls.end(),
                     [](const ScheduledCall& call) { return call.returned; })) {
      continue;
    }
    for (Judge& explain : judges) {
      auto result = explain(history);
      if (!result) {
        ++run.too_many_orders;
        break;
      }
      run.excused += result->excused;
      if (!result->unexplained) continue;
      run.unexplained.push_back({history, std::move(*result->unexplained)});
      break;
    }
  }
}

}  // namespace iommucheck::cli
