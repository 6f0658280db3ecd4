/* SPDX-License-Identifier: MIT
 * What a program under test says to the engine, in C: the kernel harness and test programs use it.
 *
 * Outside of an exploration every call does nothing and answers success.  Memory accesses need no
 * call: code compiled with -fsanitize=thread reports them by itself (tsan.cc).
 */
#ifndef IOMMUCHECK_CHECKER_SCHEDULE_CLIENT_H
#define IOMMUCHECK_CHECKER_SCHEDULE_CLIENT_H

#ifdef __cplusplus
extern "C" {
#endif

/* ---- locks: any address is one ---- */
void ck_lock(const void* lock);
int ck_trylock(const void* lock); /* 1: taken */
void ck_unlock(const void* lock);
void ck_lock_shared(const void* lock);
int ck_trylock_shared(const void* lock);
void ck_unlock_shared(const void* lock);
int ck_holds(const void* lock);
/* Kinds of interrupts, a bit each, as lockdep tells them apart. */
enum ck_interrupt { CK_HARD_INTERRUPT = 1, CK_SOFT_INTERRUPT = 2 };
/* The lock is taken, or held: inside of which of them, and which of them may come meanwhile.  A
 * lock that is seen both ways, in any two executions, is reported. */
void ck_lock_use(const void* lock, unsigned inside, unsigned open);

/* ---- readers and grace periods ---- */
void ck_reader_begin(void);
void ck_reader_end(void);
unsigned ck_reader_depth(void);
void ck_synchronize(void);
/* Calls function(argument) as a thread of its own, after the readers of now. */
void ck_after_grace(const char* name, void (*function)(void*), void* argument);
/* Frees an object of ck_alloc() after the readers of now; NULL does nothing. */
void ck_free_after_grace(void* object);

/* ---- memory ---- */
void* ck_alloc(unsigned long size, unsigned long align, int zero);
void ck_free(void* object); /* NULL does nothing */
/* Of an object of ck_alloc() that is there; 0: there is none. */
unsigned long ck_size(const void* object);
/* An access by code that is not instrumented; any size.  What is read need not be initialised: the
 * padding of structures is copied, too. */
void ck_read(const void* address, unsigned long size);
void ck_write(const void* address, unsigned long size);
/* A marked access that happens right behind the call: a scheduling point.  1 .. 16 bytes. */
enum ck_order { CK_RELAXED = 0, CK_ACQUIRE = 1, CK_RELEASE = 2 };
void ck_marked_read(const void* address, unsigned size, int order);
void ck_marked_write(const void* address, unsigned size, int order);
void ck_marked_modify(const void* address, unsigned size, int order);
void ck_fence(int order);
/* The next marked write of this thread has release semantics. */
void ck_release_next(void);

/* ---- threads ---- */
int ck_spawn(const char* name, void (*function)(void*), void* argument); /* its number */
void ck_join(int thread);
int ck_self(void);
/* Sleeping: prepare, look whether it is needed, sleep.  A wake-up in between is not lost. */
void ck_prepare_to_sleep(void);
int ck_sleep(int with_timeout); /* 0: nobody woke it, and nobody else could run */
void ck_wake(int thread);
/* Inside a loop that waits for memory to change: waits until what was last read is written. */
void ck_await(void);
/* The same where the loop looks at several places: until any that it has read is written. */
void ck_yield(void);

/* ---- choices, reports, history ---- */
unsigned ck_choose(unsigned alternatives); /* every answer below it is tried */
/* Contexts that must not sleep: spin locks, disabled interrupts. */
void ck_atomic_enter(void);
void ck_atomic_leave(void);
int ck_atomic_depth(void);
void ck_may_sleep(const char* what);
void ck_report(const char* kind, const char* message);       /* the thread goes on */
void ck_report_fatal(const char* kind, const char* message); /* it does not */
void ck_call_begin(const char* call);
void ck_call_end(const char* result);
void ck_note(const char* text);

#ifdef __cplusplus
}
#endif

#endif
