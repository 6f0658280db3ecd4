// SPDX-License-Identifier: MIT
// VT-d as 6.12's driver sees it: two devices behind one IOMMU that reads PASID table entries word by
// word, and remembers them in a PASID cache, an IOTLB and device TLBs until it is told to forget.
// Included once, by a target's file.
#include <linux/dmar.h>
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

/* Not on the include path by themselves. */
#include <../drivers/iommu/intel/iommu.h>
#include <../drivers/iommu/intel/pasid.h>

#include "harness.h"
#include "target.h"

#define DEVICES 2
#define ENTRIES 3 /* one of each device's, and that of device 0's requests without a PASID */
#define NO_PASID 2
#define PROCESSES 2
#define THREADS 9

/* Whose page tables: 1, 2 are processes. */
#define DMA_API 3	/* a second-level domain */
#define PASS_THROUGH 4
#define TORN 9
#define OWNERS 5

#define DMA_API_DID 2

static struct pci_dev pci[DEVICES];
static struct dev_iommu params[DEVICES];
static struct device_domain_info infos[DEVICES];
static struct intel_iommu unit;
static struct dmar_domain dma_api;
static struct iommu_domain_info dma_api_id = { .did = DMA_API_DID };

static unsigned int number_of(const struct device *dev)
{
	return (unsigned int)(to_pci_dev(dev) - pci);
}

/* Of an entry. */
static unsigned int device_of(unsigned int entry)
{
	return entry == NO_PASID ? 0 : entry;
}

static u32 pasid_of(unsigned int entry)
{
	return entry == NO_PASID ? IOMMU_NO_PASID : 1 + entry;
}

static unsigned int entry_with(u32 pasid)
{
	return pasid == IOMMU_NO_PASID ? NO_PASID : pasid - 1;
}

/* ---- memory: a page is an object of the heap; where it is, it is for devices, too ---- */

unsigned long uml_physmem;
struct page *mem_map;
static struct kmem_cache *page_cache;

struct page *__alloc_pages_noprof(gfp_t gfp, unsigned int order, int node, nodemask_t *mask)
{
	void *page = kmem_cache_zalloc(page_cache, gfp);

	return page ? virt_to_page(page) : NULL;
}

void __free_pages(struct page *page, unsigned int order)
{
	kmem_cache_free(page_cache, page_address(page));
}

/* Statistics. */
struct pglist_data contig_page_data;
atomic_long_t vm_node_stat[NR_VM_NODE_STAT_ITEMS];

/* Nobody walks page tables here: what leads to them is a number. */
static void *page_tables_of(unsigned int who)
{
	return (void *)((unsigned long)who << PAGE_SHIFT);
}

/* ---- the hardware ---- */

/* What is remembered of a device's entry, and of the page behind it: whose; 0: nothing. */
static struct {
	spinlock_t lock;
	/* While the entry is read: to forget it takes until reads that began before are over. */
	spinlock_t reading;
	unsigned int entry, iotlb, devtlb;
	u16 did, iotlb_did;   /* with which the entry and the IOTLB are tagged */
	unsigned int request; /* a page request that nobody has answered */
	bool in_use;	      /* its driver lets it use the PASID */
	unsigned int owner;   /* from before the entry is set until it is torn down */
} hw[ENTRIES];
static bool untrusted; /* devices use their PASIDs all the time */
static bool over;      /* what is left is given back, and nobody looks any more */

enum { MAPPED, UNMAPPED, FREED };
static int page[OWNERS];	   /* one in the address space of each */
static bool tables_freed[OWNERS];

static bool may_use(unsigned int dev)
{
	return hw[dev].in_use || untrusted;
}

/* The entry in memory; NULL: there is none. */
static u64 *entry_of(unsigned int dev)
{
	const u64 *directory = infos[device_of(dev)].pasid_table->table;
	const u64 entries = READ_ONCE(directory[pasid_of(dev) >> PASID_PDE_SHIFT]);

	if (!(entries & PASID_PTE_PRESENT))
		return NULL;
	return ((struct pasid_entry *)phys_to_virt(entries & PAGE_MASK))[pasid_of(dev)].val;
}

/* Where an entry leads to that has been read. */
static unsigned int target_of(const u64 *word)
{
	const u64 type = word[0] >> 6 & 7;
	const u16 did = (u16)word[1];
	unsigned int who = TORN;

	if (type == PASID_ENTRY_PGTT_FL_ONLY && did == FLPT_DEFAULT_DID)
		who = word[2] >> PAGE_SHIFT;
	else if (type == PASID_ENTRY_PGTT_SL_ONLY && did == DMA_API_DID)
		who = word[0] >> PAGE_SHIFT;
	else if (type == PASID_ENTRY_PGTT_PT && did == FLPT_DEFAULT_DID)
		who = PASS_THROUGH;
	return who && who < OWNERS ? who : TORN;
}

static void check_owner(unsigned int dev, unsigned int who)
{
	if (who && who != hw[dev].owner && !over)
		ck_report("translation for another owner", "of the device's PASID");
}

/* Reports that a device is translated by what is free. */
static void check_tables(unsigned int dev)
{
	if (!over && may_use(dev) && READ_ONCE(tables_freed[hw[dev].entry]))
		ck_report("page tables freed under a device", "the PASID cache leads there");
}

static void check_page(unsigned int dev, unsigned int who)
{
	if (!over && who && may_use(dev) && READ_ONCE(page[who]) == FREED &&
	    (hw[dev].iotlb == who || hw[dev].devtlb == who))
		ck_report("stale translation", "a TLB leads to a page that is free");
}

