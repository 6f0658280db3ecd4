// SPDX-License-Identifier: MIT
// Design: threads (and an interrupt) that run programs over kernel primitives.
//
// Derive, declare the shared state as members, write the programs in build(), and call complete().
// Every process is in one of these states: idle (pc 0; it can begin any program), or at a step.
#ifndef IOMMUCHECK_MODEL_KERNEL_DESIGN_H
#define IOMMUCHECK_MODEL_KERNEL_DESIGN_H

#include <deque>
#include <string>
#include <vector>

#include "core/field_range.h"
#include "core/machine.h"
#include "model/kernel/program.h"

namespace iommucheck::model {

/// What a design needs to know before its state is laid out.
struct ProcessBounds {
  unsigned threads = 2;  ///< 1 .. 4
  unsigned calls = 0;    ///< the most calls that a thread makes; 0: no limit
  /// kfree_rcu() and call_rcu() run as an actor of their own, any time after the grace period.
  /// Without it they run at its last step: memory is gone as early as can be, which is when a use
  /// after free shows, and the states in which it merely lingers are not visited.
  bool rcu_actor = false;
  bool interrupt = false;  ///< an interrupt handler on the CPU of thread 0 makes calls, too
  /// A call whose first step takes a lock begins in a step of its own, and waits for the lock as a
  /// call; without it, who cannot take the lock has not called.  Safety does not depend on it;
  /// whether a lock starves its callers does.  Calls that choose their arguments by what the caller
  /// holds begin with their first step all the same: the choice has to hold there.
  bool call_step = false;
  /// Some step names one of the threads, so that they are not interchangeable.
  bool threads_told_apart = false;
  /// Kernel threads that work for others (a threaded interrupt, a worker of a work queue), by name.
  /// Each runs programs of its own, one at a time, and begins one only where its first step can be
  /// taken: that there is something to do.
  std::vector<std::string> workers = {};
};

/// What the kernel knows about a process.
template <class D>
struct ThreadRecord : Record<D> {
  ThreadRecord(Scope<D> scope, const ProcessBounds& b, unsigned processes, Sort threads)
      : Record<D>(scope),
        pc(*this, "pc", 127),
        reading(*this, "rcu_read_lock"),
        atomic(*this, "preempt_count", 2),
        awaits(*this, "synchronize_rcu", (1U << processes) - 1, mask_format().of(threads)),
        irqs_off(*this, "irqs_off", b.interrupt ? 1 : 0),
        calls(*this, "calls", b.calls) {}
  Var<D> pc;
  Flag<D> reading;  ///< inside rcu_read_lock()
  Var<D> atomic;    ///< spinlocks held
  Var<D> awaits;    ///< synchronize_rcu(): readers that have to end first
  Var<D> irqs_off;
  Var<D> calls;  ///< calls begun, where they are limited
};

/// Heap objects that wait for a grace period, as the design sees them.
template <class D>
class RcuClient {
 public:
  virtual ~RcuClient() = default;
  /// The reader `self` has ended: nobody waits for it any more.
  virtual void reader_ends(unsigned self) = 0;
  /// Frees an object whose grace period is over: what an actor does.
  virtual void free_waiting(unsigned object) = 0;
  virtual unsigned objects() const = 0;
  /// "ioasid_data[0]".
  virtual std::string object_name(unsigned object) const = 0;
  /// Whether the object waits for its grace period.
  virtual Bool<D> waiting(unsigned object) const = 0;
};

/// Stores that other CPUs do not see yet.
template <class D>
class WeakStores {
 public:
  virtual ~WeakStores() = default;
  /// Whether the CPU of this process has none.
  virtual Bool<D> empty(unsigned self) const = 0;
};

/// A lock that must not be held when a call returns.
template <class D>
class Lock {
 public:
  virtual ~Lock() = default;
  virtual Bool<D> held_by(unsigned self) const = 0;
};

template <class D>
class Design : public Machine<D> {
 public:
  explicit Design(const ProcessBounds& bounds)
      : bounds_(bounds),
        processes_(first_worker() + static_cast<unsigned>(bounds.workers.size())),
        threads_(bounds.interrupt || bounds.threads_told_apart
                     ? Sort{}
                     : this->sort("threads", bounds.threads)),
        thread_(this->root(), "cpu", over(threads_, processes_), bounds_, processes_, threads_) {
    using P = PropertyId;
    no_use_after_free = this->property(
        "no-use-after-free",
        "No object is touched after it is freed, freed twice, or reached through NULL.");
    locking = this->property(
        "locking",
        "Locks are released by their holder, before the call returns, and nobody sleeps in atomic or RCU context.");
    refcounts = this->property(
        "refcounts",
        "No reference count is incremented from zero, drops below zero, or overflows.");
    const P stuck = this->property(
        "no-deadlock",
        "No processes wait for one another in a cycle, and none waits for what can never come.");
    this->deadlock = stuck;
    this->may_rest = [this] {
      return all_of<D>(processes_, [&](unsigned i) { return thread_[i].pc == 0U; });
    };
    promise_progress();
  }

