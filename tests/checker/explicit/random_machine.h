// SPDX-License-Identifier: MIT
// Small machines made up from a seed.
#ifndef IOMMUCHECK_TESTS_CHECKER_EXPLICIT_RANDOM_MACHINE_H
#define IOMMUCHECK_TESTS_CHECKER_EXPLICIT_RANDOM_MACHINE_H

#include <deque>
#include <random>

#include "tests/checker/explicit/machines.h"

namespace iommucheck::checker {

template <class D>
class RandomMachine : public Machine<D> {
 public:
  explicit RandomMachine(unsigned seed)
      : random_(seed),
        scope_(this->root()),
        padding_(scope_, "padding", 4 * wide(), 0x3fffU),
        top_(1 + pick(4)),
        variables_(2 + pick(3)),
        v_(scope_, "v", variables_, top_),
        processes_(1 + pick(3)),
        steps_(2 + pick(3)) {
    declare_properties();
    codes_.resize(1 + pick(2));
    for (Code& code : codes_) {
      const bool counted = pick(3) != 0;
      counted_.push_back(counted);
      for (unsigned s = 0; s < steps_; ++s) {
        code.push_back(
            {"random", fmt::format("{}", s), s == 0 || pick(3) == 0, pick(steps_ + 1), rule()});
      }
    }
    for (unsigned p = 0; p < processes_; ++p) {
      const std::size_t c = pick(static_cast<unsigned>(codes_.size()));
      pc_.emplace_back(scope_, fmt::format("pc[{}]", p), steps_);
      this->process({fmt::format("p{}", p), p, &codes_[c], counted_[c] ? &pc_.back() : nullptr});
    }
    const unsigned starts = 1 + pick(3);
    this->initial = [this, starts] { v_[0U] = this->context.choose(std::min(starts, top_)); };
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
    failure_ = this->property("no failure", "No step fails.");
    if (pick(3) == 0) {
      const unsigned a = pick(variables_), b = pick(variables_), x = pick(top_ + 1);
      this->property("invariant", fmt::format("v[{}] and v[{}] are not both {}.", a, b, x),
                     [=, this] { return !(v_[a] == x && v_[b] == x); });
    }
    if (pick(2) == 0) {
      this->deadlock = this->property("deadlock", "Somebody can always go on.");
      const unsigned a = pick(variables_);
      this->may_rest = [this, a] { return v_[a] != 0U; };
    }
  }

  std::function<void(unsigned)> rule() {
    const unsigned guard = pick(variables_), closed = pick(top_ + 2), waits = pick(8);
    const bool wait = pick(3) == 0;
    const unsigned target = pick(variables_), add = pick(top_ + 1);
    const unsigned choices = pick(3) == 0 ? 2 : 1;
    // Sometimes the value leaves its range, and sometimes a choice depends on the state.
    const bool wrap = choices > 1 || pick(30) != 0;
    const bool can_fail = pick(6) == 0;
    const bool choose_late = pick(4) == 0;
    const unsigned a = pick(variables_), b = pick(variables_), x = pick(top_ + 1);
    return [=, this](unsigned self) {
      auto& ctx = this->context;
      const Bool<D> open = v_[(guard + self) % variables_] != closed;
      if (wait) {
        ctx.wait_for(open, waits);
      } else {
        ctx.require(open);
      }
      const Val<D> chosen = ctx.choose(choices);
      if (can_fail) {
        ctx.fail_unless(!(v_[a] == x && v_[b] == x) || chosen != 0U, failure_, "it fails");
      }
      const Val<D> value = v_[target].value() + add + chosen;
      if (wrap) {
        v_[target] = select(value > top_, value - (top_ + 1), value);
      } else {
        v_[target] = value;
      }
      if (choose_late) ctx.when(v_[a] == x, [&] { v_[b] = ctx.choose(2); });
    };
  }

  std::mt19937 random_;
  Scope<D> scope_;
  Array<D, Var<D>> padding_;
  unsigned top_, variables_;
  Array<D, Var<D>> v_;
  unsigned processes_, steps_;
  std::deque<Var<D>> pc_;
  PropertyId failure_{};
  std::vector<Code> codes_;
  std::vector<bool> counted_;
};

}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_TESTS_CHECKER_EXPLICIT_RANDOM_MACHINE_H
