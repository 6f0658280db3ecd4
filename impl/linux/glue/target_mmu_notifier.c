// SPDX-License-Identifier: MIT
// The target mmu-notifier: what an IOMMU driver subscribes to, and the end of a process.
//
// One process with a task for each thread.  Each thread has a file, which may outlive its task: a bond
// of a device with the process, whose subscription clears the device's entry.  In the set-up "as1",
// "as2" say whose files the calls after it are about.
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

static void mm_release(struct mm_struct *mm)
{
	unsigned int who;

	mmu_notifier_release(mm);
	WRITE_ONCE(tables_freed, true);
	for (who = 1; who < THREADS; who++)
		if (READ_ONCE(entry[who]))
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
	{ "bind", bind }, { "unbind", unbind }, { "fault", fault }, { "exit", exit_task },
	{ "tlp1", tlp1 }, { "tlp2", tlp2 },	{ "as1", as1 },	    { "as2", as2 },
	{ NULL, NULL },
};

void kh_target_boot(void)
{
	process = new_mm();
}

void kh_target_finish(void)
{
	all_exit();
	for (acting = 1; acting < THREADS; acting++)
		unbind(0);
	process = NULL;
}
