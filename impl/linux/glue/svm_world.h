// SPDX-License-Identifier: MIT
// The world of 6.1's drivers for shared virtual addressing: processes that are bound to devices, and
// what is cached of their page tables.  Included once, by a target's file, which says how many
// DEVICES and PASIDS there are.
//
// One mm with a task for each thread of the scenario, and another one, whose task is not scheduled.
// Each device is in a group of its own behind an IOMMU of its own.  A bond belongs to whoever closes
// it: any task may unbind (a file can be shared).  A device uses its PASID as long as its driver has
// a bond that nobody is about to close; an `untrusted` one always.
#include <linux/device.h>
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/ioasid.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>

#include <../drivers/iommu/iommu-sva-lib.h>

#include "harness.h"
#include "target.h"
#include "mm_world.h"
#include "page_table_locks.h"

#define FILES (2 * DEVICES) /* those of the process, those of the other one */
#define BONDS 8		    /* of one file at most */
#define REQUESTS 16
#define ADDRESS_SPACES (3 + DEVICES)

static struct mm_struct *other; /* the other mm, until its task has left */
static int other_left;
static bool untrusted;
static bool no_table[DEVICES]; /* its PASID table cannot grow */

/* ---- given by the target ---- */

static struct device *device(unsigned int number);
/* Whether the device may reach page tables of `who` by it, from the table in memory or, where TLBs
 * are looked at, from what is cached and older than `now`; ALL_OF_THEM: however old. */
#define ALL_OF_THEM UINT_MAX
static bool reaches(unsigned int dev, unsigned int pasid, int who, unsigned int now);
/* DMA with PASID 1: the address space that it leads to, or 0. */
static int translate(unsigned int dev);

/* What a device has to be done with before a bond of the file is closed. */
static void stop(unsigned int file);

/* ---- address spaces: 1 and 2 are processes; 0 is none; 3 and up are of devices ---- */

static pgd_t page_tables[ADDRESS_SPACES]; /* where mm->pgd points to */

static int number_of(const struct mm_struct *mm)
{
	return (int)(mm->pgd - page_tables);
}

/* ---- what is cached: whose, and how old ---- */

struct cached {
	int who;
	unsigned int pages;
};

/* It is looked at where the set-up has DMA. */
static bool with_tlbs;
static DEFINE_SPINLOCK(tlbs);
static bool gone[ADDRESS_SPACES];	   /* the page tables are freed */
static unsigned int pages[ADDRESS_SPACES]; /* grows when a page goes */

static void forget(struct cached *tlb)
{
	if (!with_tlbs)
		return;
	spin_lock(&tlbs);
	tlb->who = 0;
	spin_unlock(&tlbs);
}

/* ---- bonds ---- */

/* Bonds that somebody will close, each file's under its lock. */
static spinlock_t file_locks[FILES];
static struct iommu_sva *bonds[FILES][BONDS];

static void keep(unsigned int file, struct iommu_sva *bond)
{
	unsigned int slot = 0;

	spin_lock(&file_locks[file]);
	while (slot < BONDS && bonds[file][slot])
		slot++;
	if (slot < BONDS)
		bonds[file][slot] = bond;
	else
		ck_report("scenario", "more bonds of a device than the target keeps");
	spin_unlock(&file_locks[file]);
}

static struct iommu_sva *take(unsigned int file)
{
	struct iommu_sva *bond = NULL;
	unsigned int slot;

	spin_lock(&file_locks[file]);
	for (slot = 0; slot < BONDS && !bond; slot++)
		swap(bond, bonds[file][slot]);
	spin_unlock(&file_locks[file]);
	return bond;
}

/* By which file the device uses the address space of `who`. */
static unsigned int file_of(unsigned int dev, int who)
{
	return who == 1 ? dev : DEVICES + dev;
}

/* Whether it uses it; under the lock of the file. */
static bool in_use(unsigned int file)
{
	unsigned int slot;

	for (slot = 0; slot < BONDS; slot++)
		if (bonds[file][slot])
			return true;
	return untrusted;
}

