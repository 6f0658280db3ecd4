// SPDX-License-Identifier: MIT
// The target dma-iommu: 6.12's DMA API on an IOMMU, with its flush queue, on the core's groups, the
// kernel's own IOVA allocator, and an IOMMU of ours.
//
// One device with a driver that has three buffers; the last one is a second device's, once it has
// joined the group.  A slot is a buffer: whoever maps, unmaps or uses it has it for that time.  A
// device does DMA to what is mapped, and to nothing else.
#include <linux/cpuhotplug.h>
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/iommu-dma.h>
#include <linux/iommu.h>
#include <linux/iova.h>
#include <linux/mm.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

#include "harness.h"
#include "target.h"
#include "probed_devices.h"

#define SLOTS 3
#define FEW 16   /* page frame numbers of IOVAs: 1 .. FEW - 1 */
#define MANY 512 /* with a queue that is full */

static bool many;    /* IOVAs */
static bool single;  /* one flush queue for all CPUs */
static bool lazy;    /* since before a flush queue was asked for */
static bool with_tlb; /* it is looked at where the set-up has DMA */

static unsigned int iovas(void)
{
	return many ? MANY : FEW;
}

/* ---- the hardware: the IOTLB, with the table that an entry comes from ---- */

/* Nothing here shall look like a pointer: it would keep what is leaked. */
struct cached {
	unsigned long domain, table; /* complemented */
	unsigned long page;	     /* 0: none */
};

static DEFINE_SPINLOCK(tlb_lock);
static struct cached tlb[MANY];

/* ---- the driver of the IOMMU: a page of page tables for each page that is mapped ---- */

struct mock_domain {
	struct iommu_domain domain;
	struct {
		unsigned long page;
		struct page *table;
	} ptes[MANY];
};

static struct iommu_device iommu;

static struct mock_domain *to_mock(struct iommu_domain *domain)
{
	return container_of(domain, struct mock_domain, domain);
}

static void mock_flush_all(struct iommu_domain *domain)
{
	unsigned long flags;
	unsigned int pfn;

	if (!with_tlb)
		return;
	spin_lock_irqsave(&tlb_lock, flags);
	for (pfn = 0; pfn < iovas(); pfn++)
		if (tlb[pfn].domain == ~(unsigned long)domain)
			tlb[pfn].page = 0;
	spin_unlock_irqrestore(&tlb_lock, flags);
}

/* The last reference of a page of page tables. */
void __folio_put(struct folio *folio)
{
	struct page *const table = &folio->page;
	const struct cached *const entry = &tlb[page_private(table)];
	unsigned long flags;

	if (with_tlb) {
		spin_lock_irqsave(&tlb_lock, flags);
		if (entry->page && entry->table == ~(unsigned long)table)
			ck_report("page table freed before the flush",
				  "the IOMMU has cached what it has read there");
		spin_unlock_irqrestore(&tlb_lock, flags);
	}
	kfree(table);
}

static int mock_map_pages(struct iommu_domain *domain, unsigned long iova, phys_addr_t paddr,
			  size_t pgsize, size_t pgcount, int prot, gfp_t gfp, size_t *mapped)
{
	struct mock_domain *const mock = to_mock(domain);
	const unsigned long pfn = iova >> PAGE_SHIFT;
	struct page *table;
	unsigned long flags;

	if (pfn >= MANY || pgcount != 1) {
		ck_report("scenario", "an IOVA beyond those that the target has");
		return -EINVAL;
	}
	table = kzalloc(sizeof(*table), gfp);
	if (!table)
		return -ENOMEM;
	set_page_count(table, 1);
	set_page_private(table, pfn);
	if (with_tlb) {
		spin_lock_irqsave(&tlb_lock, flags);
		if (tlb[pfn].page && tlb[pfn].domain == ~(unsigned long)domain)
			ck_report("IOVA reused before the flush",
				  "the IOTLB leads to the page that was there before");
		spin_unlock_irqrestore(&tlb_lock, flags);
	}
	if (mock->ptes[pfn].page)
		ck_report("IOVA given twice", "it is mapped already");
	mock->ptes[pfn].table = table;
	mock->ptes[pfn].page = paddr >> PAGE_SHIFT;
	*mapped = PAGE_SIZE;
	return 0;
}

static size_t mock_unmap_pages(struct iommu_domain *domain, unsigned long iova, size_t pgsize,
			       size_t pgcount, struct iommu_iotlb_gather *gather)
{
	struct mock_domain *const mock = to_mock(domain);
	const unsigned long pfn = iova >> PAGE_SHIFT;

	if (pfn >= MANY || !mock->ptes[pfn].page)
		return 0;
	mock->ptes[pfn].page = 0;
	list_add(&mock->ptes[pfn].table->lru, &gather->freelist);
	mock->ptes[pfn].table = NULL;
	return PAGE_SIZE;
}

