// SPDX-License-Identifier: MIT
// Processes as IOMMU code sees them: an mm with its references.  Included once, by a target's file.
#include <linux/sched/mm.h>
#include <linux/slab.h>

/* What the end of an mm does that concerns IOMMUs. */
void __mmdrop(struct mm_struct *mm)
{
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

/* One process with a task for each thread of a scenario: those that have left. */
static struct mm_struct *process; /* until its last task has left */
static bool left[9];		  /* by thread */
static unsigned int tasks;

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
	tasks = threads;
	atomic_set(&process->mm_users, (int)threads);
	left[0] = true;
}

static void all_exit(void)
{
	unsigned int thread;

	for (thread = 1; thread <= tasks; thread++)
		exit_task(thread);
}
