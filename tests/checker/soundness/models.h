// SPDX-License-Identifier: MIT
// Models so small that their answers were worked out by hand; each says how.
#ifndef IOMMUCHECK_TESTS_CHECKER_SOUNDNESS_MODELS_H
#define IOMMUCHECK_TESTS_CHECKER_SOUNDNESS_MODELS_H

#include "checker/report.h"
#include "tests/sanitized.h"

namespace iommucheck::checker::soundness {

/// The right answer.
struct Right {
  Verdict verdict = Verdict::holds;
  std::uint64_t states = 0, transitions = 0, depth = 0;
  std::optional<std::size_t> path = std::nullopt;  ///< steps of a shortest one
};

/// A machine of processes without program counter, each with the same code.
template <class D>
class Small : public Machine<D> {
 protected:
  Small() : scope_(this->root()) {}
  void step(std::string label, std::function<void(unsigned)> run) {
    code_.push_back({"small", std::move(label), false, 0, std::move(run)});
  }
  void processes_of(unsigned n) {
    for (unsigned i = 0; i < n; ++i) this->process({fmt::format("p{}", i), i, &code_, nullptr});
  }
  Scope<D> scope_;
  Code code_;
};

/// Two processes add 1 to x, each reading and writing it in two steps: x should be 2 in the end.
///
/// Progress (a, b) of 0 to 2 each; r is what a process has read and not yet written.
///   depth 0: (0,0)                                                1 state
///   depth 1: (1,0) (0,1)                                          2
///   depth 2: (2,0) (1,1) (0,2)                                    3
///   depth 3: (2,1) with r=1 or r=0, (1,2) with r=1 or r=0         4
///   depth 4: (2,2) with x=2 or x=1                                2
/// Every process that is not at 2 has one step: 2 + 2*2 + (1+2+1) + 4*1 = 14.
/// Up to which process is which: 1 + 1 + 2 + 2 + 2 states, 2 + 2 + (1+2) + 2*1 = 9 steps.
template <class D>
class LostUpdate : public Small<D> {
 public:
  static constexpr Right kRight{Verdict::violated, 12, 14, 4, 4};
  static constexpr Right kUpToPermutations{Verdict::violated, 8, 9, 4, 4};
  LostUpdate()
      : who_(this->sort("processes", 2)),
        x_(this->scope_, "x", 2),
        at_(this->scope_, "at", over(who_), 2U),
        r_(this->scope_, "r", over(who_), 2U) {
    this->property("both count", "In the end x is 2.",
                   [this] { return !(at_[0] == 2U && at_[1] == 2U) || x_ == 2U; });
    this->step("read", [this](unsigned self) {
      this->context.require(at_[self] == 0U);
      r_[self] = x_;
      at_[self] = 1;
    });
    this->step("write", [this](unsigned self) {
      this->context.require(at_[self] == 1U);
      x_ = r_[self] + 1U;
      r_[self] = 0;
      at_[self] = 2;
    });
    this->processes_of(2);
  }

 private:
  Sort who_;
  Var<D> x_;
  Array<D, Var<D>> at_, r_;
};

/// Two processes take two locks, in the same order or in opposite ones, and put both back.
///
/// (a, b): how many each holds, at most 2.  Nobody can hold what the other does.
///   opposite: (0,0) (1,0) (0,1) (2,0) (0,2) (1,1), and in (1,1) nobody can go on.
///     Steps: 2 from (0,0), 2 from (1,0), 2 from (0,1), 1 from (2,0), 1 from (0,2), 0 from (1,1).
///   the same: (1,1) is not there, and (1,0) and (0,1) have 1 step: 2 + 1 + 1 + 1 + 1.
template <class D>
class TwoLocks : public Small<D> {
 public:
  static constexpr Right kOpposite{Verdict::violated, 6, 8, 2, 2};
  static constexpr Right kSame{Verdict::holds, 5, 6, 2};
  explicit TwoLocks(bool opposite)
      : held_(this->scope_, "held", 2, 2U), lock_(this->scope_, "lock", 2, 1U) {
    this->deadlock = this->property("no deadlock", "Somebody can go on.");
    this->may_rest = [] { return Bool<D>(false); };
    const auto take = [this](unsigned self, unsigned which, unsigned number) {
      this->context.require(held_[self] == number && lock_[which] == 0U);
      lock_[which] = 1;
      held_[self] = number + 1;
    };
    this->step("take one", [=](unsigned self) { take(self, opposite ? self : 0, 0); });
    this->step("take the other", [=](unsigned self) { take(self, opposite ? 1 - self : 1, 1); });
    this->step("put both", [this](unsigned self) {
      this->context.require(held_[self] == 2U);
      lock_[0] = 0;
      lock_[1] = 0;
      held_[self] = 0;
    });
    this->processes_of(2);
  }