/* What a driver does at once if there is no queue. */
static void mock_iotlb_sync(struct iommu_domain *domain, struct iommu_iotlb_gather *gather)
{
	struct page *table, *next;

	mock_flush_all(domain);
	list_for_each_entry_safe(table, next, &gather->freelist, lru) {
		list_del(&table->lru);
		put_page(table);
	}
}

static phys_addr_t mock_iova_to_phys(struct iommu_domain *domain, dma_addr_t iova)
{
	return (phys_addr_t)to_mock(domain)->ptes[iova >> PAGE_SHIFT].page << PAGE_SHIFT;
}

static struct iommu_group *group;
static struct device device, second;
static bool has_second; /* whoever has the last slot looks at it */
static struct iommu_domain *attached; /* to the group */

/* The caches forget the domain before. */
static int mock_attach(struct iommu_domain *domain, struct device *dev)
{
	if (attached)
		mock_flush_all(attached);
	attached = domain;
	return 0;
}

static void mock_free(struct iommu_domain *domain)
{
	unsigned int pfn;

	if (domain == attached)
		ck_report("domain freed while attached", "the device still translates with it");
	for (pfn = 0; pfn < iovas(); pfn++)
		if (to_mock(domain)->ptes[pfn].page)
			ck_report("scenario", "a domain goes, and a buffer is mapped there");
	kfree(to_mock(domain));
}

static const struct iommu_domain_ops mock_domain_ops = {
	.attach_dev = mock_attach,
	.map_pages = mock_map_pages,
	.unmap_pages = mock_unmap_pages,
	.flush_iotlb_all = mock_flush_all,
	.iotlb_sync = mock_iotlb_sync,
	.iova_to_phys = mock_iova_to_phys,
	.free = mock_free,
};

static struct iommu_domain *mock_domain_alloc_paging(struct device *dev)
{
	struct mock_domain *mock = kzalloc(sizeof(*mock), GFP_KERNEL);

	if (!mock)
		return ERR_PTR(-ENOMEM);
	mock->domain.pgsize_bitmap = PAGE_SIZE;
	mock->domain.geometry.aperture_end = ((dma_addr_t)MANY << PAGE_SHIFT) - 1;
	mock->domain.geometry.force_aperture = true;
	mock->domain.ops = &mock_domain_ops;
	return &mock->domain;
}

static bool mock_capable(struct device *dev, enum iommu_cap cap)
{
	return cap == IOMMU_CAP_CACHE_COHERENCY || cap == IOMMU_CAP_DEFERRED_FLUSH;
}

static struct iommu_device *mock_probe_device(struct device *dev)
{
	dev->iommu->shadow_on_flush = single;
	return &iommu;
}

static struct iommu_group *mock_device_group(struct device *dev)
{
	return dev == &second ? iommu_group_ref_get(group) : generic_device_group(dev);
}

/* The second one goes first. */
static void mock_release_device(struct device *dev)
{
	if (dev == &second)
		return;
	if (attached)
		mock_flush_all(attached);
	attached = NULL;
}

static const struct iommu_ops mock_ops = {
	.capable = mock_capable,
	.domain_alloc_paging = mock_domain_alloc_paging,
	.probe_device = mock_probe_device,
	.release_device = mock_release_device,
	.device_group = mock_device_group,
	.default_domain_ops = &mock_domain_ops,
};

/* ---- the kernel around it ---- */

struct cpuinfo_um boot_cpu_data = { .cache_alignment = 64 };
const struct bus_type platform_bus_type;
struct pglist_data contig_page_data;
atomic_long_t vm_node_stat[NR_VM_NODE_STAT_ITEMS];

/* Buffers have numbers; nobody looks at their struct pages. */
static struct page no_pages;
struct page *mem_map = &no_pages;
unsigned long uml_physmem;

struct fwnode_handle *__dev_fwnode(struct device *dev)
{
	return NULL;
}

void iommu_device_unlink(struct iommu_device *iommu, struct device *link)
{
}

/* No CPU goes. */
int __cpuhp_state_add_instance(enum cpuhp_state state, struct hlist_node *node, bool invoke)
{
	return 0;
}

int __cpuhp_state_remove_instance(enum cpuhp_state state, struct hlist_node *node, bool invoke)
{
	return 0;
}

/* ---- the devices and their driver ---- */

static u64 dma_mask;

enum { FREE, BUSY, MAPPED, GONE };
static struct {
	int state;
	dma_addr_t iova;
	unsigned long page; /* another one each time: the driver gives it back */
	unsigned int maps;
} slots[SLOTS];

