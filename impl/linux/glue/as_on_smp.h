// SPDX-License-Identifier: MIT
// Several CPUs, where user-mode Linux has one: each thread of a scenario is one, and what it starts
// runs there.  Included before each kernel file of a target that looks at per-CPU data.
#if !defined(KH_AS_ON_SMP_H) && !defined(__UM_HOST__) /* no files of the host's side */
#define KH_AS_ON_SMP_H

#include <linux/cpumask.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

unsigned int kh_cpu(void);
unsigned int kh_cpus(void);
void *kh_per_cpu(const void *pointer, unsigned int cpu);

#undef per_cpu_ptr
#undef raw_cpu_ptr
#undef this_cpu_ptr
#define per_cpu_ptr(ptr, cpu)                                                                      \
	({                                                                                         \
		__verify_pcpu_ptr(ptr);                                                            \
		(typeof(*(ptr)) __kernel __force *)kh_per_cpu((const void __force *)(ptr), cpu);   \
	})
#define raw_cpu_ptr(ptr) per_cpu_ptr(ptr, kh_cpu())
#define this_cpu_ptr(ptr) raw_cpu_ptr(ptr)

/* A thread that is about to sleep: there are no task_structs but those of kernel threads. */
void kh_set_current_state(unsigned int state);
#undef set_current_state
#undef __set_current_state
#define set_current_state(state) kh_set_current_state(state)
#define __set_current_state(state) kh_set_current_state(state)

/* A uniprocessor's lock word says nothing. */
int ck_holds(const void *lock);
#undef assert_spin_locked
#define assert_spin_locked(lock) BUG_ON(!ck_holds(lock))

#undef for_each_possible_cpu
#undef for_each_online_cpu
#undef num_online_cpus
#define for_each_possible_cpu(cpu) for ((cpu) = 0; (cpu) < kh_cpus(); (cpu)++)
#define for_each_online_cpu(cpu) for_each_possible_cpu(cpu)
#define num_online_cpus() kh_cpus()

#endif
