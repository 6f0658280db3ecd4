// SPDX-License-Identifier: MIT
// Completions: a count that complete() raises and each waiter lowers by one.
//
// Waits have no timeout: one that nothing ends is a deadlock of the engine's.  Where the count
// changes under the lock it is marked, although the kernel's is plain: completion_done() looks at
// it without.
#include <linux/completion.h>
#include <linux/sched.h>
#include <linux/swait.h>

#include "target.h"

void __init_swait_queue_head(struct swait_queue_head *queue, const char *name,
			     struct lock_class_key *key)
{
	raw_spin_lock_init(&queue->lock);
	INIT_LIST_HEAD(&queue->task_list);
}

void wait_for_completion(struct completion *x)
{
	/* Its task is its number in the engine. */
	struct swait_queue sleeper = { .task = (void *)(unsigned long)ck_self() };

	might_sleep();
	raw_spin_lock_irq(&x->wait.lock);
	while (!x->done) {
		list_add_tail(&sleeper.task_list, &x->wait.task_list);
		ck_prepare_to_sleep();
		raw_spin_unlock_irq(&x->wait.lock);
		ck_sleep(0);
		raw_spin_lock_irq(&x->wait.lock);
	}
	if (x->done != UINT_MAX)
		WRITE_ONCE(x->done, x->done - 1);
	raw_spin_unlock_irq(&x->wait.lock);
}

void complete(struct completion *x)
{
	struct swait_queue *sleeper;
	unsigned long flags;

	raw_spin_lock_irqsave(&x->wait.lock, flags);
	if (x->done != UINT_MAX)
		WRITE_ONCE(x->done, x->done + 1);
	sleeper = list_first_entry_or_null(&x->wait.task_list, struct swait_queue, task_list);
	if (sleeper) {
		list_del_init(&sleeper->task_list);
		ck_wake((int)(unsigned long)sleeper->task);
	}
	raw_spin_unlock_irqrestore(&x->wait.lock, flags);
}

/* Behind it, the call of complete() that it has seen the effect of is over. */
bool completion_done(struct completion *x)
{
	unsigned long flags;

	if (!READ_ONCE(x->done))
		return false;
	raw_spin_lock_irqsave(&x->wait.lock, flags);
	raw_spin_unlock_irqrestore(&x->wait.lock, flags);
	return true;
}