/* Reports that the device uses, and may reach, what is freed: of `who`, older than `now`. */
static void check_reach(unsigned int dev, int who, unsigned int now, const char *kind)
{
	const unsigned int file = file_of(dev, who);
	unsigned int pasid;

	for (pasid = 1; pasid < PASIDS; pasid++) {
		if (!reaches(dev, pasid, who, now))
			continue;
		spin_lock(&file_locks[file]);
		if (in_use(file) && reaches(dev, pasid, who, now))
			ck_report(kind, "the device's entry or its TLB leads there");
		spin_unlock(&file_locks[file]);
	}
}

/* Between the end of the last task and that of the page tables. */
static void mm_release(struct mm_struct *mm)
{
	const int who = number_of(mm);
	unsigned int dev;

	mmu_notifier_release(mm);
	for (dev = 0; dev < DEVICES; dev++)
		check_reach(dev, who, ALL_OF_THEM, "page tables freed under a device");
	spin_lock(&tlbs);
	gone[who] = true;
	spin_unlock(&tlbs);
}

/* ---- calls ---- */

static long bind_mm(struct mm_struct *mm, unsigned int dev, unsigned int file)
{
	struct iommu_sva *bond = iommu_sva_bind_device(device(dev), mm, NULL);

	if (IS_ERR(bond))
		return PTR_ERR(bond);
	keep(file, bond);
	return 0;
}

static long bind(unsigned int thread, unsigned int dev)
{
	return left[thread] ? KH_NOT_MADE : bind_mm(process, dev, dev);
}

static long unbind(unsigned int file)
{
	struct iommu_sva *bond = take(file);

	if (!bond)
		return KH_NOT_MADE;
	stop(file);
	iommu_sva_unbind_device(bond);
	return 0;
}

/* The other process binds as long as its task runs, and leaves. */
static long bind_other(unsigned int dev)
{
	long result;

	if (!mmget_not_zero(other))
		return KH_NOT_MADE;
	result = bind_mm(other, dev, file_of(dev, 2));
	mmput(other);
	return result;
}

static long other_exit(unsigned int thread)
{
	if (xchg(&other_left, 1))
		return KH_NOT_MADE;
	mmput(other);
	return 0;
}

/* Binds, asks for the PASID, unbinds: what a driver's open and close do in one go. */
static long pasid0(unsigned int thread)
{
	struct iommu_sva *bond;
	long value;

	if (left[thread])
		return KH_NOT_MADE;
	bond = iommu_sva_bind_device(device(0), process, NULL);
	if (IS_ERR(bond))
		return PTR_ERR(bond);
	value = iommu_sva_get_pasid(bond);
	iommu_sva_unbind_device(bond);
	return value;
}

/* A page of the process goes, or some from it on: as ptep_clear_flush_notify() has it. */
static long unmap_pages(unsigned int thread, unsigned long count)
{
	unsigned int now, dev;

	if (left[thread])
		return KH_NOT_MADE;
	mutex_lock(&page_table_locks);
	spin_lock(&tlbs);
	now = ++pages[1];
	spin_unlock(&tlbs);
	mmu_notifier_invalidate_range(process, PAGE_SIZE, (1 + count) * PAGE_SIZE);
	mutex_unlock(&page_table_locks);
	for (dev = 0; dev < DEVICES; dev++)
		check_reach(dev, 1, now, "stale translation");
	return 0;
}

/* Of the process; the first one in the set-up says that TLBs are looked at. */
static long dma(unsigned int thread, unsigned int dev)
{
	long result = KH_NOT_MADE;

	if (thread == 0)
		with_tlbs = true;
	if (!with_tlbs)
		return result;
	spin_lock(&file_locks[dev]);
	if (in_use(dev)) {
		spin_lock(&tlbs);
		if (gone[translate(dev)])
			ck_report("DMA through freed page tables", "of a process that has ended");
		spin_unlock(&tlbs);
		result = 0;
	}
	spin_unlock(&file_locks[dev]);
	return result;
}

