// SPDX-License-Identifier: MIT
// Users of timers, interrupts and kernel threads, some of them wrong: what actors_test.cc explores.
// Compiled with a kernel's headers, in place of a file of its own.
#include <linux/interrupt.h>
#include <linux/kthread.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

/* Of glue/target.h. */
void kh_raise_irq(unsigned int irq);
#define KH_NOT_MADE (-4096L)
struct kh_call {
	const char *name;
	long (*make)(unsigned int thread);
};

struct thing {
	struct timer_list timer;
	spinlock_t lock;
	int ticks;
};

static struct thing *thing;
static DEFINE_MUTEX(mutex);
static bool forgets; /* to wait for the timer at the end */

/* ---- timers ---- */

static void tick(struct timer_list *timer)
{
	struct thing *mine = from_timer(mine, timer, timer);

	spin_lock(&mine->lock);
	mine->ticks++;
	spin_unlock(&mine->lock);
}

static void tick_again(struct timer_list *timer)
{
	tick(timer);
	mod_timer(timer, jiffies + 1);
}

static void tick_asleep(struct timer_list *timer)
{
	mutex_lock(&mutex);
	mutex_unlock(&mutex);
}

static long new_thing(void (*function)(struct timer_list *))
{
	thing = kzalloc(sizeof(*thing), GFP_KERNEL);
	spin_lock_init(&thing->lock);
	timer_setup(&thing->timer, function, 0);
	return 0;
}

static long new_tick(unsigned int thread) { return new_thing(tick); }
static long new_again(unsigned int thread) { return new_thing(tick_again); }
static long new_asleep(unsigned int thread) { return new_thing(tick_asleep); }

static long arm(unsigned int thread)
{
	return mod_timer(&thing->timer, jiffies + 10);
}

static long pending(unsigned int thread)
{
	return timer_pending(&thing->timer);
}

static long del(unsigned int thread)
{
	return timer_delete(&thing->timer);
}

static long del_sync(unsigned int thread)
{
	return timer_delete_sync(&thing->timer);
}

static long shutdown(unsigned int thread)
{
	return timer_shutdown_sync(&thing->timer);
}

static long del_sync_locked(unsigned int thread)
{
	spin_lock_bh(&thing->lock);
	timer_delete_sync(&thing->timer);
	spin_unlock_bh(&thing->lock);
	return 0;
}

static long ticks(unsigned int thread)
{
	long result;

	spin_lock_bh(&thing->lock);
	result = thing->ticks;
	spin_unlock_bh(&thing->lock);
	return result;
}

static long ticks_open(unsigned int thread)
{
	long result;

	spin_lock(&thing->lock);
	result = thing->ticks;
	spin_unlock(&thing->lock);
	return result;
}

/* Soft interrupts come back before the lock is released. */
static long ticks_reopened(unsigned int thread)
{
	local_bh_disable();
	spin_lock(&thing->lock);
	local_bh_enable();
	spin_unlock(&thing->lock);
	return 0;
}

static long free_thing(unsigned int thread)
{
	kfree(thing);
	thing = NULL;
	return 0;
}

static long free_del(unsigned int thread)
{
	timer_delete(&thing->timer);
	return free_thing(thread);
}

static long free_sync(unsigned int thread)
{
	timer_delete_sync(&thing->timer);
	return free_thing(thread);
}

static long lose(unsigned int thread)
{
	timer_delete_sync(&thing->timer);
	thing = NULL;
	return 0;
}

static long forget(unsigned int thread)
{
	forgets = true;
	return 0;
}

/* ---- delayed work ---- */

struct job {
	struct delayed_work work;
	int done;
};

static struct job *job;

static void do_job(struct work_struct *work)
{
	struct job *mine = container_of(work, struct job, work.work);

	mutex_lock(&mutex); /* work may sleep */
	mine->done++;
	mutex_unlock(&mutex);
}

static long new_job(unsigned int thread)
{
	job = kzalloc(sizeof(*job), GFP_KERNEL);
	INIT_DELAYED_WORK(&job->work, do_job);
	return 0;
}

static long schedule_job(unsigned int thread)
{
	return schedule_delayed_work(&job->work, 10);
}

static long cancel_job(unsigned int thread)
{
	cancel_delayed_work_sync(&job->work);
	return 0;
}

static long jobs_done(unsigned int thread)
{
	long result;

	mutex_lock(&mutex);
	result = job->done;
	mutex_unlock(&mutex);
	return result;
}

static long free_job(unsigned int thread)
{
	kfree(job);
	job = NULL;
	return 0;
}

static long end_job(unsigned int thread)
{
	cancel_job(thread);
	return free_job(thread);
}

