// SPDX-License-Identifier: MIT
// Processes as IOMMU code sees them: an mm with its references.  Included once, by a target's file.
#include <linux/mmu_notifier.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

/* What the end of an mm does that concerns IOMMUs. */
void __mmdrop(struct mm_struct *mm)
{
	mmu_notifier_subscriptions_destroy(mm);
	mm_pasid_drop(mm);
	kfree(mm);
}

/* What the notifiers of the target's driver do when the page tables are about to go. */
static void mm_release(struct mm_struct *mm);

void mmput(struct mm_struct *mm)
{
	if (atomic_dec_and_test(&mm->mm_users)) {
		mm_release(mm);
		mmdrop(mm);
	}
}

/* An mm of one task. */
static struct mm_struct *new_mm(void)
{
	struct mm_struct *mm = kzalloc(sizeof(*mm), GFP_KERNEL);

	atomic_set(&mm->mm_count, 1);
	atomic_set(&mm->mm_users, 1);
	init_rwsem(&mm->mmap_lock);
	return mm;
}

/* One process with a task for each thread of a scenario: those that have left.  In the set-up there
 * is one task; if it ends there, none is left. */
static struct mm_struct *process; /* until its last task has left */
static bool left[9];		  /* by thread */
static unsigned int tasks;
static bool one_task; /* only the first thread is one; the others have its files, no more */

static long exit_task(unsigned int thread)
{
	if (left[thread])
		return KH_NOT_MADE;
	left[thread] = true;
	mmput(process);
	return 0;
}

void kh_target_start(unsigned int threads)
{
	unsigned int thread;

	tasks = left[0] ? 0 : one_task ? 1 : threads;
	if (tasks)
		atomic_set(&process->mm_users, (int)tasks);
	left[0] = true;
	for (thread = tasks + 1; thread <= threads; thread++)
		left[thread] = true;
}

static void all_exit(void)
{
	unsigned int thread;

	for (thread = 1; thread <= tasks; thread++)
		exit_task(thread);
}
