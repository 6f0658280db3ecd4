// SPDX-License-Identifier: MIT
// What the files of the C library half share: the running call, reports, locks, memory, RCU.
//
// Single-threaded: one forked child runs one sequence.
#ifndef KH_RUNTIME_H
#define KH_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness.h"

#define KH_NO_ASAN __attribute__((no_sanitize_address))
#define KH_PRINTF(text, first) __attribute__((format(printf, text, first)))

/* Memory that is no root of the leak check: what the harness itself knows about objects. */
void *kh_private_memory(size_t size);

/* ---- report.c ---- */
#define KH_FRAMES 16
struct kh_stack {
	unsigned count;
	uintptr_t pc[KH_FRAMES];
};
/* Who called: addresses inside the calling instructions, innermost first. */
void kh_walk(struct kh_stack *stack, const void *frame);
#define KH_HERE(stack) kh_walk(stack, __builtin_frame_address(0))

enum kh_severity { KH_CONTINUE, KH_FATAL };
struct kh_stacks {
	const struct kh_stack *here, *allocated, *freed; /* each may be NULL */
};
/* Writes a report; KH_FATAL ends the child. */
void kh_report(enum kh_severity severity, const char *kind, struct kh_stacks stacks,
	       const char *format, ...) KH_PRINTF(4, 5);
/* Who allocated a heap object, and who freed it if it is freed. */
void kh_object_history(const void *object, struct kh_stack *allocated, struct kh_stack *freed);
void kh_emit(const char *format, ...) KH_PRINTF(1, 2); /* one line of the answer */
void kh_emit_stack(const struct kh_stack *stack);      /* hex addresses, no end of line */
void kh_report_start(const void *main_frame);          /* once, before the first fork */
void kh_report_child(unsigned cpu_ms);                 /* in the child */
const char *kh_answer(size_t *size);                   /* in the parent */
void kh_answer_clear(void);

/* ---- locks.c ---- */
unsigned kh_locks_held(void);
unsigned kh_readers(void);
void kh_context_enter(void); /* a context that must not sleep: an RCU callback */
void kh_context_leave(void);
/* Reports what must not happen where sleeping is forbidden. */
void kh_might_sleep(const char *what);
void kh_locks_after_call(void);

/* ---- memory.c ---- */
void kh_memory_start(void);
void kh_memory_booted(void);         /* what exists now is never a leak */
/* From now on, 0: no allocation fails; 1: every one; n + 1: only the nth. */
void kh_memory_call(unsigned nomem);
void kh_release(const void *object); /* kfree() */
/* Who asked for the free that a grace period delayed; NULL if the object was freed otherwise. */
const struct kh_stack *kh_deferred_free(const void *object);
void kh_leak_check(void);
/* Marks what can be reached from the words of [from, to). */
void kh_mark(const void *from, const void *to);

/* ---- rcu.c ---- */
void kh_rcu_start(void);
void kh_grace_period(void);
/* Who queued the callback that runs now; NULL outside of callbacks. */
const struct kh_stack *kh_callback_origin(void);
void kh_mark_pending(void); /* objects that wait for a grace period can be reached */

/* ---- trace.c ---- */
void kh_trace_start(void);
void kh_trace_enable(bool on);
void kh_trace_flush(void);
/* Where the kernel code was when a signal came at `pc`: the hook has no frame at its first and
 * last instructions, so that its caller would be missing from a report. */
uintptr_t kh_trace_interrupted(uintptr_t pc);

/* ---- boot.c ---- */
void kh_symbols_start(void); /* makes every unmodelled symbol a trap */
/* The name of the unmodelled symbol at an address, or NULL. */
const char *kh_unmodelled_at(uintptr_t address);
/* Marks what can be reached from the static data of the program. */
void kh_mark_static_data(void);

/* ---- calls.c ---- */
void kh_window(unsigned base);
/* Executes one call (its text form) and writes its outcome. */
void kh_execute(const char *call, bool poison_ops);

#endif
