// SPDX-License-Identifier: MIT
// Rules for locks that executions break together: their order, and their use in interrupts.
#include "checker/schedule/engine.h"

namespace iommucheck::schedule {

LockName Engine::lock_name(std::uintptr_t lock) {
  // Whoever needs a lock that belongs to an object and outlives it takes the complement.
  const std::uintptr_t inside = heap_.contains(~lock) ? ~lock : lock;
  const Object* object = heap_.contains(inside) ? heap_.around(inside) : nullptr;
  LockName name{lock, 0};
  if (object == nullptr) return name;
  for (unsigned i = 0; i < object->allocated.count; ++i) {
    name.allocated = (name.allocated + object->allocated.pc[i]) * 0x9e3779b97f4a7c15U;
  }
  return name;
}

/// The running thread, which holds locks, is about to wait for another.
void Engine::check_lock_order(std::uintptr_t lock, std::uintptr_t pc) {
  const LockName taken = lock_name(lock);
  for (const Held& held : current_->held) {
    const LockName holds = lock_name(held.lock->address);
    if (holds == taken || lock_order_.knows(holds, taken, statistics_.executions)) continue;
    const std::vector<LockOrder::Edge> back = lock_order_.add(
        {holds, taken, held.taken, stack_here(pc), schedule_now(), statistics_.executions});
    if (back.empty()) continue;
    const std::size_t before = reports_.size();
    report(Severity::goes_on, std::string{kLockOrderInversion},
           "two locks are taken in one order here and in the other order elsewhere", stack_here(pc),
           back.front().taken_at);
    if (reports_.size() == before) continue;
    for (const LockOrder::Edge& edge : back) {
      if (edge.execution != statistics_.executions) reports_.back().others.push_back(edge.schedule);
    }
  }
}

void Engine::lock_use(std::uintptr_t lock, unsigned inside, unsigned open, std::uintptr_t pc) {
  if (current_ == nullptr || alone_ || (inside | open) == 0) return;
  if (lock_uses_.repeats(lock, inside, open, statistics_.executions)) return;
  const LockName name = lock_name(lock);
  for (unsigned kind = 0; kind < LockUses::kInterrupts; ++kind) {
    LockUses::Uses& uses = lock_uses_.of(name, kind);
    const auto see = [&](unsigned kinds, std::optional<LockUses::Use>& mine,
                         const std::optional<LockUses::Use>& other) {
      if ((kinds & (1U << kind)) == 0) return;
      if (mine.has_value()) {
        mine->execution = statistics_.executions;
        return;
      }
      mine = LockUses::Use{stack_here(pc), schedule_now(), statistics_.executions};
      if (!other.has_value()) return;
      const std::size_t before = reports_.size();
      report(Severity::goes_on, std::string{kLockInInterrupt},
             kind == 0
                 ? "and, here or there, with interrupts enabled: the interrupt may come on "
                   "the CPU that holds it"
                 : "a soft one (a timer), and, here or there, with these enabled: it may come "
                   "on the CPU that holds the lock",
             mine->at, other->at);
      if (reports_.size() != before && other->execution != statistics_.executions)
        reports_.back().others.push_back(other->schedule);
    };
    see(inside, uses.inside, uses.open);
    see(open, uses.open, uses.inside);
  }
}

}  // namespace iommucheck::schedule
