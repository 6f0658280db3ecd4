// SPDX-License-Identifier: MIT
// A target whose calls are C functions with kernel headers: what such a file (target_NAME.c) gives,
// and what it may use.
//
// Scenarios are lists of these calls (impl/linux/targets.cc).  A call is what the specification
// would call one: it is what histories show.
#ifndef KH_TARGET_H
#define KH_TARGET_H

/* What a call answers when its precondition does not hold: it has not been made. */
#define KH_NOT_MADE (-4096L)

struct kh_call {
	const char *name;
	/* `thread`: 0 in the set-up, 1 .. for the threads of the scenario. */
	long (*make)(unsigned int thread);
};

/* ---- given by the target ---- */
extern const struct kh_call kh_calls[]; /* ends with a NULL name */
/* Builds what calls need; before the set-up. */
void kh_target_boot(void);
/* Behind the set-up, before `threads` threads run. */
void kh_target_start(unsigned int threads);
/* Optional: when they have ended, and actors run: stops kernel threads, which would wait for ever. */
void kh_target_stop(void);
/* When all have ended: gives back what is left.  What cannot be reached then is a leak. */
void kh_target_finish(void);

/* ---- given by the engine and by impl/linux/scheduled ---- */
/* NOLINTBEGIN(readability-redundant-declaration): client.h does not go along */
void ck_report(const char *kind, const char *message);
int ck_self(void);
void ck_may_sleep(const char *what);
void ck_prepare_to_sleep(void);
int ck_sleep(int with_timeout);
void ck_wake(int thread);
void ck_await(void);
void ck_join(int thread);
/* NOLINTEND(readability-redundant-declaration) */
/* A thread beside those of the scenario; in a set-up: with them.  Its number goes to *thread. */
void kh_start_actor(const char *name, void (*function)(void *), void *argument, int *thread);
/* The hardware raises an interrupt (requested by request_irq() and its like). */
void kh_raise_irq(unsigned int irq);
/* Whether a driver's operation fails: both are tried where failing allocations are. */
int kh_may_fail(void);
/* At the end: how many timers are pending; fires them, each once. */
unsigned int kh_pending_timers(void);
unsigned int kh_let_time_pass(void);

#endif