static bool take(unsigned int slot, int state)
{
	return cmpxchg(&slots[slot].state, state, BUSY) == state;
}

static void leave(unsigned int slot, int state)
{
	smp_store_release(&slots[slot].state, state);
}

/* As the DMA API does: without memory for its IOVAs, a device has no dma-iommu. */
static dma_addr_t map_page(struct device *dev, unsigned long number)
{
	if (!use_dma_iommu(dev))
		return DMA_MAPPING_ERROR;
	return iommu_dma_map_page(dev, mem_map + number, 0, PAGE_SIZE, DMA_BIDIRECTIONAL, 0);
}

static void unmap_page(struct device *dev, dma_addr_t iova)
{
	iommu_dma_unmap_page(dev, iova, PAGE_SIZE, DMA_BIDIRECTIONAL, 0);
}

/* Of a slot that the caller has. */
static struct device *owner(unsigned int slot)
{
	return slot == SLOTS - 1 && has_second ? &second : &device;
}

static long map(unsigned int slot)
{
	if (!take(slot, FREE))
		return KH_NOT_MADE;
	slots[slot].page = 1 + slot + SLOTS * slots[slot].maps++;
	slots[slot].iova = map_page(owner(slot), slots[slot].page);
	if (slots[slot].iova == DMA_MAPPING_ERROR) {
		leave(slot, FREE);
		return -ENOMEM;
	}
	leave(slot, MAPPED);
	return 0;
}

static long unmap(unsigned int slot)
{
	const struct cached *entry;
	unsigned long flags;

	if (!take(slot, MAPPED))
		return KH_NOT_MADE;
	unmap_page(owner(slot), slots[slot].iova);
	if (with_tlb && !READ_ONCE(lazy)) {
		entry = &tlb[slots[slot].iova >> PAGE_SHIFT];
		spin_lock_irqsave(&tlb_lock, flags);
		if (entry->page == slots[slot].page)
			ck_report("stale translation", "of a buffer that is given back");
		spin_unlock_irqrestore(&tlb_lock, flags);
	}
	leave(slot, FREE);
	return 0;
}

/* The first one in the set-up says that the IOTLB is looked at. */
static long dma(unsigned int thread, unsigned int slot)
{
	struct mock_domain *mock;
	struct cached *entry;
	unsigned long flags, pfn;

	if (thread == 0)
		with_tlb = true;
	if (!with_tlb || !take(slot, MAPPED))
		return KH_NOT_MADE;
	pfn = slots[slot].iova >> PAGE_SHIFT;
	entry = &tlb[pfn];
	mock = to_mock(attached);
	spin_lock_irqsave(&tlb_lock, flags);
	if (!entry->page || entry->domain != ~(unsigned long)attached) {
		entry->domain = ~(unsigned long)attached;
		entry->table = ~(unsigned long)mock->ptes[pfn].table;
		entry->page = mock->ptes[pfn].page;
	}
	if (entry->page != slots[slot].page)
		ck_report("DMA to another page", "than the one that is mapped");
	spin_unlock_irqrestore(&tlb_lock, flags);
	leave(slot, MAPPED);
	return 0;
}

static long map_and_unmap(unsigned int slot)
{
	const long result = map(slot);

	return result ? result : unmap(slot);
}

/* While a driver is bound, the type of its domain stays, but for the flush queue. */
static void bind_to(struct device *dev)
{
	if (iommu_device_use_default_domain(dev))
		ck_report("scenario", "the driver cannot be bound");
}

/* The driver leaves the devices alone, if it has no buffer mapped. */
static bool unbind_driver(void)
{
	unsigned int slot;

	for (slot = 0; slot < SLOTS; slot++)
		if (!take(slot, FREE))
			break;
	if (slot == SLOTS) {
		if (has_second)
			iommu_device_unuse_default_domain(&second);
		iommu_device_unuse_default_domain(&device);
		return true;
	}
	while (slot--)
		leave(slot, FREE);
	return false;
}

static void bind_driver(int state)
{
	unsigned int slot;

	if (state != GONE) {
		bind_to(&device);
		if (has_second)
			bind_to(&second);
	}
	for (slot = 0; slot < SLOTS; slot++)
		leave(slot, state);
}

/* Of iommu.c: behind the file of a group in sysfs. */
ssize_t iommu_group_store_type(struct iommu_group *group, const char *buf, size_t count);

static long enable_fq(unsigned int thread)
{
	ssize_t result;

	WRITE_ONCE(lazy, true);
	result = iommu_group_store_type(group, "DMA-FQ", 6);
	return result == 6 ? 0 : result;
}

