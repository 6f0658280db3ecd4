// SPDX-License-Identifier: MIT
// RCU: readers, grace periods, callbacks that run as threads of their own.
#include <cstdint>

#include "checker/schedule/client.h"

namespace {

struct RcuHead {
  RcuHead* next;
  void (*func)(RcuHead*);
};

/// kfree_rcu() passes the offset of the rcu_head in place of a function.
constexpr std::uintptr_t kMostOffset = 4096;

void run_callback(void* head) {
  auto* callback = static_cast<RcuHead*>(head);
  ck_atomic_enter();  // softirq: it must not sleep
  callback->func(callback);
  ck_atomic_leave();
}

}  // namespace

// NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the kernel's names
extern "C" {

void __rcu_read_lock() { ck_reader_begin(); }
void __rcu_read_unlock() { ck_reader_end(); }

void call_rcu(RcuHead* head, void (*func)(RcuHead*)) {
  const auto offset = reinterpret_cast<std::uintptr_t>(func);
  if (offset < kMostOffset) {
    ck_free_after_grace(reinterpret_cast<char*>(head) - offset);
    return;
  }
  ck_write(head, sizeof(*head));
  head->next = nullptr;
  head->func = func;
  ck_after_grace("rcu callback", run_callback, head);
}
void call_rcu_hurry(RcuHead* head, void (*func)(RcuHead*)) { call_rcu(head, func); }

/// The second argument is the offset before 6.3 and the object since.
void kvfree_call_rcu(RcuHead* head, void* object) {
  const auto offset = reinterpret_cast<std::uintptr_t>(object);
  ck_free_after_grace(offset < kMostOffset ? reinterpret_cast<char*>(head) - offset : object);
}

void synchronize_rcu() {
  ck_may_sleep("synchronize_rcu()");
  ck_synchronize();
}
void synchronize_rcu_expedited() { synchronize_rcu(); }

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
