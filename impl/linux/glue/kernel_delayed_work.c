// SPDX-License-Identifier: MIT
// Delayed work: a timer whose function queues the item.
#include <linux/timer.h>
#include <linux/workqueue.h>

#include "target.h"

void kh_queue_pending_work(struct workqueue_struct *wq, struct work_struct *work);

void delayed_work_timer_fn(struct timer_list *timer)
{
	struct delayed_work *dwork = from_timer(dwork, timer, timer);

	kh_queue_pending_work(dwork->wq, &dwork->work);
}

bool queue_delayed_work_on(int cpu, struct workqueue_struct *wq, struct delayed_work *dwork,
			   unsigned long delay)
{
	if (test_and_set_bit(WORK_STRUCT_PENDING_BIT, work_data_bits(&dwork->work)))
		return false;
	dwork->wq = wq;
	dwork->cpu = cpu;
	dwork->timer.expires = jiffies + delay;
	add_timer(&dwork->timer);
	return true;
}

bool cancel_delayed_work_sync(struct delayed_work *dwork)
{
	if (timer_delete_sync(&dwork->timer)) {
		clear_bit(WORK_STRUCT_PENDING_BIT, work_data_bits(&dwork->work));
		return true;
	}
	return cancel_work_sync(&dwork->work);
}
