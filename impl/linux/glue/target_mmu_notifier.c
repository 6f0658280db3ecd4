// SPDX-License-Identifier: MIT
// The target mmu-notifier: what an IOMMU driver subscribes to, and the end of a process.
//
// One process with a task for each thread.  Each thread has a file, which may outlive its task: a bond
// of a device with the process, whose subscription clears the device's entry; a subscription that all
// files of the process share; and a window, whose subscription is to a range of addresses, and through
// which the device finds a page as long as it is mapped.  In the set-up "as1", "as2" say whose files
// the calls after it are about.
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>

#include "harness.h"
#include "target.h"
#include "mm_world.h"
#include "page_table_locks.h"

#define THREADS 4 /* 0 is none */

struct bond {
	struct mmu_notifier notifier;
	unsigned int owner;
	int released;
};

static struct bond *files[THREADS]; /* each its thread's */
static bool entry[THREADS];	    /* the device of that file walks the page tables */
static bool tables_freed;
static unsigned int acting;

/* What all files of a process share: mmu_notifier_get(). */
struct shared {
	struct mmu_notifier notifier;
	bool released;
};

static struct mmu_notifier *shares[THREADS]; /* each its thread's */

/* Of one page. */
struct window {
	struct mmu_interval_notifier notifier;
	struct mutex lock;
	unsigned int owner;
};

static struct window *windows[THREADS]; /* each its thread's */
static bool found[THREADS];		/* the device finds the page; under the window's lock */
static bool mapped = true;		/* the page */

/* Nobody has a PASID. */
void mm_pasid_drop(struct mm_struct *mm)
{
}

/* Of two that come at once, the second does not wait for the first. */
static void release(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	struct bond *const bond = container_of(notifier, struct bond, notifier);

	if (!xchg(&bond->released, 1))
		WRITE_ONCE(entry[bond->owner], false);
}

static const struct mmu_notifier_ops ops = { .release = release };

static struct mmu_notifier *share(struct mm_struct *mm)
{
	struct shared *const made = kzalloc(sizeof(*made), GFP_KERNEL);

	return made ? &made->notifier : ERR_PTR(-ENOMEM);
}

static void unshare(struct mmu_notifier *notifier)
{
	kfree(container_of(notifier, struct shared, notifier));
}

static void release_shared(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	WRITE_ONCE(container_of(notifier, struct shared, notifier)->released, true);
}

static const struct mmu_notifier_ops shared_ops = {
	.release = release_shared,
	.alloc_notifier = share,
	.free_notifier = unshare,
};

static bool lose(struct mmu_interval_notifier *notifier, const struct mmu_notifier_range *range,
		 unsigned long seq)
{
	struct window *const window = container_of(notifier, struct window, notifier);

	mutex_lock(&window->lock);
	mmu_interval_set_seq(notifier, seq);
	WRITE_ONCE(found[window->owner], false);
	mutex_unlock(&window->lock);
	return true;
}

static const struct mmu_interval_notifier_ops window_ops = { .invalidate = lose };

static void mm_release(struct mm_struct *mm)
{
	unsigned int who;

	mmu_notifier_release(mm);
	WRITE_ONCE(tables_freed, true);
	for (who = 1; who < THREADS; who++)
		if (READ_ONCE(entry[who]) || READ_ONCE(found[who]))
			ck_report("page tables freed under a device", "its entry leads there");
}

/* ---- calls ---- */

static unsigned int self(unsigned int thread)
{
	return thread ? thread : acting;
}

static long bind(unsigned int thread)
{
	const unsigned int who = self(thread);
	struct bond *bond;
	long result;

	if (left[thread] || files[who])
		return KH_NOT_MADE;
	bond = kzalloc(sizeof(*bond), GFP_KERNEL);
	if (!bond)
		return -ENOMEM;
	bond->notifier.ops = &ops;
	bond->owner = who;
	result = mmu_notifier_register(&bond->notifier, process);
	if (result) {
		kfree(bond);
		return result;
	}
	WRITE_ONCE(entry[who], true);
	files[who] = bond;
	return 0;
}

static long unbind(unsigned int thread)
{
	struct bond *const bond = files[self(thread)];

	if (!bond)
		return KH_NOT_MADE;
	files[self(thread)] = NULL;
	mmu_notifier_unregister(&bond->notifier, bond->notifier.mm);
	if (READ_ONCE(entry[bond->owner]))
		ck_report("entry left behind", "of a subscription that is given up");
	kfree(bond);
	return 0;
}

