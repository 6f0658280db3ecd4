// SPDX-License-Identifier: MIT
// How a design's programs become the code of its processes.  Included by design.h only.
#ifndef IOMMUCHECK_MODEL_KERNEL_DESIGN_IMPL_H
#define IOMMUCHECK_MODEL_KERNEL_DESIGN_IMPL_H

#include "model/kernel/cpu.h"
#include "model/kernel/design_liveness.h"

namespace iommucheck::model {

template <class D>
void Design<D>::compile(std::deque<Program<D>>& programs, Code& code) {
  for (auto& p : programs) {
    const auto first = static_cast<std::uint32_t>(code.size()) + 1;
    p.number_from(first);
    const auto& steps = p.steps();
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const bool last = i + 1 == steps.size();
      const Program<D>* entered = i == 0 ? &p : nullptr;
      const auto* step = &steps[i];
      code.push_back({step->function.empty() ? p.name() : p.name() + " > " + step->function,
                      steps[i].label, i == 0, last ? 0 : first + static_cast<std::uint32_t>(i) + 1,
                      [this, step, entered, lockless = p.lockless()](unsigned self) {
                        run(Cpu<D>{*this, self, lockless, step->label}, *step, entered);
                      }});
    }
  }
  if (code.size() >= 127) throw std::length_error("a design has at most 126 steps");
}

template <class D>
void Design<D>::run(Cpu<D> cpu, const typename Program<D>::Step& step, const Program<D>* entered) {
  auto& ctx = this->context;
  const unsigned self = cpu.self();
  auto&& me = thread_[self];
  if (bounds_.interrupt) {
    const unsigned irq = bounds_.threads;
    if (self == 0) {
      // The handler runs on the CPU of thread 0, on top of it.
      ctx.wait_for(thread_[irq].pc == 0U, 1U << irq);
    } else if (self == irq && entered != nullptr) {
      ctx.require(thread_[0U].irqs_off == 0U);
    }
  }
  if (entered != nullptr) {
    if (bounds_.calls != 0 && !is_worker(self)) {
      ctx.require(me.calls < bounds_.calls);
      me.calls += 1;
    }
    if (entered->arguments()) entered->arguments()(cpu);
  }
  step.action(cpu);
  ctx.when(me.pc == 0U, [&] {
    on_return(cpu);
    Bool<D> holds = any_of<D>(static_cast<unsigned>(locks_.size()),
                              [&](unsigned i) { return locks_[i]->held_by(self); });
    ctx.fail_unless(!holds, locking, "the call returns with a lock held");
    ctx.fail_unless(!reads(self), locking,
                    "the call returns inside an RCU reader or with preemption off");
    forget_locals(self);
  });
}

template <class D>
void Design<D>::add_rcu_actor() {
  for (auto* client : rcu_clients_) {
    for (unsigned i = 0; i < client->objects(); ++i) {
      rcu_code_.push_back(
          {"rcu", fmt::format("the grace period is over: kfree({})", client->object_name(i)), false,
           0, [client, i](unsigned) { client->free_waiting(i); }});
    }
  }
  this->process({"RCU", processes_, &rcu_code_, nullptr});
}

template <class D>
void Design<D>::complete() {
  if (bounds_.call_step) {
    for (auto& p : programs_) {
      const bool begins_with_lock = !p.steps().empty() && takes_lock(p.steps().front().label);
      if (begins_with_lock && !p.arguments()) p.begin_with("called", [](Cpu<D>&) {});
    }
  }
  compile(programs_, code_);
  compile(irq_programs_, irq_code_);
  worker_programs_.resize(bounds_.workers.size());
  worker_code_.resize(bounds_.workers.size());
  for (std::size_t w = 0; w < worker_code_.size(); ++w)
    compile(worker_programs_[w], worker_code_[w]);
  for (unsigned i = 0; i < processes_; ++i) {
    const Var<D>* pc = nullptr;
    if constexpr (std::is_same_v<D, Concrete>) {
      pc = &thread_[i].pc;
    } else {
      auto record = thread_[i];  // made on demand: keep its pc
      pcs_.push_back(std::move(record.pc));
      pc = &pcs_.back();
    }
    this->process({process_name(i), i, &code_of(i), pc, is_worker(i)});
  }
  if (bounds_.rcu_actor) add_rcu_actor();
  // Behind the processes, whose places are their numbers in masks of who waits for whom.
  for (const Actor& actor : actors_) {
    const auto number = static_cast<unsigned>(this->processes().size());
    this->process({actor.name, number, actor.code, nullptr});
    if (!actor.fairness.empty()) this->each_step_fair(Fair::weak, number, actor.fairness);
  }
  promise_grace_periods();
  assume_fairness();
}

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_KERNEL_DESIGN_IMPL_H
