// SPDX-License-Identifier: MIT
// The target intel-svm: 6.1's VT-d driver for shared virtual addressing, on the core's groups and
// page requests, the kernel's own mmu notifiers, and an IOMMU of ours.
//
// One mm with a task for each thread of the scenario, and another one, whose task is not scheduled.
// Two devices, each in a group of its own behind an IOMMU of its own.  A bond belongs to whoever
// closes it: any task may unbind (a file can be shared).  A device uses its PASID as long as its
// driver has a bond that nobody is about to close; an `untrusted` one always.
#include <linux/dmar.h>
#include <linux/err.h>
#include <linux/intel-svm.h>
#include <linux/interrupt.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/pci-ats.h>
#include <linux/pci.h>

/* Not on the include path by themselves. */
#include <../drivers/iommu/intel/iommu.h>
#include <../drivers/iommu/intel/pasid.h>
#include <../drivers/iommu/iommu-sva-lib.h>

#include "harness.h"
#include "target.h"
#include "mm_world.h"

#define DEVICES 2
#define FILES (2 * DEVICES) /* those of the process, those of the other one */
#define PASIDS 5 /* 0 is not for processes, the last one is a third one's */
#define BONDS 8  /* of one file at most */
#define REQUESTS 16

static struct mm_struct *other; /* the other mm, until its task has left */
static int other_left;
static bool untrusted;
static bool no_table[DEVICES]; /* its PASID table cannot grow */

static struct pci_dev pci[DEVICES];
static struct dev_iommu params[DEVICES];
static struct device_domain_info infos[DEVICES];
static struct dmar_domain domain;
static struct iommu_domain_info domain_id = { .did = 2 };
static struct intel_iommu units[DEVICES];

static unsigned int device_number(const struct device *dev)
{
	return (unsigned int)(to_pci_dev(dev) - pci);
}

/* ---- processes: 1, 2; 0 is none ---- */

static pgd_t page_tables[3]; /* where mm->pgd points to */

static int number_of(const struct mm_struct *mm)
{
	return mm == process ? 1 : 2;
}

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

/* ---- the hardware: PASID entries, the IOTLB of the unit, those of the devices ---- */

/* Whose page tables. */
static int entries[DEVICES][PASIDS];

/* Whose, and how old: what is cached.  It is looked at where the set-up has DMA. */
struct cached {
	int who;
	unsigned int pages;
};

static bool with_tlbs;
static DEFINE_SPINLOCK(tlbs);
static struct cached iotlb[DEVICES][PASIDS], device_tlb[DEVICES][PASIDS];
static bool gone[3];	      /* the page tables are freed */
static unsigned int pages[3]; /* grows when a page goes */

static void forget(struct cached *tlb)
{
	if (!with_tlbs)
		return;
	spin_lock(&tlbs);
	tlb->who = 0;
	spin_unlock(&tlbs);
}

/* Whether what is cached there is of `who` and older than `now`; all of them: or an entry is. */
#define ALL_OF_THEM UINT_MAX
static bool reaches(unsigned int dev, unsigned int pasid, int who, unsigned int now)
{
	const struct cached *const tlb = &device_tlb[dev][pasid];
	bool result;

	if (now == ALL_OF_THEM && READ_ONCE(entries[dev][pasid]) == who)
		return true;
	if (!with_tlbs)
		return false;
	spin_lock(&tlbs);
	result = tlb->who == who && tlb->pages < now;
	spin_unlock(&tlbs);
	return result;
}

int intel_iommu_sm = 1;
unsigned int intel_pasid_max_id = PASIDS;

int intel_pasid_setup_first_level(struct intel_iommu *unit, struct device *dev, pgd_t *pgd,
				  u32 pasid, u16 did, int flags)
{
	const unsigned int number = device_number(dev);

	if (no_table[number] || kh_may_fail())
		return -ENODEV;
	return cmpxchg(&entries[number][pasid], 0, (int)(pgd - page_tables)) ? -EBUSY : 0;
}

/* All of it: an IOMMU may forget more than it is asked to. */
void qi_flush_piotlb(struct intel_iommu *unit, u16 did, u32 pasid, u64 address,
		     unsigned long npages, bool ih)
{
	forget(&iotlb[unit - units][pasid]);
}