/* A page request is handled as long as the process is there. */
static long fault(unsigned int thread)
{
	struct bond *const bond = files[self(thread)];
	struct mm_struct *mm;

	if (!bond)
		return KH_NOT_MADE;
	mm = bond->notifier.mm;
	if (!mmget_not_zero(mm))
		return 0;
	if (READ_ONCE(tables_freed))
		ck_report("page request of an ended process", "it is handled in freed page tables");
	mmput(mm);
	return 1;
}

/* One subscription for all files, as long as one of them is open. */
static long get(unsigned int thread)
{
	const unsigned int who = self(thread);
	struct mmu_notifier *notifier;

	if (left[thread] || shares[who])
		return KH_NOT_MADE;
	notifier = mmu_notifier_get(&shared_ops, process);
	if (IS_ERR(notifier))
		return PTR_ERR(notifier);
	if (READ_ONCE(container_of(notifier, struct shared, notifier)->released))
		ck_report("subscription of an ended process", "it is handed out to a task of it");
	shares[who] = notifier;
	return 0;
}

static long put(unsigned int thread)
{
	struct mmu_notifier *const notifier = shares[self(thread)];

	if (!notifier)
		return KH_NOT_MADE;
	shares[self(thread)] = NULL;
	mmu_notifier_put(notifier);
	return 0;
}

static long open_window(unsigned int thread)
{
	const unsigned int who = self(thread);
	struct window *window;
	long result;

	if (left[thread] || windows[who])
		return KH_NOT_MADE;
	window = kzalloc(sizeof(*window), GFP_KERNEL);
	if (!window)
		return -ENOMEM;
	mutex_init(&window->lock);
	window->owner = who;
	result = mmu_interval_notifier_insert(&window->notifier, process, 0, PAGE_SIZE, &window_ops);
	if (result) {
		kfree(window);
		return result;
	}
	windows[who] = window;
	return 0;
}

static long close_window(unsigned int thread)
{
	struct window *const window = windows[self(thread)];

	if (!window)
		return KH_NOT_MADE;
	windows[self(thread)] = NULL;
	WRITE_ONCE(found[window->owner], false); /* the device has stopped */
	mmu_interval_notifier_remove(&window->notifier);
	kfree(window);
	return 0;
}

/* The device asks for the page: as the comment of mmu_interval_read_begin() wants it. */
static long access(unsigned int thread)
{
	struct window *const window = windows[self(thread)];
	unsigned long seq;
	bool there;

	if (left[thread] || !window)
		return KH_NOT_MADE;
	for (;;) {
		seq = mmu_interval_read_begin(&window->notifier);
		there = READ_ONCE(mapped);
		mutex_lock(&window->lock);
		if (!mmu_interval_read_retry(&window->notifier, seq))
			break;
		mutex_unlock(&window->lock);
	}
	WRITE_ONCE(found[window->owner], there);
	mutex_unlock(&window->lock);
	return there;
}

static long unmap(unsigned int thread)
{
	struct mmu_notifier_range range;
	unsigned int who;

	if (left[thread])
		return KH_NOT_MADE;
	/* As madvise() has it: a first subscription takes it for writing. */
	mmap_read_lock(process);
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, process, 0, PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	WRITE_ONCE(mapped, false);
	mmu_notifier_invalidate_range_end(&range);
	mmap_read_unlock(process);
	for (who = 1; who < THREADS; who++)
		if (READ_ONCE(found[who]))
			ck_report("page freed under a device", "which finds it through its window");
	return 0;
}

/* Whether a device walks the page tables.  It is no call of the API: no scenario has it. */
static long tlp1(unsigned int thread) { return READ_ONCE(entry[1]); }
static long tlp2(unsigned int thread) { return READ_ONCE(entry[2]); }

static long act_as(unsigned int who)
{
	acting = who;
	return 0;
}

static long as1(unsigned int thread) { return act_as(1); }
static long as2(unsigned int thread) { return act_as(2); }

const struct kh_call kh_calls[] = {
	{ "bind", bind },
	{ "unbind", unbind },
	{ "fault", fault },
	{ "exit", exit_task },
	{ "get", get },
	{ "put", put },
	{ "window", open_window },
	{ "close", close_window },
	{ "access", access },
	{ "unmap", unmap },
	{ "tlp1", tlp1 },
	{ "tlp2", tlp2 },
	{ "as1", as1 },
	{ "as2", as2 },
	{ NULL, NULL },
};

void kh_target_boot(void)
{
	process = new_mm();
}

void kh_target_finish(void)
{
	all_exit();
	for (acting = 1; acting < THREADS; acting++) {
		unbind(0);
		put(0);
		close_window(0);
	}
	process = NULL;
}
