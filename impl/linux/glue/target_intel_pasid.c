// SPDX-License-Identifier: MIT
// The target intel-pasid: how 6.12's VT-d driver sets PASID table entries and tears them down, with
// its own svm.c, cache tags and the kernel's mmu notifiers, on hardware of ours that reads an entry
// word by word and remembers it in a PASID cache, an IOTLB and device TLBs.
//
// Two devices behind one IOMMU.  Each has a PASID of its own, which goes from one process to
// another as soon as it is unbound.  A bond belongs to whoever closes it: any thread may unbind.
// All threads are tasks of process 1; with "apart", the first one is, and the others are tasks of
// process 2.  What a device does are calls, too: fetch (the IOMMU reads the entry), walk (the page
// tables behind it fill the IOTLB), ats (the answer fills the device TLB).
#include "vtd_unit.h"
#include "page_table_locks.h"

/* ---- PCI ---- */

const struct bus_type pci_bus_type;

int pci_max_pasids(struct pci_dev *dev)
{
	return 1 + DEVICES;
}

bool pci_device_is_present(struct pci_dev *dev)
{
	return true;
}

/* ---- processes ---- */

static struct {
	struct mm_struct *mm;
	struct iommu_domain *domain;
} process[1 + PROCESSES];
static bool left[THREADS]; /* by thread */
static bool one_task;	   /* only the first thread is one; the others have its files, no more */
static bool apart;

static unsigned int process_of(unsigned int thread)
{
	return apart && thread > 1 ? 2 : 1;
}

static void free_pages_of(unsigned int who)
{
	unsigned int dev;

	WRITE_ONCE(page[who], FREED);
	for (dev = 0; dev < DEVICES; dev++) { /* none has it without a PASID */
		spin_lock(&hw[dev].lock);
		check_page(dev, who);
		check_tables(dev);
		spin_unlock(&hw[dev].lock);
	}
}

/* Between the end of the last task and that of the mm. */
static void mm_release(struct mm_struct *mm)
{
	const unsigned int who = mm == process[1].mm ? 1 : 2;

	mmu_notifier_release(mm);
	WRITE_ONCE(tables_freed[who], true);
	free_pages_of(who);
}

void mmput(struct mm_struct *mm)
{
	if (atomic_dec_and_test(&mm->mm_users)) {
		mm_release(mm);
		mmdrop(mm);
	}
}

void __mmdrop(struct mm_struct *mm)
{
	mmu_notifier_subscriptions_destroy(mm);
	kfree(mm);
}

static long exit_task(unsigned int thread)
{
	if (left[thread])
		return KH_NOT_MADE;
	left[thread] = true;
	mmput(process[process_of(thread)].mm);
	return 0;
}

/* The notifier of the driver is asked between the change of the page tables and the free. */
static long unmap(unsigned int thread)
{
	const unsigned int who = process_of(thread);
	struct mm_struct *mm = process[who].mm;

	if (left[thread] || cmpxchg(&page[who], MAPPED, UNMAPPED) != MAPPED)
		return KH_NOT_MADE;
	mmu_notifier_arch_invalidate_secondary_tlbs(mm, PAGE_SIZE, 2 * PAGE_SIZE);
	free_pages_of(who);
	return 0;
}

static long touch(unsigned int thread)
{
	const unsigned int who = process_of(thread);

	return left[thread] || cmpxchg(&page[who], FREED, MAPPED) != FREED ? KH_NOT_MADE : 0;
}

/* ---- bonds: one of a device at a time ---- */

static struct mutex group_mutex[DEVICES];
static struct dmar_domain *bound[DEVICES]; /* that lists the device */

static void set_owner(unsigned int dev, unsigned int who, bool in_use)
{
	spin_lock(&hw[dev].lock);
	hw[dev].owner = who;
	hw[dev].in_use = in_use;
	check_owner(dev, hw[dev].entry);
	check_owner(dev, hw[dev].iotlb);
	check_owner(dev, hw[dev].devtlb);
	spin_unlock(&hw[dev].lock);
}

static long set_entry(unsigned int dev, unsigned int who)
{
	struct device *const device = &pci[dev].dev;
	struct iommu_domain *const domain = who <= PROCESSES ? process[who].domain : NULL;

	if (who == DMA_API)
		return intel_pasid_setup_second_level(&unit, &dma_api, device, pasid_of(dev));
	if (who == PASS_THROUGH)
		return intel_pasid_setup_pass_through(&unit, device, pasid_of(dev));
	return domain->ops->set_dev_pasid(domain, device, pasid_of(dev), NULL);
}

