// SPDX-License-Identifier: MIT
// Who runs, for code that sleeps and wakes others by their task: user-mode Linux would look for it
// where the scheduler has none.  Included before each kernel file of a target that needs it.
#if !defined(KH_CURRENT_THREAD_H) && !defined(__UM_HOST__) /* no files of the host's side */
#define KH_CURRENT_THREAD_H

#include <linux/sched.h>

/* One for each thread; there is nothing in it. */
struct task_struct *kh_current(void);
#undef current
#define current kh_current()

/* Who is about to sleep. */
void kh_set_current_state(unsigned int state);
#undef set_current_state
#undef __set_current_state
#define set_current_state(state) kh_set_current_state(state)
#define __set_current_state(state) kh_set_current_state(state)

#endif
