// SPDX-License-Identifier: MIT
// The target arm-smmu-v3-sva: 6.1's SMMUv3 driver for shared virtual addressing, on the core's
// groups and page requests, the kernel's own mmu notifiers, and SMMUs of ours.
#include "smmu_v3.h"

/* ---- calls ---- */

/* Whose address space PASID 1 leads to; TLBs are not looked at. */
static long tlp(unsigned int dev)
{
	const u32 descriptor = READ_ONCE(units[dev].table.descriptors[1]);

	return descriptor & VALID && !(descriptor & QUIET) ? who_in(descriptor) : 0;
}

/* What the driver's feature of that name does. */
static long enable0(unsigned int thread)
{
	return arm_smmu_master_enable_sva(&units[0].master);
}

static long disable0(unsigned int thread)
{
	return arm_smmu_master_disable_sva(&units[0].master);
}

/* What an attach of its group to another domain asks. */
static long enabled0(unsigned int thread)
{
	return arm_smmu_master_sva_enabled(&units[0].master);
}

/* Device 0 stalls where a page is missing. */
static long stall0(unsigned int thread)
{
	struct unit *const unit = &units[0];

	arm_smmu_master_disable_sva(&unit->master);
	stalls = true;
	unit->smmu.evtq.iopf = iopf_queue_alloc("");
	unit->master.stall_enabled = true;
	unit->master.iopf_enabled = true;
	return arm_smmu_master_enable_sva(&unit->master);
}

/* It does, with PASID 1; what the thread of the event queue does. */
static long fault0(unsigned int thread)
{
	struct unit *const unit = &units[0];
	const int who = stalls ? (int)tlp(0) : 0;
	struct iommu_fault_event event = {
		.fault.type = IOMMU_FAULT_PAGE_REQ,
		.fault.prm.flags = IOMMU_FAULT_PAGE_REQUEST_PASID_VALID |
				   IOMMU_FAULT_PAGE_REQUEST_LAST_PAGE,
		.fault.prm.pasid = 1,
		.fault.prm.perm = IOMMU_FAULT_PERM_READ,
	};
	bool made;

	if (!who)
		return KH_NOT_MADE;
	mutex_lock(&unit->smmu.streams_mutex);
	spin_lock(&file_locks[file_of(0, who)]);
	made = tlp(0) == who && in_use(file_of(0, who));
	if (made) {
		event.fault.prm.grpid = (u32)atomic_inc_return(&requests) - 1;
		event.fault.prm.addr = (event.fault.prm.grpid + 1ULL) * PAGE_SIZE;
		issuer[event.fault.prm.grpid] = who;
		atomic_inc(&stalled[file_of(0, who)]);
	}
	spin_unlock(&file_locks[file_of(0, who)]);
	if (made && iommu_report_device_fault(&unit->dev, &event))
		resume(event.fault.prm.grpid);
	mutex_unlock(&unit->smmu.streams_mutex);
	return made ? 0 : KH_NOT_MADE;
}

/* The process's ASID is the one that device 1's domain has. */
static long same_asid1(unsigned int thread)
{
	asids[1] = units[1].table.domain.s1_cfg.cd.asid;
	return 0;
}

/* Its ASID is the one that the next domain would get. */
static long same_asid_next(unsigned int thread)
{
	asids[1] = DEVICES + 1;
	return 0;
}

/* A domain without a device comes, and goes. */
static long domain1(unsigned int thread)
{
	struct table *const table = kzalloc(sizeof(*table), GFP_KERNEL);
	int error;

	if (!table)
		return -ENOMEM;
	error = start_domain(&table->domain, 1);
	if (!error)
		end_domain(&table->domain);
	kfree(table);
	return error;
}

/* DMA by the DMA API's translations of device 1. */
static long own_dma1(unsigned int thread)
{
	if (thread == 0)
		with_tlbs = true;
	if (!with_tlbs)
		return KH_NOT_MADE;
	spin_lock(&tlbs);
	walk(&units[1], 0);
	spin_unlock(&tlbs);
	return 0;
}

/* A page of them goes: what the domain's flush does. */
static long own_unmap1(unsigned int thread)
{
	struct arm_smmu_domain *const domain = &units[1].table.domain;
	unsigned int now;

	spin_lock(&tlbs);
	now = ++pages[OWN(1)];
	spin_unlock(&tlbs);
	arm_smmu_tlb_inv_range_asid(PAGE_SIZE, PAGE_SIZE, domain->s1_cfg.cd.asid, PAGE_SIZE, true,
				    domain);
	arm_smmu_atc_inv_domain(domain, 0, PAGE_SIZE, PAGE_SIZE);
	if (reaches(1, 0, OWN(1), now))
		ck_report("stale translation", "of the device's own domain");
	return 0;
}

/* With a hold of ours on the process it can be seen whether it is the only one. */
static bool watched;

static long watch(unsigned int thread)
{
	mmgrab(process);
	watched = true;
	return 0;
}

/* The module goes: what its driver waits for, when nobody is bound and the process has ended.  What
 * holds the process then is a notifier whose callback is to come. */
