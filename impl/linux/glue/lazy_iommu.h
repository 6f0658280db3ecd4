// SPDX-License-Identifier: MIT
// An IOMMU for the DMA API: a page of page tables for each page that is mapped, and an IOTLB that keeps
// what it has until it is flushed.  Included once, by a target's file.
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
