// SPDX-License-Identifier: MIT
// Spin locks and RCU readers with the checks of lockdep: recursion, balance, sleeping in atomic.
//
// The kernel objects hold no lock state: a table keyed by the lock's address does.  One thread
// runs, so that a lock which is held can only be held by the caller: a deadlock.
#include "runtime.h"

#define HELD_MAX 32U

struct held {
	const void *lock;
	struct kh_stack taken_at;
};

static struct held held[HELD_MAX];
static unsigned depth;
static unsigned readers;      /* rcu_read_lock() seen through lockdep's annotation */
static unsigned raw_readers;  /* ... through __rcu_read_lock(), which only some kernels call */
static unsigned contexts;
static struct kh_stack reader_began_at;

/* What lockdep's annotations name; kernels declare them as struct lockdep_map. */
char rcu_lock_map[256], rcu_bh_lock_map[256], rcu_sched_lock_map[256], rcu_callback_map[256];

unsigned kh_locks_held(void)
{
	return depth;
}

unsigned kh_readers(void)
{
	return readers > raw_readers ? readers : raw_readers;
}

void kh_context_enter(void)
{
	contexts++;
}

void kh_context_leave(void)
{
	contexts--;
}

void kh_might_sleep(const char *what)
{
	struct kh_stack here;

	KH_HERE(&here);
	if (depth) {
		kh_report(KH_CONTINUE, "sleep in atomic context",
			  (struct kh_stacks){ &here, NULL, NULL }, "%s with a spin lock held", what);
	} else if (kh_readers()) {
		kh_report(KH_CONTINUE, "sleep in atomic context",
			  (struct kh_stacks){ &here, NULL, NULL }, "%s inside an RCU reader", what);
	} else if (contexts) {
		kh_report(KH_CONTINUE, "sleep in atomic context",
			  (struct kh_stacks){ &here, NULL, NULL }, "%s in an RCU callback", what);
	}
}

static struct held *find(const void *lock)
{
	unsigned i;

	for (i = 0; i < depth; i++) {
		if (held[i].lock == lock)
			return &held[i];
	}
	return NULL;
}

/* Reads the lock's memory, so that AddressSanitizer sees a lock inside a freed object. */
static void touch(const void *lock)
{
	(void)*(const volatile char *)lock;
}

static void acquire(const void *lock)
{
	struct kh_stack here;
	struct held *old = find(lock);

	touch(lock);
	KH_HERE(&here);
	if (old || depth == HELD_MAX) {
		kh_report(KH_FATAL, "deadlock",
			  (struct kh_stacks){ &here, old ? &old->taken_at : NULL, NULL },
			  old ? "a spin lock is taken by who already holds it"
			      : "more than %u spin locks are held", HELD_MAX);
	}
	held[depth].lock = lock;
	held[depth].taken_at = here;
	depth++;
}

static void release(const void *lock)
{
	struct kh_stack here;
	struct held *old = find(lock);

	touch(lock);
	if (!old) {
		KH_HERE(&here);
		kh_report(KH_CONTINUE, "unbalanced unlock", (struct kh_stacks){ &here, NULL, NULL },
			  "a spin lock is released that is not held");
		return;
	}
	*old = held[--depth];
	held[depth].lock = NULL; /* or the leak check would find the object through it */
}

void __raw_spin_lock_init(void *lock, const char *name, void *key, short inner)
{
	(void)name;
	(void)key;
	(void)inner;
	touch(lock);
}

void _raw_spin_lock(void *lock) { acquire(lock); }
void _raw_spin_lock_nested(void *lock, int subclass) { (void)subclass; acquire(lock); }
void _raw_spin_lock_bh(void *lock) { acquire(lock); }
void _raw_spin_lock_irq(void *lock) { acquire(lock); }
unsigned long _raw_spin_lock_irqsave(void *lock) { acquire(lock); return 0; }
void _raw_spin_unlock(void *lock) { release(lock); }
void _raw_spin_unlock_bh(void *lock) { release(lock); }
void _raw_spin_unlock_irq(void *lock) { release(lock); }
void _raw_spin_unlock_irqrestore(void *lock, unsigned long flags) { (void)flags; release(lock); }

int _raw_spin_trylock(void *lock)
{
	touch(lock);
	if (find(lock))
		return 0;
	acquire(lock);
	return 1;
}

static bool is_rcu(const void *map)
{
	return map == rcu_lock_map || map == rcu_bh_lock_map || map == rcu_sched_lock_map;
}

void lock_acquire(void *map, unsigned subclass, int trylock, int read, int check, void *nest,
		  unsigned long ip)
{
	(void)subclass, (void)trylock, (void)read, (void)check, (void)nest, (void)ip;
	if (is_rcu(map) && readers++ == 0)
		KH_HERE(&reader_began_at);
}

static void leave_reader(unsigned *count)
{
	struct kh_stack here;

	if (*count) {
		--*count;
		return;
	}
	KH_HERE(&here);
	kh_report(KH_CONTINUE, "unbalanced unlock", (struct kh_stacks){ &here, NULL, NULL },
		  "rcu_read_unlock() outside of a reader");
}

void lock_release(void *map, unsigned long ip)
{
	(void)ip;
	if (is_rcu(map))
		leave_reader(&readers);
}

void __rcu_read_lock(void)
{
	if (raw_readers++ == 0)
		KH_HERE(&reader_began_at);
}

void __rcu_read_unlock(void) { leave_reader(&raw_readers); }

/* A spin lock holds its lockdep_map inside itself; maps of other things are believed to be held. */
int lock_is_held_type(const void *map, int read)
{
	unsigned i;

	(void)read;
	if (is_rcu(map))
		return kh_readers() > 0;
	for (i = 0; i < depth; i++) {
		if ((const char *)map >= (const char *)held[i].lock &&
		    (const char *)map < (const char *)held[i].lock + kh_facts.spinlock_size)
			return 1;
	}
	return 0;
}

int debug_lockdep_rcu_enabled(void) { return 1; }
int rcu_read_lock_held(void) { return kh_readers() > 0; }
/* Since 5.0 a region that cannot be preempted is a reader as well. */
int rcu_read_lock_sched_held(void) { return kh_readers() > 0 || depth > 0 || contexts > 0; }
int rcu_read_lock_bh_held(void) { return rcu_read_lock_sched_held(); }
int rcu_read_lock_any_held(void) { return rcu_read_lock_sched_held(); }

void kh_locks_after_call(void)
{
	if (depth) {
		kh_report(KH_FATAL, "lock held on return",
			  (struct kh_stacks){ &held[0].taken_at, NULL, NULL },
			  "the call returned with %u spin lock(s) held", depth);
	}
	if (kh_readers()) {
		kh_report(KH_FATAL, "lock held on return",
			  (struct kh_stacks){ &reader_began_at, NULL, NULL },
			  "the call returned inside an RCU reader");
	}
}