/* What the entry in memory leads to, word by word. */
static unsigned int read_entry(unsigned int dev, u16 *did)
{
	const u64 *const entry = entry_of(dev);
	u64 word[8];
	unsigned int i;

	for (i = 0; entry && i < 8; i++) {
		word[i] = READ_ONCE(entry[i]);
		if (!i && !(word[0] & PASID_PTE_PRESENT))
			return 0;
	}
	if (!entry)
		return 0;
	*did = (u16)word[1];
	return target_of(word);
}

/* What the PASID cache has of it; it is read if that has nothing. */
static long fetch(unsigned int dev)
{
	unsigned int who;
	u16 did = 0;

	spin_lock(&hw[dev].reading);
	who = READ_ONCE(hw[dev].entry);
	if (!who)
		who = read_entry(dev, &did);
	if (who == TORN) {
		ck_report("torn PASID entry", "it is present, and half of another one");
	} else if (who) {
		spin_lock(&hw[dev].lock);
		if (!hw[dev].entry) {
			WRITE_ONCE(hw[dev].entry, who);
			hw[dev].did = did;
		}
		check_owner(dev, who);
		check_tables(dev);
		spin_unlock(&hw[dev].lock);
	}
	spin_unlock(&hw[dev].reading);
	return who;
}

static long walk(unsigned int dev)
{
	long who;

	spin_lock(&hw[dev].lock);
	if (!hw[dev].iotlb && hw[dev].entry && READ_ONCE(page[hw[dev].entry]) == MAPPED) {
		hw[dev].iotlb = hw[dev].entry;
		hw[dev].iotlb_did = hw[dev].did;
	}
	who = hw[dev].iotlb;
	check_owner(dev, who);
	check_page(dev, who);
	spin_unlock(&hw[dev].lock);
	return who;
}

static long ats(unsigned int dev)
{
	long who;

	spin_lock(&hw[dev].lock);
	if (!hw[dev].devtlb)
		hw[dev].devtlb = hw[dev].iotlb;
	who = hw[dev].devtlb;
	check_owner(dev, who);
	check_page(dev, who);
	spin_unlock(&hw[dev].lock);
	return who;
}

/* A page request, with what the PASID cache has; its answer is somebody else's business. */
static long request(unsigned int dev)
{
	long result = KH_NOT_MADE;

	spin_lock(&hw[dev].lock);
	if (may_use(dev) && hw[dev].entry) {
		hw[dev].request = hw[dev].entry;
		result = 0;
	}
	spin_unlock(&hw[dev].lock);
	return result;
}

/* ---- commands ---- */

static void flush_pasid_cache(u16 did, u32 pasid)
{
	const unsigned int dev = entry_with(pasid);

	spin_lock(&hw[dev].reading);
	spin_lock(&hw[dev].lock);
	if (hw[dev].did == did)
		WRITE_ONCE(hw[dev].entry, 0);
	spin_unlock(&hw[dev].lock);
	spin_unlock(&hw[dev].reading);
}

/* All of it: an IOMMU may forget more than it is asked to. */
static void flush_iotlb(u16 did, u32 pasid)
{
	const unsigned int dev = entry_with(pasid);

	spin_lock(&hw[dev].lock);
	if (hw[dev].iotlb_did == did)
		hw[dev].iotlb = 0;
	spin_unlock(&hw[dev].lock);
}

static void flush_devtlb(u32 pasid)
{
	const unsigned int dev = entry_with(pasid);

	spin_lock(&hw[dev].lock);
	hw[dev].devtlb = 0;
	spin_unlock(&hw[dev].lock);
}

int qi_submit_sync(struct intel_iommu *iommu, struct qi_desc *desc, unsigned int count,
		   unsigned long options)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		const u64 word = desc[i].qw0;
		const u32 pasid = word >> 32 & 0xfffff;

		switch (word & 0xf) {
		case QI_PC_TYPE:
			flush_pasid_cache((u16)(word >> 16), pasid);
			break;
		case QI_EIOTLB_TYPE:
			flush_iotlb((u16)(word >> 16), pasid);
			break;
		case QI_DEIOTLB_TYPE:
			flush_devtlb(pasid);
			break;
		default:
			ck_report("scenario", "a command that the hardware of the target lacks");
		}
	}
	return 0;
}

void qi_flush_piotlb(struct intel_iommu *iommu, u16 did, u32 pasid, u64 address,
		     unsigned long npages, bool ih)
{
	flush_iotlb(did, pasid);
}

void qi_flush_dev_iotlb_pasid(struct intel_iommu *iommu, u16 sid, u16 pfsid, u32 pasid, u16 qdep,
			      u64 address, unsigned int size_order)
{
	flush_devtlb(pasid);
}

void qi_flush_dev_iotlb(struct intel_iommu *iommu, u16 sid, u16 pfsid, u16 qdep, u64 address,
			unsigned int mask)
{
	flush_devtlb(IOMMU_NO_PASID);
}

static void flush_domain(struct intel_iommu *iommu, u16 did, u64 address, unsigned int size_order,
			 u64 type)
{
	unsigned int dev;

	for (dev = 0; dev < ENTRIES; dev++)
		flush_iotlb(did, pasid_of(dev));
}

void iommu_flush_write_buffer(struct intel_iommu *iommu)
{
}

/* Requests that the device has made are answered when it returns. */
static unsigned int drains[THREADS]; /* by thread */

void intel_iommu_drain_pasid_prq(struct device *dev, u32 pasid)
{
	const unsigned int number = entry_with(pasid);

	ck_may_sleep("intel_iommu_drain_pasid_prq()");
	spin_lock(&hw[number].lock);
	hw[number].request = 0;
	spin_unlock(&hw[number].lock);
	drains[ck_self()]++;
}