void qi_flush_dev_iotlb_pasid(struct intel_iommu *unit, u16 sid, u16 pfsid, u32 pasid, u16 qdep,
			      u64 address, unsigned int size_order)
{
	forget(&device_tlb[sid][pasid]);
}

void quirk_extra_dev_tlb_flush(struct device_domain_info *info, unsigned long address,
			       unsigned long npages, u32 pasid, u16 qdep)
{
}

/* Whoever finds the entry cleared does not wait for the caches: the kernel's own does not. */
void intel_pasid_tear_down_entry(struct intel_iommu *unit, struct device *dev, u32 pasid,
				 bool fault_ignore)
{
	const unsigned int number = device_number(dev);

	if (!xchg(&entries[number][pasid], 0))
		return;
	qi_flush_piotlb(unit, FLPT_DEFAULT_DID, pasid, 0, -1UL, false);
	qi_flush_dev_iotlb_pasid(unit, (u16)number, 0, pasid, 0, 0, 64 - VTD_PAGE_SHIFT);
}

/* ---- the unit's registers, its queue of page requests and the interrupt ---- */

/* The first page of a queue is enough for a scenario, and only device 0 has requests. */
static char queue_memory[PAGE_SIZE] __aligned(PAGE_SIZE);
static struct page queue_page;
struct page *mem_map = &queue_page;
unsigned long uml_physmem = (unsigned long)queue_memory;

struct page *__alloc_pages(gfp_t gfp, unsigned int order, int node, nodemask_t *mask)
{
	return &queue_page;
}

void free_pages(unsigned long address, unsigned int order)
{
}

static u64 registers[DEVICES][32];
static atomic_t status; /* DMAR_PRS_REG of device 0's: what is written as 1 is cleared */
static irq_handler_t handler;
static DEFINE_MUTEX(handler_thread);
static atomic_t wanted, responses; /* of groups of requests */
static int issuer[REQUESTS];	   /* whose translation the device was using */

unsigned long long kh_readq(const volatile void *reg)
{
	return READ_ONCE(*(const volatile u64 *)reg);
}

void kh_writeq(unsigned long long value, volatile void *reg)
{
	smp_store_release((volatile u64 *)reg, value);
}

unsigned int kh_readl(const volatile void *reg)
{
	return reg == units[0].reg + DMAR_PRS_REG ? (unsigned int)atomic_read(&status) : 0;
}

void kh_writel(unsigned int value, volatile void *reg)
{
	atomic_andnot((int)value, &status);
}

int dmar_alloc_hwirq(int id, int node, void *arg)
{
	return 1;
}

void dmar_free_hwirq(int irq)
{
}

int request_threaded_irq(unsigned int irq, irq_handler_t first, irq_handler_t threaded,
			 unsigned long flags, const char *name, void *dev)
{
	handler = threaded;
	return 0;
}

const void *free_irq(unsigned int irq, void *dev)
{
	handler = NULL;
	return NULL;
}

/* Nothing is in flight inside of the hardware: a drain is done at once. */
int qi_submit_sync(struct intel_iommu *unit, struct qi_desc *desc, unsigned int count,
		   unsigned long options)
{
	if ((desc->qw0 & 0xf) == QI_PGRP_RESP_TYPE)
		atomic_inc(&responses);
	return 0;
}

/* ---- PCI ---- */

struct bus_type pci_bus_type;

struct intel_iommu *device_to_iommu(struct device *dev, u8 *bus_number, u8 *devfn)
{
	if (bus_number)
		*bus_number = 0;
	if (devfn)
		*devfn = (u8)device_number(dev);
	return &units[device_number(dev)];
}

struct pci_dev *pci_get_domain_bus_and_slot(int segment, unsigned int bus_number,
					    unsigned int devfn)
{
	return &pci[devfn];
}

void pci_dev_put(struct pci_dev *dev)
{
}

/* Devices stay. */
struct device *get_device(struct device *dev)
{
	return dev;
}

void put_device(struct device *dev)
{
}

int pci_max_pasids(struct pci_dev *dev)
{
	return PASIDS;
}

