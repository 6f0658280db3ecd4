// SPDX-License-Identifier: MIT
// A search over the real-time orders of a history, with all sequential explanations of each
// followed at once.
#ifndef IOMMUCHECK_CONFORMANCE_ORDER_SEARCH_H
#define IOMMUCHECK_CONFORMANCE_ORDER_SEARCH_H

#include <algorithm>
#include <stdexcept>

#include "conformance/linearize.h"

namespace iommucheck::conformance {

/// What a reference says about an effect in a state.
template <class State>
struct Answered {
  bool excused = false;     ///< the call breaks its contract there: nothing is promised
  std::string reason;       ///< of what is not legal
  std::vector<State> next;  ///< where it may lead; empty: it is not legal
};

/// Reference: `State`; calls(), timing(call); effects() and call_of(effect): what calls do, each at
/// an instant of its own between the begin and the end of its call, those of one call in their
/// order; first(), the states before; ask(state, effect); and hidden(state): where the state may go
/// by itself at any time.
template <class Reference>
class OrderSearch {
  using State = typename Reference::State;
  /// A way to explain what has happened so far: what has taken effect, and where that leads.
  struct Explanation {
    std::uint64_t effective = 0;
    State state;
    friend bool operator==(const Explanation&, const Explanation&) = default;
  };

 public:
  explicit OrderSearch(Reference reference) : reference_{std::move(reference)} {
    if (reference_.calls() > 32) throw std::invalid_argument{"a history of more than 32 calls"};
    if (reference_.effects() > 64) throw std::invalid_argument{"a history of more than 64 effects"};
    of_call_.resize(reference_.calls());
    for (std::size_t i = 0; i < reference_.effects(); ++i)
      of_call_.at(reference_.call_of(i)) |= std::uint64_t{1} << i;
  }

  Linearization run() {
    std::vector<Explanation> all;
    for (const State& state : reference_.first()) all.push_back({0, state});
    const bool found = go_on(0, 0, all, false);
    Linearization result;
    if (found) result.unexplained = std::move(unexplained_);
    result.excused = excused_;
    return result;
  }

 private:
  Reference reference_;
  std::vector<std::uint64_t> of_call_;  ///< the effects of each call
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

  bool may_take_effect(std::size_t effect, std::uint64_t effective, std::uint32_t begun) const {
    const std::size_t call = reference_.call_of(effect);
    const std::uint64_t mine = std::uint64_t{1} << effect;
    return (begun & bit(call)) != 0 && (effective & mine) == 0 &&
           (of_call_[call] & (mine - 1) & ~effective) == 0;
  }

  static void add(std::vector<Explanation>& all, std::uint64_t effective,
                  std::vector<State> states) {
    for (State& state : states) {
      Explanation next{effective, std::move(state)};
      if (std::find(all.begin(), all.end(), next) == all.end()) all.push_back(std::move(next));
    }
  }

  /// Adds every way on in which calls that have begun take effect.
  void close(std::vector<Explanation>& all, std::uint32_t begun, std::vector<std::string>& reasons,
             bool& excused) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      add(all, all[i].effective, reference_.hidden(all[i].state));
      for (std::size_t effect = 0; effect < reference_.effects(); ++effect) {
        if (!may_take_effect(effect, all[i].effective, begun)) continue;
        auto answered = reference_.ask(all[i].state, effect);
        if (answered.excused) excused = excused_ = true;
        if (!answered.reason.empty()) reasons.push_back(std::move(answered.reason));
        add(all, all[i].effective | std::uint64_t{1} << effect, std::move(answered.next));
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
        std::erase_if(
            all, [&](const Explanation& one) { return (of_call_[call] & ~one.effective) != 0; });
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

}  // namespace iommucheck::conformance

#endif  // IOMMUCHECK_CONFORMANCE_ORDER_SEARCH_H
