// SPDX-License-Identifier: MIT
// Small machines over any domain, whose answers are known.
#ifndef IOMMUCHECK_TESTS_CHECKER_SYMBOLIC_MACHINES_H
#define IOMMUCHECK_TESTS_CHECKER_SYMBOLIC_MACHINES_H

#include <deque>
#include <memory>

#include "checker/relation/relation.h"
#include "checker/report.h"

namespace iommucheck::checker {

/// One machine in both domains.
struct Both {
  ConcreteFactory concrete;
  SymbolicFactory symbolic;
};

/// M<D>(args...) in both domains.
template <template <class> class M, class... Args>
Both both(Args... args) {
  return {[args...] { return std::make_unique<M<Concrete>>(args...); },
          [args...] { return std::make_unique<M<Symbolic>>(args...); }};
}

struct StriderOptions {
  unsigned max = 9;  ///< of the number
  unsigned stride = 2;
  unsigned from = 1;          ///< any number below it is an initial state
  unsigned forbidden = 99;    ///< the number that the invariant rules out
  bool strengthened = false;  ///< a second invariant: the number is even
};

/// A number that a stride at a time goes up to `max` and starts again at 0.
template <class D>
class Strider : public Machine<D> {
 public:
  explicit Strider(StriderOptions o) : scope_(this->root()), n_(scope_, "n", o.max) {
    this->initial = [this, o] { n_ = this->context.choose(o.from, "start"); };
    forbidden = this->property("not-forbidden", "The number is never the forbidden one.",
                               [this, o] { return n_ != o.forbidden; });
    if (o.strengthened) {
      even = this->property("even", "The number is even.", [this] { return (n_ & 1U) == 0U; });
    }
    code_.push_back({"strider", "n += stride", false, 0, [this, o](unsigned) {
                       this->context.require(n_ + o.stride <= o.max);
                       n_ += o.stride;
                     }});
    code_.push_back({"strider", "n = 0", false, 0, [this, o](unsigned) {
                       this->context.require(n_ + o.stride > o.max);
                       n_ = 0;
                     }});
    this->process({"strider", 0, &code_, nullptr});
  }

  PropertyId forbidden{}, even{};

 private:
  Scope<D> scope_;
  Var<D> n_;
  Code code_;
};

/// A number that goes up by one without an end: it leaves its range.
template <class D>
class Climber : public Machine<D> {
 public:
  explicit Climber(unsigned max) : scope_(this->root()), n_(scope_, "n", max) {
    code_.push_back(
        {"climber", "never", false, 0, [this](unsigned) { this->context.require(false); }});
    code_.push_back({"climber", "++n", false, 0, [this](unsigned) { n_ += 1; }});
    this->process({"climber", 0, &code_, nullptr});
  }

 private:
  Scope<D> scope_;
  Var<D> n_;
  Code code_;
};

/// Threads that take a lock, by one of several ways that they remember.  `torn`: the lock is tested
/// in one step and set in the next.
template <class D>
class Threads : public Machine<D> {
 public:
  Threads(unsigned threads, unsigned ways, bool torn)
      : scope_(this->root()), lock_(scope_, "lock", threads) {
    for (unsigned i = 0; i < threads; ++i) {
      pc_.emplace_back(scope_, fmt::format("pc[{}]", i), kHolding);
      way_.emplace_back(scope_, fmt::format("way[{}]", i), ways);
    }
    exclusive = this->property("exclusive", "At most one thread holds the lock.", [this, threads] {
      return count_of<D>(threads, [&](unsigned i) { return pc_[i] == kHolding; }) <= 1U;
    });
    this->property("owned", "A thread that holds the lock is its owner.", [this, threads] {
      return all_of<D>(threads, [&](unsigned i) { return pc_[i] != kHolding || lock_ == i + 1; });
    });
    if (!torn) {
      this->property("untorn", "No thread is between testing and setting the lock.",
                     [this, threads] {
                       return all_of<D>(threads, [&](unsigned i) { return pc_[i] != kSetting; });
                     });
    }
    code_.push_back({"thread", "test lock", true, torn ? kSetting : kHolding,
                     [this, ways, torn](unsigned self) {
                       this->context.require(lock_ == 0U);
                       way_[self] = this->context.choose(ways, "way") + 1U;
                       if (!torn) lock_ = self + 1;
                     }});
    code_.push_back(
        {"thread", "set lock", false, kHolding, [this](unsigned self) { lock_ = self + 1; }});
    code_.push_back({"thread", "clear lock", false, 0, [this](unsigned self) {
                       lock_ = 0;
                       way_[self] = 0;
                     }});
    for (unsigned i = 0; i < threads; ++i) {
      this->process({fmt::format("thread {}", i), i, &code_, &pc_[i]});
    }
  }

  PropertyId exclusive{};

 private:
  // Program counters: 1 + the number of the step that comes next.
  static constexpr std::uint32_t kSetting = 2, kHolding = 3;

  Scope<D> scope_;
  Var<D> lock_;
  std::deque<Var<D>> pc_, way_;
  Code code_;
};

/// A cell of a small heap.
template <class D>
struct Cell : Record<D> {
  Cell(Scope<D> scope, unsigned cells, unsigned most)
      : Record<D>(scope), next(*this, "next", cells), mark(*this, "mark", 2, most) {}
  Var<D> next;  ///< 0: none, or 1 + the number of a cell
  Array<D, Var<D>> mark;
};

/// Cells that point to one another, reached by indices that are part of the state; following a
/// pointer that is not there is a fault.  Marks go up to `most`.
template <class D>
class Heap : public Machine<D> {
 public:
  Heap(unsigned cells, unsigned most)
      : scope_(this->root()),
        head_(scope_, "head", cells - 1),
        cell_(scope_, "cell", cells, cells, most) {
    followed = this->property("followed", "Only pointers that are there are followed.");
    this->initial = [this, cells] { head_ = this->context.choose(cells, "head"); };
    code_.push_back({"heap", "cell[head].next = &cell[i]", false, 0, [this, cells](unsigned) {
                       cell_[head_].next = this->context.choose(cells, "i") + 1U;
                     }});
    code_.push_back({"heap", "head = cell[head].next", false, 0, [this](unsigned) {
                       const Val<D> next = cell_[head_].next;
                       this->context.fail_unless(next != 0U, followed, "the pointer is NULL");
                       this->context.when(next != 0U, [&] { head_ = next - 1U; });
                     }});
    code_.push_back({"heap", "++cell[cell[head].next].mark[i]", false, 0, [this](unsigned) {
                       const Val<D> i = this->context.choose(3, "i");
                       auto&& here = cell_[cell_[head_].next - 1U];
                       here.mark[i] += 1;
                     }});
    code_.push_back({"heap", "swap marks", false, 0, [this](unsigned) {
                       auto&& here = cell_[head_];
                       const Val<D> first = here.mark[0U];
                       this->context.when(
                           first < here.mark[1U],
                           [&] {
                             here.mark[0U] = here.mark[1U];
                             here.mark[1U] = first;
                           },
                           [&] { here.next = 0; });
                     }});
    this->process({"heap", 0, &code_, nullptr});
  }

  PropertyId followed{};

 private:
  Scope<D> scope_;
  Var<D> head_;
  Array<D, Cell<D>> cell_;
  Code code_;
};

}  // namespace iommucheck::checker

#endif  // IOMMUCHECK_TESTS_CHECKER_SYMBOLIC_MACHINES_H
