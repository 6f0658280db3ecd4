// SPDX-License-Identifier: MIT
// call_rcu, kfree_rcu and synchronize_rcu: what is deferred really runs later.
//
// A grace period ends when the runner says so (after each call, or at the end of a sequence) and
// inside synchronize_rcu(); never inside a reader.
#include "runtime.h"

#define PENDING_MAX 65536U
/* kfree_rcu() passes the offset of the rcu_head in place of a function. */
#define OFFSET_MAX 4096U

struct rcu_head {
	struct rcu_head *next;
	void (*func)(struct rcu_head *);
};

struct pending {
	struct rcu_head *head;
	void (*func)(struct rcu_head *); /* NULL: `object` is freed instead */
	void *object;
	struct kh_stack queued_at;
};

static struct pending *pending;
static unsigned count;
static const struct kh_stack *origin;

const struct kh_stack *kh_callback_origin(void)
{
	return origin;
}

void kh_rcu_start(void)
{
	pending = kh_private_memory(PENDING_MAX * sizeof(*pending));
}

static void queue(struct rcu_head *head, void (*func)(struct rcu_head *), void *object)
{
	struct kh_stack here;
	unsigned i;

	KH_HERE(&here);
	for (i = 0; i < count; i++) {
		if (pending[i].head == head) {
			kh_report(KH_FATAL, "double call_rcu",
				  (struct kh_stacks){ &here, NULL, &pending[i].queued_at },
				  "the object already waits for a grace period");
		}
	}
	if (count == PENDING_MAX) {
		kh_report(KH_FATAL, "endless loop", (struct kh_stacks){ &here, NULL, NULL },
			  "%u objects wait for a grace period", count);
	}
	/* The kernel writes both words: AddressSanitizer sees it here as it would there. */
	*(struct rcu_head *volatile *)&head->next = NULL;
	head->func = func;
	pending[count++] = (struct pending){ head, func, object, here };
}

void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *))
{
	const uintptr_t offset = (uintptr_t)func;

	if (offset < OFFSET_MAX)
		queue(head, NULL, (char *)head - offset);
	else
		queue(head, func, NULL);
}

void call_rcu_hurry(struct rcu_head *head, void (*func)(struct rcu_head *))
{
	call_rcu(head, func);
}

/* The second argument is the offset before 6.3 and the object since. */
void kvfree_call_rcu(struct rcu_head *head, void *object)
{
	const uintptr_t offset = (uintptr_t)object;

	queue(head, NULL, offset < OFFSET_MAX ? (char *)head - offset : object);
}

void kh_grace_period(void)
{
	unsigned i;

	/* A callback that queues another waits for a grace period more, which follows at once. */
	for (i = 0; i < count; i++) {
		const struct pending now = pending[i];

		pending[i].head = NULL;
		origin = &pending[i].queued_at;
		kh_context_enter();
		if (now.func)
			now.func(now.head);
		else
			kh_release(now.object);
		kh_context_leave();
	}
	origin = NULL;
	count = 0;
}

void kh_mark_pending(void)
{
	unsigned i;

	for (i = 0; i < count; i++)
		kh_mark(&pending[i].head, &pending[i].head + 1);
}

void synchronize_rcu(void)
{
	struct kh_stack here;

	kh_might_sleep("synchronize_rcu()");
	if (kh_readers()) {
		KH_HERE(&here);
		kh_report(KH_FATAL, "deadlock", (struct kh_stacks){ &here, NULL, NULL },
			  "synchronize_rcu() inside an RCU reader waits for itself");
	}
	kh_grace_period();
}

void synchronize_rcu_expedited(void) { synchronize_rcu(); }
void rcu_barrier(void) { synchronize_rcu(); }
