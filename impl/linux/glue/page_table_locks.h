// SPDX-License-Identifier: MIT
// What mm/mmu_notifier.c asks of mm/mmap.c.  Included once, by a target's file or its world.
#include <linux/mm.h>
#include <linux/mutex.h>

/* In place of all locks that a change of page tables may hold one of. */
static DEFINE_MUTEX(page_table_locks);

int mm_take_all_locks(struct mm_struct *mm)
{
	mutex_lock(&page_table_locks);
	return 0;
}

void mm_drop_all_locks(struct mm_struct *mm)
{
	mutex_unlock(&page_table_locks);
}
