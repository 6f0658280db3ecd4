// SPDX-License-Identifier: MIT
// The target intel-svm: 6.1's VT-d driver for shared virtual addressing, on the core's groups and
// page requests, the kernel's own mmu notifiers, and an IOMMU of ours.
#include <linux/dmar.h>
#include <linux/intel-svm.h>
#include <linux/interrupt.h>
#include <linux/pci-ats.h>
#include <linux/pci.h>

/* Not on the include path by themselves. */
#include <../drivers/iommu/intel/iommu.h>
#include <../drivers/iommu/intel/pasid.h>

#define DEVICES 2
#define PASIDS 5 /* 0 is not for processes, the last one is a third one's */

#include "svm_world.h"

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

static struct device *device(unsigned int number)
{
	return &pci[number].dev;
}

/* ---- the hardware: PASID entries, the IOTLB of the unit, those of the devices ---- */

/* Whose page tables. */
static int entries[DEVICES][PASIDS];

static struct cached iotlb[DEVICES][PASIDS], device_tlb[DEVICES][PASIDS];

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

/* The driver's unbind waits for page requests. */
static void stop(unsigned int file)
{
}

/* ---- calls ---- */

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
static long request0(unsigned int thread) { return request(true); }
static long fault0(unsigned int thread) { return handled(thread, true); }
static long partial0(unsigned int thread) { return handled(thread, false); }

const struct kh_call kh_calls[] = {
	SVM_CALLS,
	{ "tlp0", tlp0 },
	{ "tlp1", tlp1 },
	{ "request0", request0 },
	{ "irq0", irq0 },
	{ "fault0", fault0 },
	{ "partial0", partial0 },
	{ NULL, NULL },
};

/* ---- the beginning and the end ---- */

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

void kh_target_boot(void)
{
	unsigned int dev;

	start_processes();
	xa_init(&domain.iommu_array);
	xa_store(&domain.iommu_array, 0, &domain_id, GFP_KERNEL);
	for (dev = 0; dev < DEVICES; dev++)
		add_device(dev);
}

void kh_target_finish(void)
{
	unsigned int dev;

	end_processes();
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
