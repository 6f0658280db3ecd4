// SPDX-License-Identifier: MIT
// Small machines whose answers are known.
#ifndef IOMMUCHECK_TESTS_CHECKER_EXPLICIT_MACHINES_H
#define IOMMUCHECK_TESTS_CHECKER_EXPLICIT_MACHINES_H

#include <memory>

#include "checker/report.h"

namespace iommucheck::checker {

using Number = Var<Concrete>;
using Numbers = Array<Concrete, Number>;

/// The factory of a machine, from the arguments of its constructor.
template <class M, class... Args>
ConcreteFactory make(Args... args) {
  return [args...] { return std::make_unique<M>(args...); };
}

/// A number that goes round from 0 to 9, `stride` at a time; over any domain.
template <class D>
class Ring : public Machine<D> {
 public:
  explicit Ring(unsigned stride) : scope_(this->root()), n_(scope_, "n", 9) {
    code_.push_back({"ring", "n = (n + stride) % 10", false, 0, [this, stride](unsigned) {
                       const Val<D> next = n_ + stride;
                       n_ = select(next > 9U, next - 10U, next);
                     }});
    this->process({"ring", 0, &code_, nullptr});
  }

 private:
  Scope<D> scope_;
  Var<D> n_;
  Code code_;
};

/// `cells` counters that each go from 0 to `top`; states are widened by words that stay zero.
class Grid : public Machine<Concrete> {
 public:
  Grid(unsigned cells, unsigned top, unsigned padding = 0)
      : padding_(root(), "padding", 4 * padding, 0x3fffU), cell_(root(), "cell", cells, top) {
    code_.push_back({"grid", "++cell", false, 0, [this, top](unsigned self) {
                       context.require(cell_[self] < top);
                       cell_[self] += 1;
                     }});
    code_.push_back({"grid", "never", false, 0, [this](unsigned) { context.require(false); }});
    for (unsigned i = 0; i < cells; ++i)
      process({fmt::format("counter {}", i), i, &code_, nullptr});
  }

 protected:
  Numbers padding_, cell_;
  Code code_;
};

/// A grid whose counters must not all be at `bad` at once.
class MinedGrid : public Grid {
 public:
  MinedGrid(unsigned cells, unsigned top, unsigned bad, unsigned padding = 0)
      : Grid(cells, top, padding) {
    property("no mine", "The counters are never all at the mine.", [this, cells, bad] {
      return !all_of<Concrete>(cells, [&](unsigned i) { return cell_[i] == bad; });
    });
  }
};

/// Processes with program counters.  Derived classes fill code_, then call start().
class Program : public Machine<Concrete> {
 public:
  Program(unsigned processes, unsigned steps)
      : scope_(root()), pc_(scope_, "pc", processes, steps) {}

 protected:
  /// A step that is followed by the next one; the last goes back to idle.
  void step(std::string label, std::function<void(unsigned)> run, bool last = false) {
    const auto number = static_cast<std::uint32_t>(code_.size());
    code_.push_back(
        {"program", std::move(label), number == 0, last ? 0 : number + 2, std::move(run)});
  }
  void start() {
    for (unsigned i = 0; i < pc_.size(); ++i) process({fmt::format("p{}", i), i, &code_, &pc_[i]});
  }

  Scope<Concrete> scope_;
  Numbers pc_;
  Code code_;
};

/// Philosophers that take the left fork, then the right one.  With `wait`, they say for whom they
/// wait; with `bystander`, somebody can always take a step.
class Philosophers : public Program {
 public:
  explicit Philosophers(unsigned n, bool wait = false, bool bystander = false, unsigned padding = 0)
      : Program(n, 3),
        padding_(root(), "padding", 4 * padding, 0x3fffU),
        fork_(root(), "fork", n, n),
        clock_(scope_, "clock", bystander ? 1 : 0) {
    deadlock = property("deadlock", "Somebody can always go on.");
    may_rest = [] { return Bool<Concrete>(false); };
    const auto take = [this, n, wait](unsigned self, unsigned which) {
      const Number& fork = fork_[which];
      if (wait) {
        const Val<Concrete> owner = sum_of<Concrete>(n, [&](unsigned i) {
          return select(fork == i + 1, Val<Concrete>(1U << i), Val<Concrete>(0));
        });
        context.wait_for(fork == 0U, owner);
      } else {
        context.require(fork == 0U);
      }
      fork = self + 1;
    };
    step("take left", [take](unsigned self) { take(self, self); });
    step("take right", [take, n](unsigned self) { take(self, (self + 1) % n); });
    step(
        "put both",
        [this, n](unsigned self) {
          fork_[self] = 0;
          fork_[(self + 1) % n] = 0;
        },
        true);
    start();
    if (bystander) {
      ticks_.push_back(
          {"clock", "tick", false, 0, [this](unsigned) { clock_ = Val<Concrete>(1) - clock_; }});
      process({"clock", n, &ticks_, nullptr});
    }
  }

 private:
  Numbers padding_, fork_;
  Number clock_;
  Code ticks_;
};

/// Two processes and a lock that is tested in one step and set in the next.
class BrokenLock : public Program {
 public:
  BrokenLock() : Program(2, 3), lock_(scope_, "lock", 1) {
    property("mutual exclusion", "At most one process is in the critical section.",
             [this] { return !(pc_[0] == 3U && pc_[1] == 3U); });
    step("test lock", [this](unsigned) { context.require(lock_ == 0U); });
    step("set lock", [this](unsigned) { lock_ = 1; });
    step(
        "clear lock", [this](unsigned) { lock_ = 0; }, true);
    start();
  }

 private:
  Number lock_;
};

/// Peterson's algorithm: mutual exclusion holds, and nobody is stuck.
class Peterson : public Program {
 public:
  Peterson() : Program(2, 4), flag_(root(), "flag", 2, 1U), turn_(scope_, "turn", 1) {
    deadlock = property("deadlock", "Somebody can always go on.");
    may_rest = [] { return Bool<Concrete>(false); };
    property("mutual exclusion", "At most one process is in the critical section.",
             [this] { return !(pc_[0] == 4U && pc_[1] == 4U); });
    step("flag[self] = 1", [this](unsigned self) { flag_[self] = 1; });
    step("turn = other", [this](unsigned self) { turn_ = 1 - self; });
    step("wait",
         [this](unsigned self) { context.require(flag_[1 - self] == 0U || turn_ == self); });
    step(
        "flag[self] = 0", [this](unsigned self) { flag_[self] = 0; }, true);
    start();
  }

 private:
  Numbers flag_;
  Number turn_;
};

}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_TESTS_CHECKER_EXPLICIT_MACHINES_H
