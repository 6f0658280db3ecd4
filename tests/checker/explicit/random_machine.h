// SPDX-License-Identifier: MIT
// Small machines made up from a seed.
#ifndef IOMMUCHECK_TESTS_CHECKER_EXPLICIT_RANDOM_MACHINE_H
#define IOMMUCHECK_TESTS_CHECKER_EXPLICIT_RANDOM_MACHINE_H

#include <random>

#include "tests/checker/explicit/machines.h"

namespace iommucheck::checker {

class RandomMachine : public Machine<Concrete> {
 public:
  explicit RandomMachine(unsigned seed) : random_(seed) {
    padding_ = std::make_unique<Numbers>(root(), "padding", 4 * wide(), 0x3fffU);
    top_ = 1 + pick(4);
    variables_ = 2 + pick(3);
    variable_ = std::make_unique<Numbers>(root(), "v", variables_, top_);
    const unsigned processes = 1 + pick(3);
    const unsigned steps = 2 + pick(3);
    pc_ = std::make_unique<Numbers>(root(), "pc", processes, 2 * steps);
    declare_properties();
    codes_.resize(1 + pick(2));
    for (Code& code : codes_) {
      const bool counted = pick(3) != 0;
      counted_.push_back(counted);
      for (unsigned s = 0; s < steps; ++s) {
        code.push_back(
            {"random", fmt::format("{}", s), s == 0 || pick(3) == 0, pick(steps + 1), rule()});
      }
    }
    for (unsigned p = 0; p < processes; ++p) {
      const std::size_t c = pick(static_cast<unsigned>(codes_.size()));
      process({fmt::format("p{}", p), p, &codes_[c], counted_[c] ? &(*pc_)[p] : nullptr});
    }
    const unsigned starts = 1 + pick(3);
    initial = [this, starts] { (*variable_)[0] = context.choose(std::min(starts, top_)); };
  }

 private:
  unsigned pick(unsigned n) { return static_cast<unsigned>(random_() % n); }
  unsigned wide() {
    switch (pick(4)) {
      case 0: return 1;
      case 1: return 2 + pick(5);
      case 2: return 9;
      default: return 0;
    }
  }

  void declare_properties() {
    failure_ = property("no failure", "No step fails.");
    if (pick(3) == 0) {
      const unsigned a = pick(variables_), b = pick(variables_), x = pick(top_ + 1);
      property("invariant", fmt::format("v[{}] and v[{}] are not both {}.", a, b, x),
               [=, this] { return !((*variable_)[a] == x && (*variable_)[b] == x); });
    }
    if (pick(2) == 0) {
      deadlock = property("deadlock", "Somebody can always go on.");
      const unsigned a = pick(variables_);
      may_rest = [this, a] { return (*variable_)[a] != 0U; };
    }
  }

  std::function<void(unsigned)> rule() {
    const unsigned guard = pick(variables_), closed = pick(top_ + 2), waits = pick(8);
    const bool wait = pick(3) == 0;
    const unsigned target = pick(variables_), add = pick(top_ + 1);
    const unsigned choices = pick(3) == 0 ? 2 : 1;
    // Sometimes the value leaves its range.
    const bool wrap = choices > 1 || pick(30) != 0;
    const bool can_fail = pick(6) == 0;
    const unsigned a = pick(variables_), b = pick(variables_), x = pick(top_ + 1);
    return [=, this](unsigned self) {
      const Numbers& v = *variable_;
      const auto open = v[(guard + self) % variables_] != closed;
      if (wait) {
        context.wait_for(open, waits);
      } else {
        context.require(open);
      }
      const unsigned chosen = context.choose(choices).word();
      if (can_fail) {
        context.fail_unless(!(v[a] == x && v[b] == x) || chosen != 0, failure_, "it fails");
      }
      const unsigned value = v[target].value().word() + add + chosen;
      v[target] = wrap ? value % (top_ + 1) : value;
    };
  }

  std::mt19937 random_;
  std::unique_ptr<Numbers> padding_, variable_, pc_;
  unsigned top_ = 1, variables_ = 1;
  PropertyId failure_{};
  std::vector<Code> codes_;
  std::vector<bool> counted_;
};

}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_TESTS_CHECKER_EXPLICIT_RANDOM_MACHINE_H