/* A new domain, without a flush queue; the old one goes. */
static long new_domain(unsigned int thread)
{
	ssize_t result;

	if (!unbind_driver())
		return KH_NOT_MADE;
	result = iommu_group_store_type(group, "DMA", 3);
	bind_driver(FREE);
	return result == 3 ? 0 : result;
}

static void remove_devices(void)
{
	if (has_second)
		iommu_group_remove_device(&second);
	has_second = false;
	iommu_group_remove_device(&device);
}

/* The devices are unplugged. */
static long detach(unsigned int thread)
{
	if (!unbind_driver())
		return KH_NOT_MADE;
	remove_devices();
	bind_driver(GONE);
	return 0;
}

static long set_single(unsigned int thread)
{
	iommu_device_unuse_default_domain(&device);
	iommu_group_remove_device(&device);
	iommu_group_put(group);
	single = true;
	if (iommu_probe_device(&device))
		return -EIO;
	group = iommu_group_get(&device);
	bind_to(&device);
	return 0;
}

/* The second device joins. */
static long join(unsigned int thread)
{
	int result;

	if (!take(SLOTS - 1, FREE))
		return KH_NOT_MADE;
	result = has_second ? -EBUSY : iommu_probe_device(&second);
	if (!result) {
		has_second = true;
		bind_to(&second);
	}
	leave(SLOTS - 1, FREE);
	return result;
}

/* As many as CPU 0's queue has place for. */
static long fill(unsigned int thread)
{
	unsigned int i;

	many = true;
	dma_mask = ((u64)MANY << PAGE_SHIFT) - 1;
	for (i = 0; i < 255; i++) {
		const dma_addr_t iova = map_page(&device, 1);

		if (iova == DMA_MAPPING_ERROR)
			return -ENOMEM;
		unmap_page(&device, iova);
	}
	return 0;
}

static long map0(unsigned int thread) { return map(0); }
static long map1(unsigned int thread) { return map(1); }
static long map2(unsigned int thread) { return map(2); }
static long unmap0(unsigned int thread) { return unmap(0); }
static long unmap1(unsigned int thread) { return unmap(1); }
static long unmap2(unsigned int thread) { return unmap(2); }
static long dma0(unsigned int thread) { return dma(thread, 0); }
static long dma1(unsigned int thread) { return dma(thread, 1); }
static long once2(unsigned int thread) { return map_and_unmap(2); }

const struct kh_call kh_calls[] = {
	{ "map0", map0 },
	{ "map1", map1 },
	{ "map2", map2 },
	{ "unmap0", unmap0 },
	{ "unmap1", unmap1 },
	{ "unmap2", unmap2 },
	{ "dma0", dma0 },
	{ "dma1", dma1 },
	{ "once2", once2 },
	{ "enable_fq", enable_fq },
	{ "new_domain", new_domain },
	{ "detach", detach },
	{ "join", join },
	{ "single", set_single },
	{ "fill", fill },
	{ NULL, NULL },
};

/* ---- the beginning and the end ---- */

void kh_target_boot(void)
{
	dma_mask = ((u64)FEW << PAGE_SHIFT) - 1;
	device.dma_mask = &dma_mask;
	second.dma_mask = &dma_mask;
	iommu_set_default_translated(true);
	if (iova_cache_get() || iommu_device_register(&iommu, &mock_ops, NULL) ||
	    iommu_probe_device(&device))
		ck_report("scenario", "the device cannot be added in the set-up");
	group = iommu_group_get(&device);
	bind_to(&device);
}

void kh_target_start(unsigned int threads)
{
}

/* All IOVAs that can be had: if nothing is under way, those that are not in use. */
static void count_iovas(void)
{
	const bool idle = !kh_pending_timers();
	static dma_addr_t more[MANY];
	unsigned int slot, used = 0, mores = 0;

	for (slot = 0; slot < SLOTS; slot++)
		used += slots[slot].state == MAPPED;
	while (mores < MANY) {
		more[mores] = map_page(&device, 1);
		if (more[mores] == DMA_MAPPING_ERROR)
			break;
		mores++;
	}
	if (idle && used + mores != iovas() - 1 && use_dma_iommu(&device))
		ck_report("IOVA leak", "nothing is under way, and not all can be had");
	while (mores)
		unmap_page(&device, more[--mores]);
}

void kh_target_finish(void)
{
	unsigned int slot;

	if (slots[0].state != GONE) {
		count_iovas();
		for (slot = 0; slot < SLOTS; slot++)
			unmap(slot);
		unbind_driver();
		remove_devices();
	}
	iommu_group_put(group);
	group = NULL;
}