  PropertyId no_use_after_free{}, locking{}, refcounts{};

  /// Where variables of the design itself are declared: `Var<D> x{*this, "x", 3};`.
  operator Scope<D>&() { return own_scope_; }  // NOLINT(google-explicit-constructor)
  /// The design rests only where this holds, too: something that has been put off is still to come.
  void rests_only_if(std::function<Bool<D>()> condition) {
    this->may_rest = [before = this->may_rest, condition = std::move(condition)] {
      return before() && condition();
    };
  }

  const ProcessBounds& process_bounds() const { return bounds_; }
  unsigned process_count() const { return processes_; }
  const Array<D, ThreadRecord<D>>& thread() const { return thread_; }
  /// Threads are interchangeable, unless one of them is what the interrupt handler interrupts, or
  /// the design tells them apart.
  Sort threads() const { return threads_; }
  bool is_interrupt(unsigned self) const { return bounds_.interrupt && self == bounds_.threads; }
  bool is_worker(unsigned self) const { return self >= first_worker(); }
  /// The process that worker i of ProcessBounds::workers is: for wait_for().
  unsigned worker(unsigned i) const { return first_worker() + i; }
  std::string process_name(unsigned self) const {
    if (is_worker(self)) return bounds_.workers[self - first_worker()];
    return is_interrupt(self) ? "IRQ0" : fmt::format("CPU{}", self);
  }

  /// Adds a function that threads can call.
  Program<D>& program(std::string name) { return programs_.emplace_back(std::move(name)); }
  /// Adds a function that only the interrupt handler calls.
  Program<D>& interrupt_program(std::string name) {
    auto& p = irq_programs_.emplace_back(std::move(name));
    // It comes whether or not the call can go on: a step of its own.
    p.step("interrupt on CPU0", [](Cpu<D>&) {});
    return p;
  }
  /// Adds a function that only this worker runs.
  Program<D>& worker_program(unsigned worker, std::string name) {
    worker_programs_.resize(bounds_.workers.size());
    return worker_programs_.at(worker).emplace_back(std::move(name));
  }
  /// The program with this name, for an edit.
  Program<D>& edit(const std::string& name) {
    for (auto* list : program_lists()) {
      for (auto& p : *list) {
        if (p.name() == name) return p;
      }
    }
    std::string all;
    for (auto* list : program_lists()) {
      for (auto& p : *list) all += (all.empty() ? "" : ", ") + p.name();
    }
    throw std::logic_error("no program is called '" + name + "'; there are " + all);
  }

  /// An edit of every program that has such a step, as of a function that several of them call:
  /// `everywhere([](auto& p) { return p.drop_all("xa_erase(...)"); })`.
  template <class F>
  void everywhere(F edit_program) {
    std::size_t changed = 0;
    for (auto* list : program_lists()) {
      for (auto& p : *list) changed += edit_program(p);
    }
    if (changed == 0) throw std::logic_error("an edit changes no step of any program");
  }

  /// Something that is no thread takes these steps: a device.  The steps may still be added.
  /// `fairness`: each step that is possible from some time on is taken; in words.
  void add_actor(std::string name, const Code& code, std::string fairness = {}) {
    actors_.push_back({std::move(name), &code, std::move(fairness)});
  }