static long bind_owner(unsigned int dev, unsigned int who)
{
	long result = KH_NOT_MADE;

	mutex_lock(&group_mutex[dev]);
	if (!hw[dev].owner) {
		set_owner(dev, who, false);
		result = set_entry(dev, who);
		if (!result && who <= PROCESSES)
			bound[dev] = to_dmar_domain(process[who].domain);
		set_owner(dev, result ? 0 : who, !result);
	}
	mutex_unlock(&group_mutex[dev]);
	return result;
}

static long bind(unsigned int thread, unsigned int dev)
{
	return left[thread] ? KH_NOT_MADE : bind_owner(dev, process_of(thread));
}

/* What remove_dev_pasid() of the driver does before it tears the entry down. */
static void leave_domain(struct dmar_domain *domain, struct device *dev, u32 pasid)
{
	struct dev_pasid_info *info, *mine = NULL;
	unsigned long flags;

	spin_lock_irqsave(&domain->lock, flags);
	list_for_each_entry(info, &domain->dev_pasids, link_domain)
		if (info->dev == dev)
			mine = info;
	list_del(&mine->link_domain);
	spin_unlock_irqrestore(&domain->lock, flags);
	cache_tag_unassign_domain(domain, dev, pasid);
	kfree(mine);
}

/* After the return of an unbind. */
static void check_forgotten(unsigned int dev)
{
	const u64 *const entry = entry_of(dev);
	unsigned int i;

	if (over)
		return;
	spin_lock(&hw[dev].lock);
	if (hw[dev].entry || hw[dev].iotlb || hw[dev].devtlb)
		ck_report("translation left behind", "cached, of an entry that is torn down");
	for (i = 0; i < 8; i++)
		if (READ_ONCE(entry[i]))
			ck_report("PASID entry left behind", "a word of one that is torn down");
	if (hw[dev].request)
		ck_report("page request left behind",
			  "the device has made it, and unbind has not drained");
	hw[dev].request = 0;
	spin_unlock(&hw[dev].lock);
}

/* How often page requests have been drained. */
static long unbind(unsigned int dev)
{
	const unsigned int before = drains[ck_self()];
	long result = KH_NOT_MADE;

	mutex_lock(&group_mutex[dev]);
	if (hw[dev].owner) {
		/* The device has stopped before that. */
		set_owner(dev, hw[dev].owner, false);
		if (bound[dev])
			leave_domain(bound[dev], &pci[dev].dev, pasid_of(dev));
		bound[dev] = NULL;
		intel_pasid_tear_down_entry(&unit, &pci[dev].dev, pasid_of(dev), false);
		check_forgotten(dev);
		set_owner(dev, 0, false);
		result = drains[ck_self()] - before;
	}
	mutex_unlock(&group_mutex[dev]);
	return result;
}

/* ---- the device without a PASID: its domain has a list of devices, and tracks dirty pages ---- */

static long attach(void)
{
	struct device *const dev = &pci[0].dev;
	unsigned long flags;
	long result = KH_NOT_MADE;

	mutex_lock(&group_mutex[0]);
	if (!hw[NO_PASID].owner) {
		set_owner(NO_PASID, DMA_API, false);
		spin_lock_irqsave(&dma_api.lock, flags);
		list_add(&infos[0].link, &dma_api.devices);
		spin_unlock_irqrestore(&dma_api.lock, flags);
		result = intel_pasid_setup_second_level(&unit, &dma_api, dev, IOMMU_NO_PASID);
		if (result) {
			spin_lock_irqsave(&dma_api.lock, flags);
			list_del(&infos[0].link);
			spin_unlock_irqrestore(&dma_api.lock, flags);
		}
		set_owner(NO_PASID, result ? 0 : DMA_API, !result);
	}
	mutex_unlock(&group_mutex[0]);
	return result;
}

/* As device_block_translation() has it: the entry goes first. */
static long detach(void)
{
	unsigned long flags;
	long result = KH_NOT_MADE;

	mutex_lock(&group_mutex[0]);
	if (hw[NO_PASID].owner) {
		set_owner(NO_PASID, DMA_API, false);
		intel_pasid_tear_down_entry(&unit, &pci[0].dev, IOMMU_NO_PASID, false);
		spin_lock_irqsave(&dma_api.lock, flags);
		list_del(&infos[0].link);
		spin_unlock_irqrestore(&dma_api.lock, flags);
		check_forgotten(NO_PASID);
		set_owner(NO_PASID, 0, false);
		result = 0;
	}
	mutex_unlock(&group_mutex[0]);
	return result;
}

