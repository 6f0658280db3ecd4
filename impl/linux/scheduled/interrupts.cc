// SPDX-License-Identifier: MIT
// Interrupts: what has been raised is handled at any later instant, on some CPU, by an actor.
//
// A handler does not run beside itself; what is raised meanwhile is handled once more.  Threaded
// handlers run as actors, too, which may sleep.  A target's hardware raises interrupts by
// kh_raise_irq(); a target that has its own request_threaded_irq() keeps that.
#include <array>

#include "checker/schedule/client.h"
#include "impl/linux/scheduled/contexts.h"

namespace {

namespace scheduled = iommucheck::linux_harness::scheduled;

using Handler = int (*)(int, void*);
constexpr int kWakeThread = 2;
// Of linux/interrupt.h.
constexpr unsigned long kShared = 0x80, kOneshot = 0x2000, kNoAutoEnable = 0x80000;
constexpr int kBusy = 16, kInvalid = 22;

/// Under its own lock.
struct Irq {
  bool requested;
  Handler handler, thread_function;
  void* device;
  const char* name;
  unsigned long flags;
  unsigned disabled;             ///< depth
  bool raised;                   ///< and no handler has begun since
  bool has_actor;                ///< that has not looked yet
  bool masked;                   ///< until its thread is done
  bool woken;                    ///< the thread is, and has not begun
  unsigned threads;              ///< woken, and not done
  int thread;                    ///< the last one
  char running, thread_running;  ///< locks
};
constexpr unsigned kMostIrqs = 8;
std::array<Irq, kMostIrqs> irqs;
const scheduled::Restored kRestoreIrqs{&irqs, sizeof(irqs)};

Irq& irq_of(unsigned number) {
  if (number >= kMostIrqs) ck_report_fatal("too many interrupts", "more than the harness keeps");
  return irqs.at(number);
}
int number_of(const Irq& irq) { return static_cast<int>(&irq - irqs.data()); }

void run_handler(void* argument);

/// Under its lock.
void deliver(Irq& irq) {
  if (!irq.raised || irq.has_actor || !irq.requested || irq.disabled != 0 || irq.masked) return;
  irq.has_actor = true;
  scheduled::start_actor_later("interrupt", run_handler, &irq, nullptr);
}

void run_thread_function(void* argument) {
  Irq& irq = *static_cast<Irq*>(argument);
  ck_lock(&irq.thread_running);
  ck_lock(&irq);
  irq.woken = false;
  ck_unlock(&irq);
  irq.thread_function(number_of(irq), irq.device);
  ck_lock(&irq);
  --irq.threads;
  irq.masked = false;
  deliver(irq);
  ck_unlock(&irq);
  ck_unlock(&irq.thread_running);
}

void run_handler(void* argument) {
  Irq& irq = *static_cast<Irq*>(argument);
  ck_lock(&irq.running);
  ck_lock(&irq);
  irq.has_actor = false;
  const bool handles = irq.raised && irq.requested && irq.disabled == 0 && !irq.masked;
  if (handles) {
    irq.raised = false;
    irq.masked = (irq.flags & kOneshot) != 0;
  }
  ck_unlock(&irq);
  if (handles) {
    int answer = kWakeThread;
    if (irq.handler != nullptr) {
      scheduled::enter_interrupt(CK_HARD_INTERRUPT);
      ck_reader_begin();
      answer = irq.handler(number_of(irq), irq.device);
      ck_reader_end();
      scheduled::leave_interrupt(CK_HARD_INTERRUPT);
    }
    ck_lock(&irq);
    if (answer == kWakeThread && irq.thread_function == nullptr) {
      ck_report("WARN_ON", "a handler wakes a thread that it has not asked for");
    } else if (answer == kWakeThread && !irq.woken) {
      irq.woken = true;
      ++irq.threads;
      irq.thread = scheduled::start_actor("interrupt thread", run_thread_function, &irq);
    }
    if (answer != kWakeThread) irq.masked = false;
    deliver(irq);
    ck_unlock(&irq);
  }
  ck_unlock(&irq.running);
}

void wait_for_handler(Irq& irq) {
  ck_lock(&irq.running);
  ck_unlock(&irq.running);
}
void wait_for_threads(Irq& irq) {
  for (;;) {
    ck_lock(&irq);
    const bool any = irq.threads != 0;
    const int thread = irq.thread;
    ck_unlock(&irq);
    if (!any) return;
    ck_join(thread);
  }
}

}  // namespace

// NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the kernel's names
extern "C" {

void kh_raise_irq(unsigned number) {
  Irq& irq = irq_of(number);
  ck_lock(&irq);
  irq.raised = true;
  deliver(irq);
  ck_unlock(&irq);
}

[[gnu::weak]] int request_threaded_irq(unsigned number, Handler handler, Handler thread_function,
                                       unsigned long flags, const char* name, void* device) {
  ck_may_sleep("request_irq()");
  if (handler == nullptr && (thread_function == nullptr || (flags & kOneshot) == 0))
    return -kInvalid;
  Irq& irq = irq_of(number);
  ck_lock(&irq);
  const bool busy = irq.requested;
  if (busy && (flags & kShared) != 0)
    ck_report("unmodelled kernel symbol", "an interrupt that is shared");
  if (!busy) {
    irq.requested = true;
    irq.handler = handler;
    irq.thread_function = thread_function;
    irq.device = device;
    irq.name = name;
    irq.flags = flags;
    irq.disabled = (flags & kNoAutoEnable) != 0 ? 1 : 0;
    irq.raised = irq.masked = false;
  }
  ck_unlock(&irq);
  return busy ? -kBusy : 0;
}

void synchronize_hardirq(unsigned number) { wait_for_handler(irq_of(number)); }
[[gnu::weak]] void synchronize_irq(unsigned number) {
  ck_may_sleep("synchronize_irq()");
  wait_for_handler(irq_of(number));
  wait_for_threads(irq_of(number));
}

[[gnu::weak]] const void* free_irq(unsigned number, void* device) {
  ck_may_sleep("free_irq()");
  Irq& irq = irq_of(number);
  ck_lock(&irq);
  const bool mine = irq.requested && irq.device == device;
  if (mine) irq.requested = false;
  ck_unlock(&irq);
  if (!mine) {
    ck_report("WARN_ON", "free_irq() of an interrupt that is not the caller's");
    return nullptr;
  }
  wait_for_handler(irq);
  wait_for_threads(irq);
  irq.device = nullptr;  // or it would not be a leak
  return irq.name;
}

void disable_irq_nosync(unsigned number) {
  Irq& irq = irq_of(number);
  ck_lock(&irq);
  ++irq.disabled;
  ck_unlock(&irq);
}
void disable_irq(unsigned number) {
  ck_may_sleep("disable_irq()");
  disable_irq_nosync(number);
  wait_for_handler(irq_of(number));
  wait_for_threads(irq_of(number));
}
void enable_irq(unsigned number) {
  Irq& irq = irq_of(number);
  ck_lock(&irq);
  if (irq.disabled == 0) {
    ck_report("WARN_ON", "enable_irq() of an interrupt that is not disabled");
  } else {
    --irq.disabled;
    deliver(irq);
  }
  ck_unlock(&irq);
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
