// SPDX-License-Identifier: MIT
// Where a thread runs: on which CPU, in a task or in an interrupt, and with which interrupts
// disabled.
//
// Each thread of a scenario is a CPU of its own, and what it starts runs there, too.
#include "impl/linux/scheduled/contexts.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "checker/schedule/client.h"

// NOLINTNEXTLINE(readability-redundant-declaration): not every target has it
extern "C" void kh_target_stop() __attribute__((weak));

namespace iommucheck::linux_harness::scheduled {
namespace {

struct Context {
  unsigned inside;      ///< of which interrupts
  unsigned irq_off;     ///< depth
  unsigned irq_blocks;  ///< of these, without a lock
  unsigned bh_off;
  std::array<std::uintptr_t, 8> spinning;  ///< locks that are held, see hidden()
  unsigned spinning_count;
};
std::array<Context, kMostThreads> contexts;
const Restored kRestoreContexts{&contexts, sizeof(contexts)};

/// Of what others have started.  A thread of the engine's has the same parent in each execution.
std::array<unsigned, kMostThreads> cpus;

/// Actors of the set-up's.
struct Later {
  const char* name;
  void (*function)(void*);
  void* argument;
  int* thread;
};
std::array<Later, kMostThreads> laters;
const Restored kRestoreLaters{&laters, sizeof(laters)};

void stop_target(void*) {
  for (unsigned thread = 1; thread <= scenario_threads(); ++thread) {
    ck_join(static_cast<int>(thread));
  }
  kh_target_stop();
}

Context& mine() { return contexts.at(static_cast<std::size_t>(ck_self())); }

/// Which interrupts may come here.
unsigned open_to(const Context& context) {
  unsigned open = 0;
  if (context.irq_off != 0 || (context.inside & CK_HARD_INTERRUPT) != 0) return open;
  open |= CK_HARD_INTERRUPT;
  if (context.bh_off == 0 && context.inside == 0) open |= CK_SOFT_INTERRUPT;
  return open;
}

void note_held(const Context& context) {
  const unsigned open = open_to(context);
  for (unsigned i = 0; open != 0 && i < context.spinning_count; ++i) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr): it was one
    ck_lock_use(reinterpret_cast<const void*>(~context.spinning.at(i)), 0, open);
  }
}

}  // namespace

// ---- what cannot be preempted; since 5.0 grace periods wait for it ----

void stop_preemption() {
  ck_atomic_enter();
  ck_reader_begin();
}
void allow_preemption() {
  ck_reader_end();
  ck_atomic_leave();
}

// ---- interrupts ----

void enter_interrupt(unsigned kind) {
  ck_atomic_enter();
  mine().inside |= kind;
}
void leave_interrupt(unsigned kind) {
  mine().inside &= ~kind;
  ck_atomic_leave();
}
bool inside_interrupt(unsigned kind) { return (mine().inside & kind) != 0; }

unsigned disable_interrupts() { return mine().irq_off++; }
void restore_interrupts(unsigned depth) {
  Context& context = mine();
  const bool enables = context.irq_off != 0 && depth == 0;
  context.irq_off = depth;
  if (enables) note_held(context);
}
void disable_soft_interrupts() { ++mine().bh_off; }
void enable_soft_interrupts() {
  Context& context = mine();
  if (context.bh_off == 0) return;
  if (--context.bh_off == 0) note_held(context);
}

void note_spinning(const void* lock) {
  Context& context = mine();
  ck_lock_use(lock, context.inside, open_to(context));
}
void hold_spinning(const void* lock) {
  Context& context = mine();
  if (context.spinning_count < context.spinning.size())
    context.spinning.at(context.spinning_count++) = hidden(lock);
}
void forget_spinning(const void* lock) {
  Context& context = mine();
  for (unsigned i = context.spinning_count; i-- > 0;) {
    if (context.spinning.at(i) != hidden(lock)) continue;
    context.spinning.at(i) = context.spinning.at(--context.spinning_count);
    return;
  }
}

// ---- actors ----

int start_actor(const char* name, void (*function)(void*), void* argument) {
  const unsigned cpu = kh_cpu();
  const int thread = ck_spawn(name, function, argument);
  cpus.at(static_cast<std::size_t>(thread)) = cpu;
  return thread;
}

void start_actor_later(const char* name, void (*function)(void*), void* argument, int* thread) {
  if (ck_self() != 0) {
    const int started = start_actor(name, function, argument);
    if (thread == nullptr) return;
    ck_marked_write(thread, sizeof(*thread), CK_RELEASE);
    *thread = started;
    return;
  }
  for (Later& one : laters) {
    if (one.function != nullptr) continue;
    one = {name, function, argument, thread};
    return;
  }
  ck_report_fatal("too many threads", "that the set-up leaves");
}

void start_actors() {
  start_timers();
  for (Later& one : laters) {
    if (one.function == nullptr) continue;
    start_actor_later(one.name, one.function, one.argument, one.thread);
    one = {};
  }
  if (kh_target_stop != nullptr) start_actor("the end", stop_target, nullptr);
}

}  // namespace iommucheck::linux_harness::scheduled

namespace scheduled = iommucheck::linux_harness::scheduled;

// NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the kernel's names
extern "C" {

unsigned kh_cpu() {
  const auto self = static_cast<unsigned>(ck_self());
  if (self == 0) return 0;  // the set-up
  return self <= scheduled::scenario_threads() ? self - 1 : scheduled::cpus.at(self);
}
unsigned kh_cpus() { return std::max(1U, scheduled::scenario_threads()); }

void kh_start_actor(const char* name, void (*function)(void*), void* argument, int* thread) {
  scheduled::start_actor_later(name, function, argument, thread);
}

// ---- local_irq_save() and its like in user-mode Linux ----

/// What is saved: each restores one depth, so that it need not change.
int signals_enabled = 1;
void block_signals() {
  ++scheduled::mine().irq_blocks;
  scheduled::disable_interrupts();
  scheduled::stop_preemption();
}
int um_set_signals(int enable) {
  scheduled::Context& context = scheduled::mine();
  if (enable == 0) block_signals();
  if (enable == 0 || context.irq_blocks == 0) return 1;
  --context.irq_blocks;
  scheduled::allow_preemption();
  scheduled::restore_interrupts(context.irq_off - 1);
  return 1;
}
void unblock_signals() {
  while (scheduled::mine().irq_blocks != 0) um_set_signals(1);
  scheduled::restore_interrupts(0);
}
void trace_hardirqs_on() {}
void trace_hardirqs_off() {}

void __local_bh_disable_ip(unsigned long, unsigned) {
  scheduled::disable_soft_interrupts();
  scheduled::stop_preemption();
}
void __local_bh_enable_ip(unsigned long, unsigned) {
  scheduled::allow_preemption();
  scheduled::enable_soft_interrupts();
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
