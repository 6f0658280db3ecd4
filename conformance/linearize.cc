// SPDX-License-Identifier: MIT
// A search over real-time orders, with all sequential explanations of each followed at once.
#include "conformance/linearize.h"

#include <algorithm>
#include <stdexcept>

namespace iommucheck::conformance {
namespace {

using ioasid::Judgement;
using ioasid::Oracle;
using Snapshot = Oracle::Snapshot;

/// A way to explain what has happened so far: which calls have taken effect, and where that leads.
struct Explanation {
  std::uint32_t effective = 0;
  Snapshot state;
  friend bool operator==(const Explanation&, const Explanation&) = default;
};

class OrderSearch {
 public:
  OrderSearch(Oracle& oracle, std::span<const ConcurrentCall> calls)
      : oracle_{oracle}, calls_{calls} {}

  Linearization run() {
    std::vector<Explanation> all{{0, oracle_.snapshot()}};
    const Snapshot before = all.front().state;
    const bool found = go_on(0, 0, all, false);
    oracle_.restore(before);
    Linearization result;
    if (found) result.unexplained = std::move(unexplained_);
    result.excused = excused_;
    return result;
  }

 private:
  Oracle& oracle_;
  std::span<const ConcurrentCall> calls_;
  Unexplained unexplained_;
  bool excused_ = false;

  static std::uint32_t bit(std::size_t call) { return std::uint32_t{1} << call; }

  bool may_begin(std::size_t call, std::uint32_t begun, std::uint32_t ended) const {
    if ((begun & bit(call)) != 0) return false;
    for (std::size_t other = 0; other < call; ++other) {
      if (calls_[other].thread == calls_[call].thread && (ended & bit(other)) == 0) return false;
    }
    return true;
  }

  bool may_end(std::size_t call, std::uint32_t begun, std::uint32_t ended) const {
    const std::uint32_t first = calls_[call].begins_before_my_end & ~bit(call);
    return (begun & bit(call)) != 0 && (ended & bit(call)) == 0 && (first & ~begun) == 0;
  }

  /// Adds every way on in which calls that have begun take effect.
  void close(std::vector<Explanation>& all, std::uint32_t begun, std::vector<std::string>& reasons,
             bool& excused) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      for (std::size_t call = 0; call < calls_.size(); ++call) {
        if ((begun & bit(call)) == 0 || (all[i].effective & bit(call)) != 0) continue;
        oracle_.restore(all[i].state);
        if (!oracle_.would_keep_contract(calls_[call].call)) {
          excused = excused_ = true;
          continue;
        }
        const Judgement judgement = oracle_.judge(calls_[call].call, calls_[call].outcome);
        if (!judgement.legal) {
          reasons.push_back(ioasid::print(calls_[call].call, calls_[call].outcome) + ": " +
                            judgement.reason);
          continue;
        }
        Explanation next{all[i].effective | bit(call), oracle_.snapshot()};
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
      for (std::size_t call = 0; call < calls_.size(); ++call) {
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
    for (std::size_t call = 0; call < calls_.size(); ++call) {
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

Linearization linearize(Oracle& oracle, std::span<const ConcurrentCall> calls) {
  if (calls.size() > 32) throw std::invalid_argument{"a history of more than 32 calls"};
  return OrderSearch{oracle, calls}.run();
}

}  // namespace iommucheck::conformance
