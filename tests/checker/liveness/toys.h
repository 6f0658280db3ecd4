// SPDX-License-Identifier: MIT
// Machines of a few states, whose answers are written down before they are run.
#ifndef IOMMUCHECK_TESTS_CHECKER_LIVENESS_TOYS_H
#define IOMMUCHECK_TESTS_CHECKER_LIVENESS_TOYS_H

#include <deque>
#include <memory>

#include "checker/liveness/liveness.h"

namespace iommucheck::checker {

using Truth = Bool<Concrete>;

/// Variables v(i) of 0 .. 7, and processes without program counter that are made by code.
class Toy : public Machine<Concrete> {
 public:
  explicit Toy(unsigned variables = 2) : v_(root(), "v", variables, 7U) {}

  const Var<Concrete>& v(unsigned i) const { return v_[i]; }
  /// A process whose steps are these: each goes from one value of v(i) to another.
  struct Move {
    unsigned variable, from, to;
  };
  unsigned mover(const std::vector<Move>& moves) {
    Code code;
    for (const Move& m : moves) {
      code.push_back({"toy", fmt::format("v[{}]: {} -> {}", m.variable, m.from, m.to), false, 0,
                      [this, m](unsigned) {
                        context.require(v_[m.variable] == m.from);
                        v_[m.variable] = m.to;
                      }});
    }
    return add(std::move(code));
  }
  unsigned add(Code code) {
    codes_.push_back(std::move(code));
    const auto number = static_cast<unsigned>(processes().size());
    process({fmt::format("P{}", number), number, &codes_.back(), nullptr});
    return number;
  }
  std::function<Truth()> is(unsigned i, unsigned value) {
    return [this, i, value] { return v_[i] == value; };
  }

 private:
  Array<Concrete, Var<Concrete>> v_;
  std::deque<Code> codes_;
};

/// The factory of a Toy that `build(toy)` fills.
template <class Build>
ConcreteFactory toy(Build build, unsigned variables = 2) {
  return [build, variables] {
    auto machine = std::make_unique<Toy>(variables);
    build(*machine);
    return machine;
  };
}

/// Checks, and replays what is found once more.
inline LivenessAnswer ask(const ConcreteFactory& factory, Assume assume) {
  LivenessOptions options;
  options.fairness = assume;
  const LivenessResult result = check_liveness(factory, options);
  LivenessAnswer answer = result.answers.at(0);
  if (answer.verdict != result.verdict) throw std::logic_error("two verdicts for one property");
  return answer;
}
inline Verdict verdict(const ConcreteFactory& factory, Assume assume) {
  return ask(factory, assume).verdict;
}

inline std::vector<unsigned> who(const std::vector<PathStep>& steps) {
  std::vector<unsigned> processes;
  processes.reserve(steps.size());
  for (const PathStep& step : steps) processes.push_back(step.action.process);
  return processes;
}

}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_TESTS_CHECKER_LIVENESS_TOYS_H
