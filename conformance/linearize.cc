// SPDX-License-Identifier: MIT
// Histories against the specification of IOASIDs, or against the code itself without concurrency.
#include "conformance/linearize.h"

#include <algorithm>

#include "conformance/order_search.h"

namespace iommucheck::conformance {
namespace {

/// The specification of IOASIDs.
class BySpecification {
 public:
  using State = ioasid::Oracle::Snapshot;
  BySpecification(ioasid::Oracle& oracle, std::span<const ConcurrentCall> calls)
      : oracle_{oracle}, calls_{calls} {}

  std::size_t calls() const { return calls_.size(); }
  CallTiming timing(std::size_t call) const {
    return {calls_[call].thread, calls_[call].begins_before_my_end};
  }
  std::size_t effects() const { return calls_.size(); }
  static std::size_t call_of(std::size_t effect) { return effect; }
  std::vector<State> first() const { return {oracle_.snapshot()}; }
  static std::vector<State> hidden(const State&) { return {}; }
  Answered<State> ask(const State& state, std::size_t call) {
    oracle_.restore(state);
    const ConcurrentCall& one = calls_[call];
    if (!oracle_.would_keep_contract(one.call)) return {.excused = true, .reason = {}, .next = {}};
    const ioasid::Judgement judgement = oracle_.judge(one.call, one.outcome);
    if (judgement.legal) return {.reason = {}, .next = {oracle_.snapshot()}};
    return {.reason = ioasid::print(one.call, one.outcome) + ": " + judgement.reason, .next = {}};
  }

 private:
  ioasid::Oracle& oracle_;
  std::span<const ConcurrentCall> calls_;
};

/// The code itself, one call after the other: a state is the order of the calls so far.
class ByItself {
 public:
  using State = std::vector<std::size_t>;
  ByItself(std::span<const SequentialAnswers> runs, std::span<const AnsweredCall> calls)
      : runs_{runs}, calls_{calls} {}

  std::size_t calls() const { return calls_.size(); }
  CallTiming timing(std::size_t call) const { return calls_[call].timing; }
  std::size_t effects() const { return calls_.size(); }
  static std::size_t call_of(std::size_t effect) { return effect; }
  static std::vector<State> first() { return {State{}}; }
  static std::vector<State> hidden(const State&) { return {}; }
  Answered<State> ask(const State& state, std::size_t call) const {
    State next = state;
    next.push_back(call);
    for (const SequentialAnswers& run : runs_) {
      if (run.results.size() < next.size() ||
          !std::equal(next.begin(), next.end(), run.order.begin())) {
        continue;
      }
      const std::string& expected = run.results[state.size()];
      if (expected == calls_[call].result) return {.reason = {}, .next = {next}};
      return {.reason = calls_[call].call + " = " + calls_[call].result + ": without concurrency " +
                        "it answers " + expected,
              .next = {}};
    }
    // A thread's calls take effect in their order, and no other order was run.
    return {.reason = calls_[call].call + ": in this order a call before it does not return",
            .next = {}};
  }

 private:
  std::span<const SequentialAnswers> runs_;
  std::span<const AnsweredCall> calls_;
};

}  // namespace

Linearization linearize(ioasid::Oracle& oracle, std::span<const ConcurrentCall> calls) {
  const auto before = oracle.snapshot();
  Linearization result = OrderSearch{BySpecification{oracle, calls}}.run();
  oracle.restore(before);
  return result;
}

Linearization linearize(std::span<const SequentialAnswers> runs,
                        std::span<const AnsweredCall> calls) {
  return OrderSearch{ByItself{runs, calls}}.run();
}

}  // namespace iommucheck::conformance
