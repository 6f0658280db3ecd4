// SPDX-License-Identifier: MIT
// A machine that is symmetric in two sorts, and ways in which it is not.
#ifndef IOMMUCHECK_TESTS_CHECKER_SYMMETRY_MACHINES_H
#define IOMMUCHECK_TESTS_CHECKER_SYMMETRY_MACHINES_H

#include "core/machine.h"

namespace iommucheck::checker::symmetry {

/// What is wrong with the machine.
enum class Flaw {
  none,
  lowest_first,        ///< the lowest free id is taken: no flaw while free ids are all alike
  reserved_id,         ///< id 0 is never taken
  shortcut_of_one,     ///< thread 0 need not wait for the lock
  owner_undeclared,    ///< a field that holds threads is declared as a plain number
  array_undeclared,    ///< an array over threads is declared as a plain one
  mask_undeclared,     ///< a mask of threads is declared as a plain number
  zero_is_an_element,  ///< a cleared id is id 0
  counter_is_element,  ///< a plain number is declared as a thread
  invariant_of_one,    ///< the invariant is about thread 0
  failure_of_one,      ///< thread 1 may fail
  rest_of_one,         ///< thread 0 must not rest
  // Symmetric ones:
  any_failure,   ///< every thread may fail, the second time
  nobody_rests,  ///< every thread goes once, and must not rest then
};

/// Threads take ids under a lock, use them, and put them back.  With `bug`, the one that puts
/// forgets that it is not alone: two threads own the id.
class Desk : public Machine<Concrete> {
 public:
  using V = Val<Concrete>;

  Desk(unsigned n_threads, unsigned n_pasids, Flaw flaw = Flaw::none, bool bug = false,
       unsigned ballast_bits = 0)
      : threads(sort("threads", n_threads)),
        pasids(sort("pasids", n_pasids)),
        scope_(root()),
        pc_(scope_, "pc", over(threads), 5U),
        lock_(scope_, "lock", n_threads, Format{}.of(threads)),
        owner_(scope_, "owner", over(pasids), n_threads,
               flaw == Flaw::owner_undeclared ? Format{} : Format{}.of(threads)),
        users_(scope_, "users", (1U << n_threads) - 1,
               flaw == Flaw::mask_undeclared ? Format{} : Format{Format::Kind::mask}.of(threads)),
        id_(scope_, "id", over(threads), pasids),
        plain_id_(scope_, "plain_id", over(threads), n_pasids,
                  flaw == Flaw::zero_is_an_element ? Format{}.of(pasids, 0) : Format{}),
        times_(scope_, "times", flaw == Flaw::array_undeclared ? Extent(n_threads) : over(threads),
               1U),
        ballast_(scope_, "ballast", over(threads), (1U << ballast_bits) - 1),
        total_(scope_, "total", n_threads,
               flaw == Flaw::counter_is_element ? Format{}.of(threads) : Format{}) {
    const auto broken = property("exclusive", "An id has one owner, who knows it.", [=, this] {
      return all_of<Concrete>(n_pasids, [&](unsigned p) {
        return count_of<Concrete>(n_threads, [&](unsigned t) { return id_[t] == p; }) <= 1U;
      });
    });
    if (flaw == Flaw::invariant_of_one) {
      property("first", "Thread 0 does not use an id.", [this] { return !has_bit(users_, 0); });
    }
    deadlock = property("no-deadlock", "Somebody can go on.");
    may_rest = [=, this] {
      if (flaw == Flaw::nobody_rests) return Bool<Concrete>(false);
      return Bool<Concrete>(flaw != Flaw::rest_of_one) || times_[0] == 0U;
    };
    step("lock", [=, this](unsigned self) {
      if (flaw == Flaw::nobody_rests) context.require(times_[self] == 0U);
      if (flaw == Flaw::rest_of_one) {
        context.require(all_of<Concrete>(n_threads, [&](unsigned t) { return times_[t] == 0U; }));
      }
      if (flaw == Flaw::shortcut_of_one && self == 0) return;
      context.require(lock_ == 0U);
      lock_ = self + 1;
    });
    step("take", [=, this](unsigned self) {
      const V p = context.choose(n_pasids);
      context.require(owner_[p] == 0U);
      if (flaw == Flaw::lowest_first) {
        context.require(
            all_of<Concrete>(n_pasids, [&](unsigned q) { return p <= q || owner_[q] != 0U; }));
      }
      if (flaw == Flaw::reserved_id) context.require(p != 0U);
      if (flaw == Flaw::failure_of_one)
        context.fail_unless(Bool<Concrete>(self != 1), broken, "thread 1 is refused");
      if (flaw == Flaw::any_failure)
        context.fail_unless(times_[self] == 0U, broken, "a thread is refused");
      owner_[p] = self + 1;
      id_[self] = p;
      if (flaw == Flaw::zero_is_an_element) plain_id_[self] = p;
      users_ = with_bit(users_, self);
      total_ += 1;
    });
    step("unlock", [this](unsigned) { lock_ = 0; });
    const unsigned ballast_mask = (1U << ballast_bits) - 1;
    step("use", [=, this](unsigned self) {
      times_[self] = V(1) - times_[self];
      ballast_[self] = (ballast_[self] + 37U) & ballast_mask;
    });
    step(
        "put",
        [=, this](unsigned self) {
          const V p = id_[self];
          users_ = without_bit(users_, self);
          total_ -= 1;
          plain_id_[self] = 0;
          owner_[p] = 0;
          // Only once in a while, so that the bug is not in the first states.
          if (bug) {
            context.when(
                times_[self] == 0U && users_ == 0U, [&] { return; }, [&] { id_[self].clear(); });
          } else {
            id_[self].clear();
          }
        },
        true);
    for (unsigned i = 0; i < n_threads; ++i) process({fmt::format("CPU{}", i), i, &code_, &pc_[i]});
  }

  const Sort threads, pasids;

 private:
  void step(std::string label, std::function<void(unsigned)> run, bool last = false) {
    const auto number = static_cast<std::uint32_t>(code_.size());
    code_.push_back(
        {"client", std::move(label), number == 0, last ? 0 : number + 2, std::move(run)});
  }

  Scope<Concrete> scope_;
  Array<Concrete, Var<Concrete>> pc_;
  Var<Concrete> lock_;
  Array<Concrete, Var<Concrete>> owner_;
  Var<Concrete> users_;
  Array<Concrete, Element<Concrete>> id_;
  Array<Concrete, Var<Concrete>> plain_id_, times_, ballast_;
  Var<Concrete> total_;
  Code code_;
};

}  // namespace iommucheck::checker::symmetry

#endif  // IOMMUCHECK_TESTS_CHECKER_SYMMETRY_MACHINES_H