/* What IOMMU_HWPT_SET_DIRTY_TRACKING comes to, under no lock that an attach holds all the time. */
static long track(bool enable)
{
	struct device_domain_info *info;
	long result = 0;

	spin_lock(&dma_api.lock);
	if (dma_api.dirty_tracking == enable) {
		spin_unlock(&dma_api.lock);
		return 0;
	}
	list_for_each_entry(info, &dma_api.devices, link) {
		result = intel_pasid_setup_dirty_tracking(info->iommu, info->dev, IOMMU_NO_PASID,
							  enable);
		if (result)
			break;
	}
	if (!result)
		dma_api.dirty_tracking = enable;
	spin_unlock(&dma_api.lock);
	return result;
}

/* ---- what is looked at where calls have ended ---- */

/* 1: present, 2: not, and without faults, 0: neither. */
static long entry(unsigned int dev)
{
	const u64 *const entry = entry_of(dev);

	return entry ? READ_ONCE(entry[0]) & (PASID_PTE_PRESENT | PASID_PTE_FPD) : 0;
}

/* In the PASID cache, the IOTLB and the device TLB, a digit each. */
static long cached(unsigned int dev)
{
	long result;

	spin_lock(&hw[dev].lock);
	result = 100 * hw[dev].entry + 10 * hw[dev].iotlb + hw[dev].devtlb;
	spin_unlock(&hw[dev].lock);
	return result;
}

/* ---- calls ---- */

/* Whose translation the hardware finds: an entry and what is cached of it change one by one, and no
 * order of whole calls explains that. */
static bool shown;

static long seen(long who)
{
	return shown ? who : 0;
}

static long bind0(unsigned int thread) { return bind(thread, 0); }
static long bind1(unsigned int thread) { return bind(thread, 1); }
static long second0(unsigned int thread) { return bind_owner(0, DMA_API); }
static long through0(unsigned int thread) { return bind_owner(0, PASS_THROUGH); }
static long unbind0(unsigned int thread) { return unbind(0); }
static long unbind1(unsigned int thread) { return unbind(1); }
static long fetch0(unsigned int thread) { return seen(fetch(0)); }
static long fetch1(unsigned int thread) { return seen(fetch(1)); }
static long walk0(unsigned int thread) { return seen(walk(0)); }
static long walk1(unsigned int thread) { return seen(walk(1)); }
static long ats0(unsigned int thread) { return seen(ats(0)); }
static long ats1(unsigned int thread) { return seen(ats(1)); }
static long request0(unsigned int thread) { return request(0); }
static long attach0(unsigned int thread) { return attach(); }
static long detach0(unsigned int thread) { return detach(); }
static long track0(unsigned int thread) { return track(true); }
static long untrack0(unsigned int thread) { return track(false); }

/* A request without a PASID. */
static long dma0(unsigned int thread)
{
	fetch(NO_PASID);
	walk(NO_PASID);
	return seen(ats(NO_PASID));
}

static long entry0(unsigned int thread) { return entry(0); }
static long entry1(unsigned int thread) { return entry(1); }
static long cached0(unsigned int thread) { return cached(0); }
static long cached1(unsigned int thread) { return cached(1); }

static long set_one_task(unsigned int thread)
{
	one_task = true;
	return 0;
}

static long set_apart(unsigned int thread)
{
	apart = true;
	return 0;
}

static long set_untrusted(unsigned int thread)
{
	untrusted = true;
	return 0;
}

static long set_shown(unsigned int thread)
{
	shown = true;
	return 0;
}

/* The IOMMU is a virtual one: it may remember entries that are not present. */
static long set_caching_mode(unsigned int thread)
{
	unit.cap |= 1ULL << 7;
	return 0;
}

