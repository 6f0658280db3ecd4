// SPDX-License-Identifier: MIT
// Cpu: what a step of a kernel thread may do; the `t` of every step.
#ifndef IOMMUCHECK_MODEL_KERNEL_CPU_H
#define IOMMUCHECK_MODEL_KERNEL_CPU_H

#include "model/kernel/design.h"
#include "model/kernel/locks.h"

namespace iommucheck::model {

template <class D>
class Cpu {
 public:
  /// lockless: a mutant whose spinlocks are left out.  label: of the step that runs.
  Cpu(Design<D>& design, unsigned self, bool lockless, std::string_view label)
      : design_(&design), self_(self), lockless_(lockless), label_(label) {}

  /// The number of the process: thread 0 .. threads-1, then the interrupt.
  unsigned self() const { return self_; }
  Context<D>& context() const { return design_->context; }

  template <class F>
  void when(Bool<D> c, F f) const {
    context().when(c, f);
  }
  template <class F, class G>
  void when(Bool<D> c, F f, G g) const {
    context().when(c, f, g);
  }
  void require(Bool<D> c) const { context().require(c); }
  Val<D> choose(unsigned n, const char* what) const { return context().choose(n, what); }
  void fail_unless(Bool<D> c, PropertyId property, const char* detail) const {
    context().fail_unless(c, property, detail);
  }

  /// Waits until `c`, which the processes of this mask can make true: a cycle of such waits is a
  /// deadlock.
  void wait_for(Bool<D> c, Val<D> processes) const { context().wait_for(c, processes); }

  /// Goes on at the label instead of the next step.
  void jump(const Label& label) const { record().pc = label.pc(); }

  /// The same step once more: a busy wait.  Not in the last step of a program.
  void again() const { record().pc -= 1; }

  /// The call returns after this step.
  void ret() const { record().pc = 0; }

  // Locks.  A spinlock turns preemption off; spin_lock_irqsave() also interrupts, on this CPU.
  void lock(const Spinlock<D>& l) const {
    if (lockless_) return;
    acquire(l);
    record().atomic += 1;
  }
  void unlock(const Spinlock<D>& l) const {
    if (lockless_) return;
    release(l);
    end_section([&] { record().atomic -= 1; });
  }
  void lock_irqsave(const Spinlock<D>& l) const {
    if (design_->process_bounds().interrupt) record().irqs_off = 1;
    lock(l);
  }
  void unlock_irqrestore(const Spinlock<D>& l) const {
    unlock(l);
    if (design_->process_bounds().interrupt) record().irqs_off = 0;
  }
  void lock(const Mutex<D>& m) const {
    might_sleep("mutex_lock() in atomic or RCU context");
    acquire(m);
  }
  void unlock(const Mutex<D>& m) const { release(m); }

  // RCU.
  void rcu_read_lock() const { record().reading = true; }
  void rcu_read_unlock() const {
    fail_unless(record().reading, design_->locking, "rcu_read_unlock() without rcu_read_lock()");
    end_section([&] { record().reading = false; });
  }
  /// synchronize_rcu() in two steps: the readers of now, and the wait until they have ended.
  void synchronize_rcu_begin() const {
    might_sleep("synchronize_rcu() in atomic or RCU context");
    record().awaits = design_->readers();
  }
  void synchronize_rcu_end() const {
    if (label_.substr(0, Design<D>::kDrain.size()) != Design<D>::kDrain) {
      throw std::logic_error(
          fmt::format("the step '{}' waits for a grace period: begin its label with '{}', so that "
                      "every-drain-ends knows it",
                      label_, Design<D>::kDrain));
    }
    const Val<D> left = record().awaits;
    context().wait_for(left == 0U, left);
  }

  void might_sleep(const char* what) const {
    fail_unless(!design_->reads(self_) && Bool<D>(!design_->is_interrupt(self_)), design_->locking,
                what);
  }

 private:
  decltype(auto) record() const { return design_->thread()[self_]; }

  template <class L>
  void acquire(const L& l) const {
    require(design_->stores_are_visible(self_));
    const Val<D> holder = l.holder;
    const Bool<D> recursion = holder == self_ + 1;
    fail_unless(!recursion, design_->locking, "a lock is taken by the process that holds it");
    const Val<D> mask = sum_of<D>(design_->process_count(), [&](unsigned i) {
      return select(holder == i + 1, Val<D>(1U << i), Val<D>(0));
    });
    context().wait_for(holder == 0U || recursion, mask);
    l.holder = self_ + 1;
  }
  template <class L>
  void release(const L& l) const {
    require(design_->stores_are_visible(self_));
    fail_unless(l.holder == self_ + 1, design_->locking,
                "a lock is released by a process that does not hold it");
    context().when(l.holder == self_ + 1, [&] { l.holder = 0; });
  }
  /// A critical section ends; if it was the last one, so does the reader that it was.
  template <class F>
  void end_section(F leave) const {
    const Bool<D> was = design_->reads(self_);
    fail_unless(was, design_->locking, "a section ends that did not begin");
    context().when(was, [&] {
      leave();
      context().when(!design_->reads(self_), [&] { design_->reader_ends(self_); });
    });
  }

  Design<D>* design_;
  unsigned self_;
  bool lockless_;
  std::string_view label_;
};

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_KERNEL_CPU_H
