// SPDX-License-Identifier: MIT
// All threads are one process, which has an address space, an owner and credentials: for code that
// pins its memory.  User-mode Linux would look for it where the scheduler has none.  Included before
// each kernel file of a target that needs it.
#if !defined(KH_CURRENT_PROCESS_H) && !defined(__UM_HOST__) /* no files of the host's side */
#define KH_CURRENT_PROCESS_H

#include <linux/sched.h>

extern struct task_struct kh_process;
#undef current
#define current (&kh_process)

#endif
