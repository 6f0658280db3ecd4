// SPDX-License-Identifier: MIT
// Wait queues, with the state that a sleeper waits in: a wake-up for interruptible sleepers does not
// wake others.
//
// A wait that only its timeout ends is a report: the engine lets time pass where nobody else can run,
// and then a wake-up is missing, or what is waited for never comes.  No signals.
#include <linux/sched.h>
#include <linux/wait.h>

#include "target.h"

/* Of the sleeper in an entry: its thread of the engine's, and the state that it sleeps in. */
#define STATE_BITS 16

static void *sleeper(unsigned int state)
{
	return (void *)((unsigned long)ck_self() << STATE_BITS | state);
}

void __init_waitqueue_head(struct wait_queue_head *queue, const char *name,
			   struct lock_class_key *key)
{
	spin_lock_init(&queue->lock);
	INIT_LIST_HEAD(&queue->head);
}

/* Wakes if the state is one of those in `mode`. */
int autoremove_wake_function(struct wait_queue_entry *entry, unsigned int mode, int sync,
			     void *key)
{
	const unsigned long who = (unsigned long)entry->private;

	if (!(who & mode & ((1UL << STATE_BITS) - 1)))
		return 0;
	list_del_init_careful(&entry->entry);
	ck_wake((int)(who >> STATE_BITS));
	return 1;
}

void init_wait_entry(struct wait_queue_entry *entry, int flags)
{
	entry->flags = (unsigned int)flags;
	entry->private = sleeper(0);
	entry->func = autoremove_wake_function;
	INIT_LIST_HEAD(&entry->entry);
}

long prepare_to_wait_event(struct wait_queue_head *queue, struct wait_queue_entry *entry,
			   int state)
{
	unsigned long flags;

	if (entry->flags & WQ_FLAG_EXCLUSIVE)
		ck_report("unmodelled kernel symbol", "a wait that is exclusive");
	spin_lock_irqsave(&queue->lock, flags);
	entry->private = sleeper((unsigned int)state);
	if (list_empty(&entry->entry))
		list_add(&entry->entry, &queue->head);
	ck_prepare_to_sleep();
	spin_unlock_irqrestore(&queue->lock, flags);
	return 0;
}

/* Whoever has been woken is on no list any more, and the queue may be gone. */
void finish_wait(struct wait_queue_head *queue, struct wait_queue_entry *entry)
{
	unsigned long flags;

	if (list_empty_careful(&entry->entry))
		return;
	spin_lock_irqsave(&queue->lock, flags);
	list_del_init(&entry->entry);
	spin_unlock_irqrestore(&queue->lock, flags);
}

int __wake_up(struct wait_queue_head *queue, unsigned int mode, int nr, void *key)
{
	struct wait_queue_entry *entry, *next;
	unsigned long flags;
	int woken = 0;

	spin_lock_irqsave(&queue->lock, flags);
	list_for_each_entry_safe(entry, next, &queue->head, entry)
		woken += entry->func(entry, mode, 0, key);
	spin_unlock_irqrestore(&queue->lock, flags);
	return woken;
}

/* Behind the macros of current_thread.h and as_on_smp.h. */
void kh_set_current_state(unsigned int state)
{
	if (state != TASK_RUNNING)
		ck_prepare_to_sleep();
}

long schedule_timeout(long timeout)
{
	ck_may_sleep("schedule_timeout()");
	if (ck_sleep(timeout != MAX_SCHEDULE_TIMEOUT))
		return timeout;
	ck_report("missed wake-up", "the wait ends by its timeout: nobody wakes it");
	return 0;
}

void schedule(void)
{
	schedule_timeout(MAX_SCHEDULE_TIMEOUT);
}
