// SPDX-License-Identifier: MIT
// A search over real-time orders, with all sequential explanations of each followed at once.
#include "conformance/linearize.h"

#include <algorithm>
#include <stdexcept>

namespace iommucheck::conformance {
namespace {

/// What a reference says about a call that takes effect in a state.
template <class State>
struct Answered {
  bool legal = false;
  bool excused = false;  ///< the call breaks its contract there: nothing is promised
  std::string reason;    ///< of what is not legal
  State next;
};

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
  State first() const { return oracle_.snapshot(); }
  Answered<State> ask(const State& state, std::size_t call) {
    oracle_.restore(state);
    const ConcurrentCall& one = calls_[call];
    if (!oracle_.would_keep_contract(one.call)) return {.excused = true, .reason = {}, .next = {}};
    const ioasid::Judgement judgement = oracle_.judge(one.call, one.outcome);
    if (judgement.legal) return {.legal = true, .reason = {}, .next = oracle_.snapshot()};
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
  static State first() { return {}; }
  Answered<State> ask(const State& state, std::size_t call) const {
    State next = state;
    next.push_back(call);
    for (const SequentialAnswers& run : runs_) {
      if (run.results.size() < next.size() ||
          !std::equal(next.begin(), next.end(), run.order.begin())) {
        continue;
      }
      const std::string& expected = run.results[state.size()];
      if (expected == calls_[call].result) return {.legal = true, .reason = {}, .next = next};
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

template <class Reference>
class OrderSearch {
  using State = typename Reference::State;
  /// A way to explain what has happened so far: which calls have taken effect, and where that
  /// leads.
  struct Explanation {
    std::uint32_t effective = 0;
    State state;
    friend bool operator==(const Explanation&, const Explanation&) = default;
  };

 public:
  explicit OrderSearch(Reference reference) : reference_{std::move(reference)} {}

  Linearization run() {
    std::vector<Explanation> all{{0, reference_.first()}};
    const bool found = go_on(0, 0, all, false);
    Linearization result;
    if (found) result.unexplained = std::move(unexplained_);
    result.excused = excused_;
    return result;
  }

 private:
  Reference reference_;
  Unexplained unexplained_;
  bool excused_ = false;

  static std::uint32_t bit(std::size_t call) { return std::uint32_t{1} << call; }

  bool may_begin(std::size_t call, std::uint32_t begun, std::uint32_t ended) const {
    if ((begun & bit(call)) != 0) return false;
    for (std::size_t other = 0; other < call; ++other) {
      const bool same = reference_.timing(other).thread == reference_.timing(call).thread;
      if (same && (ended & bit(other)) == 0) return false;
    }
    return true;
  }

  bool may_end(std::size_t call, std::uint32_t begun, std::uint32_t ended) const {
    const std::uint32_t first = reference_.timing(call).begins_before_my_end & ~bit(call);
    return (begun & bit(call)) != 0 && (ended & bit(call)) == 0 && (first & ~begun) == 0;
  }

  /// Adds every way on in which calls that have begun take effect.
  void close(std::vector<Explanation>& all, std::uint32_t begun, std::vector<std::string>& reasons,
             bool& excused) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      for (std::size_t call = 0; call < reference_.calls(); ++call) {
        if ((begun & bit(call)) == 0 || (all[i].effective & bit(call)) != 0) continue;
        auto answered = reference_.ask(all[i].state, call);
        if (answered.excused) {
          excused = excused_ = true;
          continue;
        }
        if (!answered.legal) {
          reasons.push_back(std::move(answered.reason));
          continue;
        }
        Explanation next{all[i].effective | bit(call), std::move(answered.next)};
        if (std::find(all.begin(), all.end(), next) == all.end()) all.push_back(std::move(next));
      }
    }
  }

  /// Whether some real-time order from here on is not explained.
  bool go_on(std::uint32_t begun, std::uint32_t ended, std::vector<Explanation> all, bool excused) {
    const std::size_t mark = unexplained_.order.size();
    // A call that can end ends: that is the hardest order, since it may take effect no later.
    for (bool again = true; again;) {
      again = false;
      for (std::size_t call = 0; call < reference_.calls(); ++call) {
        if (!may_end(call, begun, ended)) continue;
        std::vector<std::string> reasons;
        close(all, begun, reasons, excused);
        std::erase_if(all,
                      [&](const Explanation& one) { return (one.effective & bit(call)) == 0; });
        ended |= bit(call);
        unexplained_.order.push_back({call, false});
        if (all.empty()) {
          if (excused) {
            unexplained_.order.resize(mark);
            return false;
          }
          std::sort(reasons.begin(), reasons.end());
          reasons.erase(std::unique(reasons.begin(), reasons.end()), reasons.end());
          unexplained_.reasons = std::move(reasons);
          return true;
        }
        again = true;
      }
    }
    for (std::size_t call = 0; call < reference_.calls(); ++call) {
      if (!may_begin(call, begun, ended)) continue;
      unexplained_.order.push_back({call, true});
      if (go_on(begun | bit(call), ended, all, excused)) return true;
      unexplained_.order.pop_back();
    }
    unexplained_.order.resize(mark);
    return false;
  }
};

}  // namespace

Linearization linearize(ioasid::Oracle& oracle, std::span<const ConcurrentCall> calls) {
  if (calls.size() > 32) throw std::invalid_argument{"a history of more than 32 calls"};
  const auto before = oracle.snapshot();
  Linearization result = OrderSearch{BySpecification{oracle, calls}}.run();
  oracle.restore(before);
  return result;
}

Linearization linearize(std::span<const SequentialAnswers> runs,
                        std::span<const AnsweredCall> calls) {
  if (calls.size() > 32) throw std::invalid_argument{"a history of more than 32 calls"};
  return OrderSearch{ByItself{runs, calls}}.run();
}

}  // namespace iommucheck::conformance
