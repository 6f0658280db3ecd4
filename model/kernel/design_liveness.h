// SPDX-License-Identifier: MIT
// What every design promises in the long run, and the fairness that is assumed for it.  Included by
// design_impl.h only.
#ifndef IOMMUCHECK_MODEL_KERNEL_DESIGN_LIVENESS_H
#define IOMMUCHECK_MODEL_KERNEL_DESIGN_LIVENESS_H

#include <algorithm>
#include <array>

#include "model/kernel/design.h"

namespace iommucheck::model {

template <class D>
std::vector<std::string> Design<D>::process_names() const {
  std::vector<std::string> names;
  for (unsigned i = 0; i < processes_; ++i) names.push_back(process_name(i));
  return names;
}

/// Whether the process waits for a grace period.
template <class D>
Bool<D> Design<D>::drains(unsigned self) const {
  const Code& code = code_of(self);
  return any_of<D>(static_cast<unsigned>(code.size()), [&](unsigned i) {
    if (code[i].label.compare(0, kDrain.size(), kDrain) != 0) return Bool<D>(false);
    return thread_[self].pc == i + 1;
  });
}

template <class D>
void Design<D>::promise_progress() {
  this->leads_to(
      "every-call-returns", "Every call that has begun returns.", process_names(),
      [this](unsigned i) { return thread_[i].pc != 0U; },
      [this](unsigned i) { return thread_[i].pc == 0U; });
  this->leads_to(
      "every-drain-ends", "Every synchronize_rcu() returns.", process_names(),
      [this](unsigned i) { return drains(i); }, [this](unsigned i) { return !drains(i); });
}

template <class D>
void Design<D>::promise_grace_periods() {
  struct Place {
    RcuClient<D>* client;
    unsigned object;
  };
  std::vector<Place> places;
  std::vector<std::string> names;
  for (auto* client : rcu_clients_) {
    for (unsigned i = 0; i < client->objects(); ++i) {
      places.push_back({client, i});
      names.push_back(client->object_name(i));
    }
  }
  const auto waits = [places](unsigned i) { return places[i].client->waiting(places[i].object); };
  this->leads_to("every-grace-period-ends", "Memory that waits for a grace period is freed.",
                 std::move(names), waits, [waits](unsigned i) { return !waits(i); });
}

/// By its label: strong fairness is about steps that take a lock, and a call may wait for its
/// first.
inline bool takes_lock(const std::string& label) {
  constexpr std::array kCalls{"spin_lock(", "spin_lock_irqsave(", "xa_lock(", "mutex_lock("};
  return std::ranges::any_of(
      kCalls, [&](const char* call) { return label.find(call) != std::string::npos; });
}

/// An idle thread need not make a call, and interrupts need not come; workers work.
template <class D>
void Design<D>::assume_fairness() {
  for (unsigned i = 0; i < processes_; ++i) {
    this->weakly_fair(i, is_worker(i)
                             ? "a worker begins where there is work, and goes on"
                             : "a call that has begun goes on, if it can from some time on");
  }
  for (unsigned i = 0; i < processes_; ++i) {
    this->strongly_fair(i, "a lock that is free again and again is taken by who waits for it",
                        [](const StepCode& step) { return takes_lock(step.label); });
  }
  if (bounds_.interrupt) this->strongly_fair(0, "interrupts leave the CPU time to go on");
  if (bounds_.rcu_actor) {
    this->each_step_fair(Fair::weak, processes_,
                         "each object is freed some time after its grace period");
  }
}

}  // namespace iommucheck::model

#endif  // IOMMUCHECK_MODEL_KERNEL_DESIGN_LIVENESS_H
