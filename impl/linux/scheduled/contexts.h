// SPDX-License-Identifier: MIT
// Contexts of threads: interrupts, preemption, CPUs; and actors, which are threads that a scenario
// has not named.
#ifndef IOMMUCHECK_IMPL_LINUX_SCHEDULED_CONTEXTS_H
#define IOMMUCHECK_IMPL_LINUX_SCHEDULED_CONTEXTS_H

#include "impl/linux/scheduled/program.h"

namespace iommucheck::linux_harness::scheduled {

inline constexpr unsigned kMostThreads = 16;  ///< of an execution, by the engine's numbers

void stop_preemption();
void allow_preemption();

/// The thread runs an interrupt from here on, which must not sleep; `kind`: of ck_interrupt.
void enter_interrupt(unsigned kind);
void leave_interrupt(unsigned kind);
bool inside_interrupt(unsigned kind);

/// Gives the depth before, for restore_interrupts().
unsigned disable_interrupts();
void restore_interrupts(unsigned depth);
void disable_soft_interrupts();
void enable_soft_interrupts();

/// For the rule of locks that are taken in interrupts: it is about to be taken; it is held; it is
/// not.
void note_spinning(const void* lock);
void hold_spinning(const void* lock);
void forget_spinning(const void* lock);

/// A thread on the CPU of who starts it.  Not in a set-up, where nothing runs beside it.
int start_actor(const char* name, void (*function)(void*), void* argument);
/// The same, and in a set-up it is started with the threads of the scenario.  Its number goes to
/// `*thread`, if given.
void start_actor_later(const char* name, void (*function)(void*), void* argument, int* thread);
/// What the set-up has left to actors begins with the first thread of the scenario.
void start_actors();
void start_timers();
/// What waits for a time that the scenario does not reach happens behind its end.
void end_timers();

}  // namespace iommucheck::linux_harness::scheduled

#endif  // IOMMUCHECK_IMPL_LINUX_SCHEDULED_CONTEXTS_H
