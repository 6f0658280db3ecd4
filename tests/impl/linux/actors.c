// SPDX-License-Identifier: MIT
// Users of timers, interrupts and kernel threads, some of them wrong: what actors_test.cc explores.
// Compiled with a kernel's headers, in place of a file of its own.
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

/* Of glue/target.h. */
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

static long forget(unsigned int thread)
{
	forgets = true;
	return 0;
}

const struct kh_call kh_calls[] = {
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

void kh_target_finish(void)
{
	if (thing && !forgets)
		timer_shutdown_sync(&thing->timer);
	kfree(thing);
	thing = NULL;
}