int pci_ats_queue_depth(struct pci_dev *dev)
{
	return 1;
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
	struct iommu_sva *bond = iommu_sva_bind_device(&pci[dev].dev, mm, NULL);

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
	bond = iommu_sva_bind_device(&pci[0].dev, process, NULL);
	if (IS_ERR(bond))
		return PTR_ERR(bond);
	value = iommu_sva_get_pasid(bond);
	iommu_sva_unbind_device(bond);
	return value;
}

/* A page of the process goes: as ptep_clear_flush_notify() has it. */
static long unmap(unsigned int thread)
{
	unsigned int now, dev;

	if (left[thread])
		return KH_NOT_MADE;
	mutex_lock(&page_table_locks);
	spin_lock(&tlbs);
	now = ++pages[1];
	spin_unlock(&tlbs);
	mmu_notifier_invalidate_range(process, PAGE_SIZE, 2 * PAGE_SIZE);
	mutex_unlock(&page_table_locks);
	for (dev = 0; dev < DEVICES; dev++)
		check_reach(dev, 1, now, "stale translation");
	return 0;
}

/* DMA with PASID 1: the address space that it leads to, or 0. */
static int translate(unsigned int dev)
{
	const int who = READ_ONCE(entries[dev][1]);

	if (!device_tlb[dev][1].who && who) {
		if (!iotlb[dev][1].who)
			iotlb[dev][1] = (struct cached){ who, pages[who] };
		device_tlb[dev][1] = iotlb[dev][1];
	}
	return device_tlb[dev][1].who;
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

/* A page request of device 0 with PASID 1, in the bits of VT-d's page request descriptor. */
static long request(bool last)
{
	const int who = READ_ONCE(entries[0][1]);
	long result = KH_NOT_MADE;

	if (!who)
		return result;
	spin_lock(&file_locks[file_of(0, who)]);
	if (READ_ONCE(entries[0][1]) == who && in_use(file_of(0, who))) {
		const u64 tail = kh_readq(units[0].reg + DMAR_PQT_REG);
		u64 *const word = (u64 *)(queue_memory + tail);
		const unsigned int number = tail / (4 * sizeof(u64));

		issuer[number] = who;
		word[0] = 1 | 1 << 8 | 1ULL << 32; /* a page request, a PASID, which is 1 */
		word[1] = 1 | (u64)last << 2 | (number + 1ULL) << 12; /* read, last, address */
		atomic_or(DMA_PRS_PPR, &status);
		kh_writeq(tail + 4 * sizeof(u64), units[0].reg + DMAR_PQT_REG);
		if (last)
			atomic_inc(&wanted);
		result = 0;
	}
	spin_unlock(&file_locks[file_of(0, who)]);
	return result;
}

/* The thread of its interrupt. */
static long irq0(unsigned int thread)
{
	mutex_lock(&handler_thread);
	handler(1, &units[0]);
	mutex_unlock(&handler_thread);
	return 0;
}

static long handled(unsigned int thread, bool last)
{
	const long result = request(last);

	return result ? result : irq0(thread);
}

/* Whose address space a TLP with PASID 1 meets.  It is no call of the API: no scenario has it. */
static long tlp(unsigned int dev)
{
	return READ_ONCE(entries[dev][1]);
}

static long tlp0(unsigned int thread) { return tlp(0); }
static long tlp1(unsigned int thread) { return tlp(1); }
static long bind0(unsigned int thread) { return bind(thread, 0); }
static long bind1(unsigned int thread) { return bind(thread, 1); }
static long unbind0(unsigned int thread) { return unbind(0); }
static long unbind1(unsigned int thread) { return unbind(1); }
static long other0(unsigned int thread) { return bind_other(0); }
static long other1(unsigned int thread) { return bind_other(1); }
static long other_close(unsigned int thread) { return unbind(DEVICES); }
static long dma0(unsigned int thread) { return dma(thread, 0); }
static long dma1(unsigned int thread) { return dma(thread, 1); }
static long request0(unsigned int thread) { return request(true); }
static long fault0(unsigned int thread) { return handled(thread, true); }
static long partial0(unsigned int thread) { return handled(thread, false); }

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

const struct kh_call kh_calls[] = {
	{ "bind0", bind0 },
	{ "bind1", bind1 },
	{ "unbind0", unbind0 },
	{ "unbind1", unbind1 },
	{ "pasid0", pasid0 },
	{ "exit", exit_task },
	{ "other0", other0 },
	{ "other1", other1 },
	{ "other_exit", other_exit },
	{ "other_close", other_close },
	{ "unmap", unmap },
	{ "tlp0", tlp0 },
	{ "tlp1", tlp1 },
	{ "dma0", dma0 },
	{ "dma1", dma1 },
	{ "request0", request0 },
	{ "irq0", irq0 },
	{ "fault0", fault0 },
	{ "partial0", partial0 },
	{ "no_table1", no_table1 },
	{ "one_task", set_one_task },
	{ "untrusted", set_untrusted },
	{ NULL, NULL },
};

/* ---- what the handler of page requests asks of the mm ---- */

static struct vm_area_struct area;

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

static const struct iommu_ops ops = {
	.sva_bind = intel_svm_bind,
	.sva_unbind = intel_svm_unbind,
	.sva_get_pasid = intel_svm_get_pasid,
	.page_response = intel_svm_page_response,
};

static void add_device(unsigned int number)
{
	struct device *const dev = &pci[number].dev;
	struct iommu_group *group = iommu_group_alloc();
	struct device_domain_info *const info = &infos[number];
	struct intel_iommu *const unit = &units[number];

	unit->reg = registers[number];
	unit->iommu.ops = &ops;
	dev->bus = &pci_bus_type;
	dev->iommu = &params[number];
	mutex_init(&params[number].lock);
	params[number].iommu_dev = &unit->iommu;
	params[number].priv = info;
	*info = (struct device_domain_info){
		.devfn = (u8)number,
		.pasid_enabled = 1,
		.pri_enabled = 1,
		.ats_enabled = 1,
		.dev = dev,
		.iommu = unit,
		.domain = &domain,
	};
	if (intel_svm_enable_prq(unit) || iommu_group_add_device(group, dev) ||
	    iopf_queue_add_device(unit->iopf_queue, dev) ||
	    iommu_register_device_fault_handler(dev, iommu_queue_iopf, dev))
		ck_report("scenario", "a device cannot be added in the set-up");
	iommu_group_put(group);
}

static struct mm_struct *new_process(int who)
{
	struct mm_struct *mm = new_mm();

	mm_pasid_init(mm);
	mm->pgd = &page_tables[who];
	return mm;
}

void kh_target_boot(void)
{
	unsigned int file, dev;

	for (file = 0; file < FILES; file++)
		spin_lock_init(&file_locks[file]);
	xa_init(&domain.iommu_array);
	xa_store(&domain.iommu_array, 0, &domain_id, GFP_KERNEL);
	for (dev = 0; dev < DEVICES; dev++)
		add_device(dev);
	if (ioasid_alloc(&third, PASIDS - 1, PASIDS - 1, NULL) != PASIDS - 1)
		ck_report("scenario", "ioasid_alloc() failed in the set-up");
	area.vm_start = 0;
	area.vm_end = (REQUESTS + 1) * PAGE_SIZE;
	area.vm_flags = VM_READ | VM_WRITE;
	process = new_process(1);
	other = new_process(2);
	mmgrab(other); /* so that other0 may look whether it lives */
}

void kh_target_finish(void)
{
	unsigned int file, dev;

	/* In the order of the end of a process: exit_mm(), then exit_files(). */
	all_exit();
	for (file = 0; file < FILES; file++)
		while (unbind(file) != KH_NOT_MADE)
			;
	other_exit(0);
	mmdrop(other);
	process = NULL;
	other = NULL;
	ioasid_free(PASIDS - 1);
	for (dev = 0; dev < DEVICES; dev++) {
		if (iommu_unregister_device_fault_handler(&pci[dev].dev))
			ck_report("page request without a response", "the device's list has one");
		iopf_queue_remove_device(units[dev].iopf_queue, &pci[dev].dev);
		intel_svm_finish_prq(&units[dev]);
	}
	if (atomic_read(&wanted) != atomic_read(&responses))
		ck_report("page request without one response",
			  "groups of page requests and responses are not equally many");
}
