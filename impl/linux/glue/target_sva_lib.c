// SPDX-License-Identifier: MIT
// The target iommu-sva-lib: the PASID of an mm, from its allocation to the end of the mm.
//
// A process with a task for each thread, and another one.  Who may look a PASID up, the library
// does not say; a bond, as drivers keep one, holds a reference on the mm meanwhile.
#include <linux/err.h>
#include <linux/ioasid.h>
#include <linux/mutex.h>
#include <linux/radix-tree.h>

#include "harness.h"
#include "target.h"
#include "mm_world.h"

/* The library has no devices. */
static void mm_release(struct mm_struct *mm)
{
}

/* Declared in drivers/iommu/iommu-sva-lib.h, which is not on the include path. */
int iommu_sva_alloc_pasid(struct mm_struct *mm, ioasid_t min, ioasid_t max);
struct mm_struct *iommu_sva_find(ioasid_t pasid);

static struct mm_struct *other;
static DEFINE_MUTEX(other_task); /* it does one thing at a time */
static bool other_left;
static int bonds;

static long alloc(unsigned int thread)
{
	return left[thread] ? KH_NOT_MADE : iommu_sva_alloc_pasid(process, 1, 2);
}

static long alloc_other(unsigned int thread)
{
	long result = KH_NOT_MADE;

	mutex_lock(&other_task);
	if (!other_left)
		result = iommu_sva_alloc_pasid(other, 1, 2);
	mutex_unlock(&other_task);
	return result;
}

static long exit_other(unsigned int thread)
{
	long result = KH_NOT_MADE;

	mutex_lock(&other_task);
	if (!other_left) {
		other_left = true;
		mmput(other);
		result = 0;
	}
	mutex_unlock(&other_task);
	return result;
}

static long bond(unsigned int thread)
{
	mmgrab(process);
	return xchg(&bonds, 1);
}

static long unbond(unsigned int thread)
{
	if (!xchg(&bonds, 0))
		return KH_NOT_MADE;
	mmdrop(process);
	return 0;
}

/* 0: nobody has the PASID; 1: the process; 2: the other one. */
static long find1(unsigned int thread)
{
	struct mm_struct *mm = iommu_sva_find(1);
	long who;

	if (IS_ERR_OR_NULL(mm))
		return 0;
	who = mm == READ_ONCE(process) ? 1 : mm == READ_ONCE(other) ? 2 : 3;
	mmput(mm);
	return who;
}

const struct kh_call kh_calls[] = {
	{ "alloc", alloc },   { "alloc_other", alloc_other }, { "exit", exit_task },
	{ "bond", bond },     { "exit_other", exit_other },   { "find1", find1 },
	{ "unbond", unbond }, { NULL, NULL },
};

void kh_boot(void)
{
	radix_tree_init();
	process = new_mm();
	other = new_mm();
	mm_pasid_init(process);
	mm_pasid_init(other);
}

void kh_target_finish(void)
{
	all_exit();
	unbond(0);
	exit_other(0);
	process = NULL;
	other = NULL;
}