static long unload(unsigned int thread)
{
	bool used = !watched || !gone[1];
	unsigned int file;

	for (file = 0; file < FILES; file++) {
		spin_lock(&file_locks[file]);
		used |= in_use(file);
		spin_unlock(&file_locks[file]);
	}
	if (used)
		return KH_NOT_MADE;
	arm_smmu_sva_notifier_synchronize();
	if (atomic_read(&process->mm_count) != 1)
		ck_report("callback of an unloaded module", "nobody has waited for it");
	return 0;
}

/* So many pages that they are not told one by one. */
static long unmap_many(unsigned int thread) { return unmap_pages(thread, PTRS_PER_PTE); }
static long tlp0(unsigned int thread) { return tlp(0); }
static long tlp1(unsigned int thread) { return tlp(1); }

const struct kh_call kh_calls[] = {
	SVM_CALLS,
	{ "unmap_many", unmap_many },
	{ "tlp0", tlp0 },
	{ "tlp1", tlp1 },
	{ "enable0", enable0 },
	{ "disable0", disable0 },
	{ "enabled0", enabled0 },
	{ "stall0", stall0 },
	{ "fault0", fault0 },
	{ "same_asid1", same_asid1 },
	{ "same_asid_next", same_asid_next },
	{ "domain1", domain1 },
	{ "own_dma1", own_dma1 },
	{ "own_unmap1", own_unmap1 },
	{ "watch", watch },
	{ "unload", unload },
	{ NULL, NULL },
};

/* ---- the beginning and the end ---- */

/* Devices stay. */
struct device *get_device(struct device *dev)
{
	return dev;
}

void put_device(struct device *dev)
{
}

static const struct iommu_ops ops = {
	.sva_bind = arm_smmu_sva_bind,
	.sva_unbind = arm_smmu_sva_unbind,
	.sva_get_pasid = arm_smmu_sva_get_pasid,
	.page_response = page_response,
};

static int attach_dev(struct iommu_domain *domain, struct device *dev)
{
	struct arm_smmu_master *const master = dev_iommu_priv_get(dev);

	return arm_smmu_master_sva_enabled(master) ? -EBUSY : 0;
}

static const struct iommu_domain_ops domain_ops = { .attach_dev = attach_dev };

static void add_device(unsigned int number)
{
	struct unit *const unit = &units[number];
	struct iommu_group *const group = iommu_group_alloc();

	unit->smmu.features = ARM_SMMU_FEAT_COHERENCY | ARM_SMMU_FEAT_ATS;
	unit->smmu.pgsize_bitmap = PAGE_SIZE;
	unit->smmu.oas = 48;
	unit->smmu.asid_bits = 8;
	unit->smmu.iommu.ops = &ops;
	mutex_init(&unit->smmu.streams_mutex);
	if (arm_smmu_sva_supported(&unit->smmu))
		unit->smmu.features |= ARM_SMMU_FEAT_SVA;

	unit->master.smmu = &unit->smmu;
	unit->master.dev = &unit->dev;
	unit->master.num_streams = 1;
	unit->master.ssid_bits = SSID_BITS;
	unit->master.domain = &unit->table.domain;
	INIT_LIST_HEAD(&unit->master.bonds);

	unit->dev.iommu = &unit->params;
	mutex_init(&unit->params.lock);
	unit->params.iommu_dev = &unit->smmu.iommu;
	unit->params.priv = &unit->master;

	unit->table.domain.domain.ops = &domain_ops;
	if (start_domain(&unit->table.domain, number) ||
	    iommu_group_add_device(group, &unit->dev) ||
	    iommu_attach_device(&unit->table.domain.domain, &unit->dev) ||
	    !arm_smmu_master_sva_supported(&unit->master) ||
	    arm_smmu_master_enable_sva(&unit->master))
		ck_report("scenario", "a device cannot be added in the set-up");
	iommu_group_put(group);
}

void kh_target_boot(void)
{
	unsigned int dev;

	start_processes();
	for (dev = 0; dev < DEVICES; dev++)
		add_device(dev);
}

static void remove_device(struct unit *unit)
{
	unsigned int pasid;

	if (arm_smmu_master_disable_sva(&unit->master))
		ck_report("bond left behind", "SVA cannot be disabled");
	iopf_queue_free(unit->smmu.evtq.iopf);
	end_domain(&unit->table.domain);
	for (pasid = 0; pasid < PASIDS; pasid++) {
		if (unit->table.descriptors[pasid] & VALID)
			ck_report("context descriptor left behind", "nobody is bound");
		if (pasid && unit->atc[pasid].who)
			ck_report("translation left behind", "in the device, and nobody is bound");
	}
}

void kh_target_finish(void)
{
	unsigned int who;

	if (watched)
		mmdrop(process);
	end_processes();
	for (struct unit *unit = units; unit < units + DEVICES; unit++)
		remove_device(unit);
	arm_smmu_sva_notifier_synchronize();
	if (!xa_empty(&arm_smmu_asid_xa))
		ck_report("ASID left behind", "in the SMMU's array");
	for (who = 1; who < 3; who++)
		if (pins[who])
			ck_report("ASID left behind", "it is pinned, and nobody is bound");
}
