// SPDX-License-Identifier: MIT
// The target dma-iommu: 6.12's DMA API on an IOMMU, with its flush queue, on the core's groups, the
// kernel's own IOVA allocator, and an IOMMU of ours.
//
// One device with a driver that has three buffers; the last one is a second device's, once it has
// joined the group.  A slot is a buffer: whoever maps, unmaps or uses it has it for that time.  A
// device does DMA to what is mapped, and to nothing else.
#include "lazy_iommu.h"

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