/* ---- interrupts ---- */

#define IRQ 1

struct unit {
	spinlock_t lock;
	int seen, done;
};

static struct unit *unit;

static irqreturn_t count_irq(int irq, void *data)
{
	struct unit *mine = data;

	spin_lock(&mine->lock);
	mine->seen++;
	spin_unlock(&mine->lock);
	return IRQ_HANDLED;
}

static irqreturn_t asleep_irq(int irq, void *data)
{
	mutex_lock(&mutex);
	mutex_unlock(&mutex);
	return IRQ_HANDLED;
}

static irqreturn_t wake_irq(int irq, void *data)
{
	count_irq(irq, data);
	return IRQ_WAKE_THREAD;
}

static irqreturn_t irq_thread(int irq, void *data)
{
	struct unit *mine = data;

	mutex_lock(&mutex); /* a thread may sleep */
	mine->done++;
	mutex_unlock(&mutex);
	return IRQ_HANDLED;
}

static long new_unit(irq_handler_t handler, irq_handler_t thread, unsigned long flags)
{
	unit = kzalloc(sizeof(*unit), GFP_KERNEL);
	spin_lock_init(&unit->lock);
	return request_threaded_irq(IRQ, handler, thread, flags, "unit", unit);
}

static long irq_plain(unsigned int thread) { return new_unit(count_irq, NULL, 0); }
static long irq_asleep(unsigned int thread) { return new_unit(asleep_irq, NULL, 0); }
static long irq_wake(unsigned int thread) { return new_unit(wake_irq, irq_thread, 0); }
static long irq_oneshot(unsigned int thread)
{
	return new_unit(NULL, irq_thread, IRQF_ONESHOT);
}

static long raise(unsigned int thread)
{
	kh_raise_irq(IRQ);
	return 0;
}

static long seen(unsigned int thread)
{
	unsigned long flags;
	long result;

	spin_lock_irqsave(&unit->lock, flags);
	result = unit->seen;
	spin_unlock_irqrestore(&unit->lock, flags);
	return result;
}

static long seen_bh(unsigned int thread)
{
	long result;

	spin_lock_bh(&unit->lock);
	result = unit->seen;
	spin_unlock_bh(&unit->lock);
	return result;
}

static long seen_local(unsigned int thread)
{
	unsigned long flags;
	long result;

	local_irq_save(flags);
	spin_lock(&unit->lock);
	result = unit->seen;
	spin_unlock(&unit->lock);
	local_irq_restore(flags);
	return result;
}

static long asleep_local(unsigned int thread)
{
	local_irq_disable();
	mutex_lock(&mutex);
	mutex_unlock(&mutex);
	local_irq_enable();
	return 0;
}

static long done(unsigned int thread)
{
	long result;

	mutex_lock(&mutex);
	result = unit->done;
	mutex_unlock(&mutex);
	return result;
}

static long synchronize(unsigned int thread)
{
	synchronize_irq(IRQ);
	return 0;
}

static long disable(unsigned int thread)
{
	disable_irq(IRQ);
	return 0;
}

static long disable_nosync(unsigned int thread)
{
	disable_irq_nosync(IRQ);
	return 0;
}

static long enable(unsigned int thread)
{
	enable_irq(IRQ);
	return 0;
}

static long disable_locked(unsigned int thread)
{
	unsigned long flags;

	spin_lock_irqsave(&unit->lock, flags);
	disable_irq_nosync(IRQ);
	synchronize_hardirq(IRQ);
	spin_unlock_irqrestore(&unit->lock, flags);
	return 0;
}

static long free_unit(unsigned int thread)
{
	struct unit *mine = unit;

	unit = NULL;
	kfree(mine);
	return 0;
}

static long free_unit_first(unsigned int thread)
{
	struct unit *mine = unit;

	unit = NULL;
	kfree(mine);
	free_irq(IRQ, mine);
	return 0;
}

static long lose_unit(unsigned int thread)
{
	free_irq(IRQ, unit);
	unit = NULL;
	return 0;
}

static long remove_unit(unsigned int thread)
{
	free_irq(IRQ, unit);
	return free_unit(thread);
}

/* ---- kernel threads ---- */

struct worker {
	struct task_struct *task;
	wait_queue_head_t queue;
	int wanted, ran;
};

static struct worker *worker;
static bool stops; /* at the end */

static int work_loop(void *data)
{
	struct worker *mine = data;

	while (!kthread_should_stop()) {
		wait_event_interruptible(mine->queue,
					 READ_ONCE(mine->wanted) || kthread_should_stop());
		if (xchg(&mine->wanted, 0))
			WRITE_ONCE(mine->ran, mine->ran + 1);
	}
	return 7;
}