 private:
  Array<D, Var<D>> held_, lock_;
};

/// A counter of three digits to base 3: 3^3 states in one line, 3^3 - 1 steps.  With a mine at
/// number 20, the numbers 0 to 19 are expanded before the one with the mine; that one is expanded,
/// too, and its successor 21 is met: 22 states, 21 steps.
template <class D>
class Odometer : public Small<D> {
 public:
  static constexpr Right kRight{Verdict::holds, 27, 26, 26};
  static constexpr Right kMined{Verdict::violated, 22, 21, 21, 20};
  static constexpr Right kMinedToTheEnd{Verdict::violated, 27, 26, 26, 20};
  explicit Odometer(bool mined) : digit_(this->scope_, "digit", 3, 2U) {
    // 20 = 2 * 9 + 0 * 3 + 2
    this->property("no mine", "The number is never 20.", [this, mined] {
      return Bool<D>(!mined) || !(digit_[2] == 2U && digit_[1] == 0U && digit_[0] == 2U);
    });
    this->step("count", [this](unsigned) {
      this->context.require(digit_[0] != 2U || digit_[1] != 2U || digit_[2] != 2U);
      const Bool<D> first = digit_[0] == 2U, second = digit_[1] == 2U;
      this->context.when(first && second, [&] { digit_[2] += 1; });
      this->context.when(first,
                         [&] { digit_[1] = select(second, Val<D>(0), digit_[1].value() + 1U); });
      digit_[0] = select(first, Val<D>(0), digit_[0].value() + 1U);
    });
    this->processes_of(1);
  }

 private:
  Array<D, Var<D>> digit_;
};

/// One state, whose only step leads back to it: a step is a step, so it is no deadlock.
template <class D>
class SelfLoop : public Small<D> {
 public:
  static constexpr Right kRight{Verdict::holds, 1, 1, 0};
  SelfLoop() : x_(this->scope_, "x", 1) {
    this->deadlock = this->property("no deadlock", "Somebody can go on.");
    this->may_rest = [] { return Bool<D>(false); };
    this->step("stay", [this](unsigned) { x_ = x_.value(); });
    this->processes_of(1);
  }

 private:
  Var<D> x_;
};

/// Two starts (x = 0, 1), and a step that adds 0, 1 or 2 up to at most 4, a choice each.
///
/// From x = 0, 1, 2 all three are possible, from 3 two of them, from 4 one (adding 0): 3 * 3 + 2 +
/// 1 = 12 steps.  From the nearer start, 2 and 3 are one step away and 4 two.
template <class D>
class Choices : public Small<D> {
 public:
  static constexpr Right kRight{Verdict::holds, 5, 12, 2};
  Choices() : x_(this->scope_, "x", 4) {
    this->initial = [this] { x_ = this->context.choose(2); };
    this->step("add", [this](unsigned) {
      const Val<D> more = this->context.choose(3);
      this->context.require(x_.value() + more <= 4U);
      x_ = x_.value() + more;
    });
    this->processes_of(1);
  }

 private:
  Var<D> x_;
};

/// A value leaves its range 0 .. 3 at the fourth step: that is a violation, not an end.  4 states;
/// the step that fails counts, and leads nowhere.
template <class D>
class OutOfRange : public Small<D> {
 public:
  static constexpr Right kRight{Verdict::violated, 4, 4, 3, 4};
  OutOfRange() : x_(this->scope_, "x", 3) {
    this->step("add", [this](unsigned) { x_ = x_.value() + 1U; });
    this->processes_of(1);
  }

 private:
  Var<D> x_;
};

/// Five alike go from 0 to 1 to 2, each by itself.
///
/// 3^5 states; each of five has a step where it is at 0 or 1: 5 * 2 * 3^4; 10 steps to the end.
/// Up to permutations: how many are at 0, 1, 2 makes C(7,2) = 21 states.  With m not at 2, there
/// are m + 1 of them, and each has m steps: the sum of m(m+1) for m = 0..5 is 70.
template <class D>
class Alike : public Small<D> {
 public:
  static constexpr Right kAll{Verdict::holds, 243, 810, 10};
  static constexpr Right kUpToPermutations{Verdict::holds, 21, 70, 10};
  Alike() : who_(this->sort("processes", 5)), at_(this->scope_, "at", over(who_), 2U) {
    this->step("go on", [this](unsigned self) {
      this->context.require(at_[self] != 2U);
      at_[self] += 1;
    });
    this->processes_of(5);
  }

 private:
  Sort who_;
  Array<D, Var<D>> at_;
};

/// N = 15 flags that are set one by one, each among 55 bits that stay 0: states differ in few bits,
/// far apart.  2^N states, N * 2^(N-1) steps, depth N.  A hash that mixes badly loses states here,
/// as another checker's did (3.5 % of them).  Fewer flags under a sanitizer.
template <class D>
class FarFlags : public Small<D> {
 public:
  static constexpr unsigned kFlags = share(15U, 10U);
  static constexpr Right kRight{Verdict::holds, 1U << kFlags, kFlags << (kFlags - 1), kFlags};
  FarFlags() {
    for (unsigned i = 0; i < kFlags; ++i) {
      flag_.push_back(std::make_unique<Var<D>>(this->scope_, fmt::format("flag[{}]", i), 1U));
      still_.push_back(
          std::make_unique<Array<D, Var<D>>>(this->scope_, fmt::format("still[{}]", i), 5, 0x7ffU));
    }
    this->step("set", [this](unsigned self) {
      const Var<D>& flag = *flag_[self];
      this->context.require(flag == 0U);
      flag = 1;
    });
    this->processes_of(kFlags);
  }

 private:
  std::vector<std::unique_ptr<Var<D>>> flag_;
  std::vector<std::unique_ptr<Array<D, Var<D>>>> still_;
};

}  // namespace iommucheck::checker::soundness

#endif  // IOMMUCHECK_TESTS_CHECKER_SOUNDNESS_MODELS_H