  /// Locks wait until the CPU's own stores are visible.
  void use(const WeakStores<D>& stores) { weak_stores_ = &stores; }
  Bool<D> stores_are_visible(unsigned self) const {
    return weak_stores_ == nullptr ? Bool<D>(true) : weak_stores_->empty(self);
  }

  void add(RcuClient<D>& client) { rcu_clients_.push_back(&client); }
  void add(const Lock<D>& lock) { locks_.push_back(&lock); }
  const std::vector<RcuClient<D>*>& rcu_clients() const { return rcu_clients_; }

  /// The fields first .. last-1 are locals of process `self`: cleared when its call returns.
  void locals(unsigned self, std::uint32_t first, std::uint32_t last) {
    if (locals_.size() <= self) locals_.resize(self + 1);
    locals_[self].emplace_back(this->context, this->schema, first, last);
  }

  void forget_locals(unsigned self) const {
    if (self >= locals_.size()) return;
    for (const auto& range : locals_[self]) range.clear();
  }

  /// Readers of a grace period that begins now: inside rcu_read_lock(), or with preemption off.
  Val<D> readers() const {
    return sum_of<D>(processes_,
                     [&](unsigned i) { return select(reads(i), Val<D>(1U << i), Val<D>(0)); });
  }
  Bool<D> reads(unsigned i) const {
    auto&& t = thread_[i];
    return t.reading || t.atomic != 0U;
  }
  void reader_ends(unsigned self) {
    for (unsigned i = 0; i < processes_; ++i) {
      auto&& t = thread_[i];
      t.awaits = without_bit(t.awaits, self);
    }
    for (auto* client : rcu_clients_) client->reader_ends(self);
  }

  /// How the label of a step begins that waits for a grace period: every-drain-ends is about them.
  static constexpr std::string_view kDrain = "synchronize_rcu() returns";

  /// Turns the programs into code; no edits after this.
  void complete();

 protected:
  /// Called at each return, after the locals' last use.
  virtual void on_return(Cpu<D>&) {}

 private:
  Scope<D> own_scope_{this->root()};
  unsigned first_worker() const { return bounds_.threads + (bounds_.interrupt ? 1U : 0U); }
  std::vector<std::deque<Program<D>>*> program_lists() {
    std::vector<std::deque<Program<D>>*> lists{&programs_, &irq_programs_};
    for (auto& programs : worker_programs_) lists.push_back(&programs);
    return lists;
  }
  const Code& code_of(unsigned self) const {
    if (is_worker(self)) return worker_code_.at(self - first_worker());
    return is_interrupt(self) ? irq_code_ : code_;
  }
  void compile(std::deque<Program<D>>& programs, Code& code);
  void add_rcu_actor();
  // Liveness: what the kernel promises of every design, and what is assumed for it.
  void promise_progress();
  void promise_grace_periods();
  void assume_fairness();
  std::vector<std::string> process_names() const;
  Bool<D> drains(unsigned self) const;
  void run(Cpu<D> cpu, const typename Program<D>::Step& step, const Program<D>* entered);

  ProcessBounds bounds_;
  unsigned processes_;
  Sort threads_;
  Array<D, ThreadRecord<D>> thread_;
  std::deque<Program<D>> programs_, irq_programs_;
  std::deque<std::deque<Program<D>>> worker_programs_;  ///< of each worker
  std::vector<RcuClient<D>*> rcu_clients_;
  std::vector<const Lock<D>*> locks_;
  std::vector<std::vector<FieldRange<D>>> locals_;
  Code code_, irq_code_, rcu_code_;
  std::deque<Code> worker_code_;
  struct Actor {
    std::string name;
    const Code* code;
    std::string fairness;
  };
  std::vector<Actor> actors_;
  const WeakStores<D>* weak_stores_ = nullptr;
  std::deque<Var<D>> pcs_;
};

}  // namespace iommucheck::model

#include "model/kernel/design_impl.h"

#endif  // IOMMUCHECK_MODEL_KERNEL_DESIGN_H