static int state_loop(void *data)
{
	struct worker *mine = data;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (kthread_should_stop())
			break;
		if (xchg(&mine->wanted, 0))
			WRITE_ONCE(mine->ran, mine->ran + 1);
		else
			schedule();
	}
	__set_current_state(TASK_RUNNING);
	return 8;
}

/* It looks, and sleeps behind that. */
static int late_loop(void *data)
{
	while (!kthread_should_stop()) {
		set_current_state(TASK_INTERRUPTIBLE);
		schedule();
	}
	return 9;
}

static int ends(void *data)
{
	return 1;
}

static long new_worker(int (*function)(void *data))
{
	worker = kzalloc(sizeof(*worker), GFP_KERNEL);
	init_waitqueue_head(&worker->queue);
	worker->task = kthread_run(function, worker, "worker");
	return 0;
}

static long run_wait(unsigned int thread) { return new_worker(work_loop); }
static long run_state(unsigned int thread) { return new_worker(state_loop); }
static long run_late(unsigned int thread) { return new_worker(late_loop); }
static long run_ends(unsigned int thread) { return new_worker(ends); }

static long want(unsigned int thread)
{
	WRITE_ONCE(worker->wanted, 1);
	wake_up(&worker->queue);
	wake_up_process(worker->task);
	return 0;
}

static long ran(unsigned int thread)
{
	return READ_ONCE(worker->ran);
}

static long stop_worker(unsigned int thread)
{
	return kthread_stop(worker->task);
}

static long stop_and_free(unsigned int thread)
{
	const long result = stop_worker(thread);

	kfree(worker);
	worker = NULL;
	return result;
}

static long free_and_stop(unsigned int thread)
{
	struct task_struct *task = worker->task;

	kfree(worker);
	worker = NULL;
	return kthread_stop(task);
}

static long stop_at_the_end(unsigned int thread)
{
	stops = true;
	return 0;
}

static long never_woken(unsigned int thread)
{
	struct task_struct *task = kthread_create(work_loop, NULL, "worker");

	return kthread_stop(task);
}

const struct kh_call kh_calls[] = {
	{ "new_job", new_job },
	{ "schedule_job", schedule_job },
	{ "cancel_job", cancel_job },
	{ "jobs_done", jobs_done },
	{ "free_job", free_job },
	{ "end_job", end_job },
	{ "irq_plain", irq_plain },
	{ "irq_asleep", irq_asleep },
	{ "irq_wake", irq_wake },
	{ "irq_oneshot", irq_oneshot },
	{ "raise", raise },
	{ "seen", seen },
	{ "seen_bh", seen_bh },
	{ "seen_local", seen_local },
	{ "asleep_local", asleep_local },
	{ "done", done },
	{ "synchronize", synchronize },
	{ "disable", disable },
	{ "disable_nosync", disable_nosync },
	{ "disable_locked", disable_locked },
	{ "enable", enable },
	{ "free_unit_first", free_unit_first },
	{ "remove_unit", remove_unit },
	{ "lose_unit", lose_unit },
	{ "run_wait", run_wait },
	{ "run_state", run_state },
	{ "run_late", run_late },
	{ "run_ends", run_ends },
	{ "want", want },
	{ "ran", ran },
	{ "stop_worker", stop_worker },
	{ "stop_and_free", stop_and_free },
	{ "free_and_stop", free_and_stop },
	{ "stop_at_the_end", stop_at_the_end },
	{ "never_woken", never_woken },
	{ "new_tick", new_tick },
	{ "new_again", new_again },
	{ "new_asleep", new_asleep },
	{ "arm", arm },
	{ "pending", pending },
	{ "del", del },
	{ "del_sync", del_sync },
	{ "shutdown", shutdown },
	{ "del_sync_locked", del_sync_locked },
	{ "ticks", ticks },
	{ "ticks_open", ticks_open },
	{ "ticks_reopened", ticks_reopened },
	{ "free", free_thing },
	{ "free_del", free_del },
	{ "free_sync", free_sync },
	{ "lose", lose },
	{ "forget", forget },
	{ NULL, NULL },
};

/* ---- the beginning and the end ---- */

void kh_target_boot(void)
{
}

void kh_target_start(unsigned int threads)
{
}

void kh_target_stop(void)
{
	if (stops)
		kthread_stop(worker->task);
}

void kh_target_finish(void)
{
	if (job)
		end_job(0);
	if (thing && !forgets)
		timer_shutdown_sync(&thing->timer);
	kfree(thing);
	thing = NULL;
	if (unit)
		remove_unit(0);
	kfree(worker);
	worker = NULL;
}
