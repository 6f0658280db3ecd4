// SPDX-License-Identifier: MIT
// What only kernel headers know.
#include <linux/gfp.h>
#include <linux/mutex.h>
#include <linux/poison.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>

#include "harness.h"

const struct kh_facts kh_facts = {
	.spinlock_size = sizeof(spinlock_t),
	.lockdep_map = {
		offsetof(spinlock_t, dep_map),
		offsetof(struct mutex, dep_map),
		offsetof(struct rw_semaphore, dep_map),
	},
	.gfp_zero = (unsigned int)__GFP_ZERO,
	.gfp_sleeps = (unsigned int)__GFP_DIRECT_RECLAIM,
	.poison1 = (unsigned long)LIST_POISON1,
	.poison2 = (unsigned long)LIST_POISON2,
};