static long bind0(unsigned int thread) { return bind(thread, 0); }
static long bind1(unsigned int thread) { return bind(thread, 1); }
static long unbind0(unsigned int thread) { return unbind(0); }
static long unbind1(unsigned int thread) { return unbind(1); }
static long other0(unsigned int thread) { return bind_other(0); }
static long other1(unsigned int thread) { return bind_other(1); }
static long other_close(unsigned int thread) { return unbind(DEVICES); }
static long unmap(unsigned int thread) { return unmap_pages(thread, 1); }
static long dma0(unsigned int thread) { return dma(thread, 0); }
static long dma1(unsigned int thread) { return dma(thread, 1); }

static long no_table1(unsigned int thread)
{
	no_table[1] = true;
	return 0;
}

static long set_one_task(unsigned int thread)
{
	one_task = true;
	return 0;
}

static long set_untrusted(unsigned int thread)
{
	untrusted = true;
	return 0;
}

/* Of every target's table. */
#define SVM_CALLS                          \
	{ "bind0", bind0 },                \
	{ "bind1", bind1 },                \
	{ "unbind0", unbind0 },            \
	{ "unbind1", unbind1 },            \
	{ "pasid0", pasid0 },              \
	{ "exit", exit_task },             \
	{ "other0", other0 },              \
	{ "other1", other1 },              \
	{ "other_exit", other_exit },      \
	{ "other_close", other_close },    \
	{ "unmap", unmap },                \
	{ "dma0", dma0 },                  \
	{ "dma1", dma1 },                  \
	{ "no_table1", no_table1 },        \
	{ "one_task", set_one_task },      \
	{ "untrusted", set_untrusted }

/* ---- what the handler of page requests asks of the mm; request n is about page n + 1 ---- */

static struct vm_area_struct area;
static int issuer[REQUESTS]; /* whose translation the device was using */

void *mtree_load(struct maple_tree *tree, unsigned long address)
{
	const struct mm_struct *mm = container_of(tree, struct mm_struct, mm_mt);

	if (issuer[address / PAGE_SIZE - 1] != number_of(mm))
		ck_report("page request of another process",
			  "it is handled in an address space that the device was not using");
	return &area;
}

vm_fault_t handle_mm_fault(struct vm_area_struct *vma, unsigned long address, unsigned int flags,
			   struct pt_regs *regs)
{
	return 0;
}

/* ---- the beginning and the end ---- */

/* Somebody has a PASID for good: what ends with the last one, the xarray's node, is in the target
 * ioasid. */
static DECLARE_IOASID_SET(third);

static struct mm_struct *new_process(int who)
{
	struct mm_struct *mm = new_mm();

	mm_pasid_init(mm);
	mm->pgd = &page_tables[who];
	return mm;
}

static void start_processes(void)
{
	unsigned int file;

	for (file = 0; file < FILES; file++)
		spin_lock_init(&file_locks[file]);
	if (ioasid_alloc(&third, PASIDS - 1, PASIDS - 1, NULL) != PASIDS - 1)
		ck_report("scenario", "ioasid_alloc() failed in the set-up");
	area.vm_start = 0;
	area.vm_end = (REQUESTS + 1) * PAGE_SIZE;
	area.vm_flags = VM_READ | VM_WRITE;
	process = new_process(1);
	other = new_process(2);
	mmgrab(other); /* so that other0 may look whether it lives */
}

/* The PASIDs keep processes that are left within reach, so that they are no leak. */
static void check_pasids(struct rcu_head *head)
{
	unsigned int pasid;

	for (pasid = 1; pasid < PASIDS - 1; pasid++)
		if (PTR_ERR(iommu_sva_find(pasid)) != -ENOENT)
			ck_report("process left behind", "its PASID has not been given back");
}

/* In the order of the end of a process: exit_mm(), then exit_files(). */
static void end_processes(void)
{
	static struct rcu_head last;
	unsigned int file;

	all_exit();
	for (file = 0; file < FILES; file++)
		while (unbind(file) != KH_NOT_MADE)
			;
	other_exit(0);
	mmdrop(other);
	process = NULL;
	other = NULL;
	ioasid_free(PASIDS - 1);
	call_rcu(&last, check_pasids); /* behind those of SRCU */
}