const struct kh_call kh_calls[] = {
	{ "bind0", bind0 },
	{ "bind1", bind1 },
	{ "second0", second0 },
	{ "through0", through0 },
	{ "unbind0", unbind0 },
	{ "unbind1", unbind1 },
	{ "exit", exit_task },
	{ "unmap", unmap },
	{ "touch", touch },
	{ "attach0", attach0 },
	{ "detach0", detach0 },
	{ "track0", track0 },
	{ "untrack0", untrack0 },
	{ "dma0", dma0 },
	{ "fetch0", fetch0 },
	{ "fetch1", fetch1 },
	{ "walk0", walk0 },
	{ "walk1", walk1 },
	{ "ats0", ats0 },
	{ "ats1", ats1 },
	{ "request0", request0 },
	{ "entry0", entry0 },
	{ "entry1", entry1 },
	{ "cached0", cached0 },
	{ "cached1", cached1 },
	{ "one_task", set_one_task },
	{ "apart", set_apart },
	{ "untrusted", set_untrusted },
	{ "shown", set_shown },
	{ "caching_mode", set_caching_mode },
	{ NULL, NULL },
};

/* ---- the beginning and the end ---- */

static void add_device(unsigned int number)
{
	struct device *const dev = &pci[number].dev;

	dev->bus = &pci_bus_type;
	dev->iommu = &params[number];
	params[number].priv = &infos[number];
	infos[number] = (struct device_domain_info){
		.devfn = (u8)number,
		.pasid_supported = 1,
		.pasid_enabled = 1,
		.pri_enabled = 1,
		.ats_enabled = 1,
		.dev = dev,
		.iommu = &unit,
	};
	mutex_init(&group_mutex[number]);
	if (intel_pasid_alloc_table(dev))
		ck_report("scenario", "intel_pasid_alloc_table() failed in the set-up");
}

static void add_process(unsigned int who)
{
	struct mm_struct *mm = kzalloc(sizeof(*mm), GFP_KERNEL);

	atomic_set(&mm->mm_count, 1);
	atomic_set(&mm->mm_users, 1);
	init_rwsem(&mm->mmap_lock);
	mm->pgd = page_tables_of(who);
	process[who].mm = mm;
	process[who].domain = intel_svm_domain_alloc(&pci[0].dev, mm);
	if (IS_ERR(process[who].domain)) {
		ck_report("scenario", "intel_svm_domain_alloc() failed in the set-up");
		return;
	}
	process[who].domain->type = IOMMU_DOMAIN_SVA;
	process[who].domain->mm = mm;
	mmgrab(mm); /* as the core has it for a domain */
}

void kh_target_boot(void)
{
	unsigned int i;

	page_cache = kmem_cache_create("pages", PAGE_SIZE, PAGE_SIZE, 0, NULL);
	spin_lock_init(&unit.lock);
	unit.gcmd = DMA_GCMD_TE;
	/* Both levels, snooped walks; queued invalidation, coherent. */
	unit.ecap = 1ULL << 47 | 1ULL << 46 | 1ULL << 48 | 1ULL << 43 | 3;
	unit.flush.flush_iotlb = flush_domain;
	xa_init(&dma_api.iommu_array);
	xa_store(&dma_api.iommu_array, 0, &dma_api_id, GFP_KERNEL);
	dma_api.pgd = page_tables_of(DMA_API);
	spin_lock_init(&dma_api.lock);
	INIT_LIST_HEAD(&dma_api.devices);
	for (i = 0; i < ENTRIES; i++) {
		spin_lock_init(&hw[i].lock);
		spin_lock_init(&hw[i].reading);
	}
	for (i = 0; i < DEVICES; i++)
		add_device(i);
	for (i = 1; i <= PROCESSES; i++)
		add_process(i);
}

void kh_target_start(unsigned int threads)
{
	const unsigned int tasks = left[0] ? 0 : one_task || apart ? 1 : threads;
	unsigned int thread;

	if (tasks)
		atomic_set(&process[1].mm->mm_users, (int)tasks);
	if (apart)
		atomic_set(&process[2].mm->mm_users, (int)threads - 1);
	for (thread = 0; thread < THREADS; thread++)
		left[thread] = !thread || thread > threads ||
			       (process_of(thread) == 1 && thread > tasks);
}

void kh_target_finish(void)
{
	unsigned int i;

	over = true;
	/* In the order of the end of a process: exit_mm(), then exit_files(). */
	for (i = 1; i < THREADS; i++)
		exit_task(i);
	if (!apart)
		mmput(process[2].mm);
	for (i = 0; i < DEVICES; i++)
		unbind(i);
	detach();
	for (i = 1; i <= PROCESSES; i++) {
		struct mm_struct *mm = process[i].mm;

		process[i].domain->ops->free(process[i].domain);
		mmdrop(mm);
		process[i].mm = NULL;
		process[i].domain = NULL;
	}
	for (i = 0; i < DEVICES; i++)
		intel_pasid_free_table(&pci[i].dev);
}
