// SPDX-License-Identifier: MIT
// The target arm-smmu-v3-sva: 6.1's SMMUv3 driver for shared virtual addressing, on the core's
// groups, the kernel's own mmu notifiers, and SMMUs of ours, without broadcast TLB maintenance.
//
// Each device has its own domain, as a group of several devices cannot be bound in 6.1.  The DMA
// API's translations are those of PASID 0, whose ASID is a private one until a process needs it.
#include <linux/iommu.h>
#include <linux/xarray.h>

/* Not on the include path by themselves. */
#include <../drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3.h>

#define DEVICES 2
#define SSID_BITS 2
#define PASIDS (1U << SSID_BITS) /* the last one is a third one's */
#define ASIDS 8			 /* as many as a scenario comes to */

#include "svm_world.h"

/* A domain and its context descriptors. */
struct table {
	struct arm_smmu_domain domain;
	u32 descriptors[PASIDS];
	unsigned int changes[PASIDS]; /* plain: callers have a lock */
	u32 fetched[PASIDS];	      /* the SMMU's copies of those that are valid; 0: none */
};

/* An SMMU, the only device behind it, and the domain that it is in. */
struct unit {
	struct arm_smmu_device smmu;
	struct arm_smmu_master master;
	struct device dev;
	struct dev_iommu params;
	struct table table;
	struct cached tlb[ASIDS];
	struct cached atc[PASIDS]; /* in the device */
};

static struct unit units[DEVICES];

static struct device *device(unsigned int number)
{
	return &units[number].dev;
}

/* ---- context descriptors, in a word ---- */

#define VALID 1U
#define QUIET 2U /* EPD0: a miss in the TLB ends there, and is no error */
#define ASID_SHIFT 8
#define WHO_SHIFT 16

static unsigned int asid_in(u32 descriptor)
{
	return descriptor >> ASID_SHIFT & 0xff;
}

static int who_in(u32 descriptor)
{
	return (int)(descriptor >> WHO_SHIFT);
}

/* Where page tables are is what they are. */
unsigned long uml_physmem = (unsigned long)page_tables;

struct arm_smmu_ctx_desc quiet_cd;

static u32 changed(u32 old, const struct arm_smmu_ctx_desc *cd)
{
	const int who = cd ? (int)(cd->ttbr / sizeof(pgd_t)) : 0;

	if ((!cd || cd == &quiet_cd) && !(old & VALID))
		ck_report("no context descriptor", "one that is not there is removed or silenced");
	if (!cd)
		return 0;
	if (cd == &quiet_cd)
		return old | QUIET;
	if (cd->asid >= ASIDS)
		ck_report("scenario", "more ASIDs than the target has");
	if (!(old & VALID))
		return VALID | (u32)cd->asid << ASID_SHIFT | (u32)who << WHO_SHIFT;
	/* Only the ASID changes. */
	if (who != who_in(old))
		ck_report("context descriptor in use", "it is that of another address space");
	return (old & ~(0xffU << ASID_SHIFT)) | (u32)cd->asid << ASID_SHIFT;
}

int arm_smmu_write_ctx_desc(struct arm_smmu_domain *domain, int ssid, struct arm_smmu_ctx_desc *cd)
{
	struct table *const table = container_of(domain, struct table, domain);
	u32 *const place = &table->descriptors[ssid];
	const u32 old = READ_ONCE(*place);
	const struct unit *const unit = container_of(domain->smmu, struct unit, smmu);

	if (cd && cd != &quiet_cd && !(old & VALID) && (no_table[unit - units] || kh_may_fail()))
		return -ENOMEM;
	table->changes[ssid]++;
	WRITE_ONCE(*place, changed(old, cd));
	if (with_tlbs) {
		spin_lock(&tlbs);
		table->fetched[ssid] = 0;
		spin_unlock(&tlbs);
	}
	return 0;
}

/* ---- TLBs: of the SMMU, by ASID, and of the device, by PASID ---- */

/* A page goes at PAGE_SIZE; no size: all of them. */
static bool covers(unsigned long iova, size_t size)
{
	return !size || (iova <= PAGE_SIZE && iova + size >= 2 * PAGE_SIZE);
}

void arm_smmu_tlb_inv_asid(struct arm_smmu_device *smmu, u16 asid)
{
	forget(&container_of(smmu, struct unit, smmu)->tlb[asid]);
}

void arm_smmu_tlb_inv_range_asid(unsigned long iova, size_t size, int asid, size_t granule,
				 bool leaf, struct arm_smmu_domain *domain)
{
	if (covers(iova, size))
		arm_smmu_tlb_inv_asid(domain->smmu, (u16)asid);
}

int arm_smmu_atc_inv_domain(struct arm_smmu_domain *domain, int ssid, unsigned long iova,
			    size_t size)
{
	if (covers(iova, size))
		forget(&container_of(domain, struct unit, table.domain)->atc[ssid]);
	return 0;
}

/* A TLP's way, under `tlbs`: the address space that it leads to, or 0. */
static int walk(struct unit *unit, unsigned int pasid)
{
	struct cached *const atc = &unit->atc[pasid];
	struct cached *tlb;
	u32 descriptor;

	if (atc->who)
		return atc->who;
	descriptor = unit->table.fetched[pasid] ?: READ_ONCE(unit->table.descriptors[pasid]);
	if (!(descriptor & VALID))
		return 0;
	unit->table.fetched[pasid] = descriptor;
	tlb = &unit->tlb[asid_in(descriptor)];
	if (!tlb->who && !(descriptor & QUIET))
		*tlb = (struct cached){ who_in(descriptor), pages[who_in(descriptor)] };
	if (tlb->who && tlb->who != who_in(descriptor))
		ck_report("translation of another address space", "it has the same ASID");
	*atc = *tlb;
	return atc->who;
}

static int translate(unsigned int dev)
{
	return walk(&units[dev], 1);
}

static bool is_of(const struct cached *tlb, int who, unsigned int now)
{
	return tlb->who == who && tlb->pages < now;
}

static bool reaches(unsigned int dev, unsigned int pasid, int who, unsigned int now)
{
	const struct unit *const unit = &units[dev];
	const u32 descriptor = READ_ONCE(unit->table.descriptors[pasid]);
	u32 fetched;
	bool result;

	if (now == ALL_OF_THEM && descriptor & VALID && !(descriptor & QUIET) &&
	    who_in(descriptor) == who)
		return true;
	if (!with_tlbs)
		return false;
	spin_lock(&tlbs);
	fetched = unit->table.fetched[pasid] ?: descriptor;
	result = is_of(&unit->atc[pasid], who, now) ||
		 (fetched & VALID && is_of(&unit->tlb[asid_in(fetched)], who, now)) ||
		 (now == ALL_OF_THEM && fetched & VALID && !(fetched & QUIET) &&
		  who_in(fetched) == who);
	spin_unlock(&tlbs);
	return result;
}

/* ---- ASIDs ---- */

DEFINE_XARRAY_ALLOC1(arm_smmu_asid_xa);
DEFINE_MUTEX(arm_smmu_asid_lock);

/* One that has been allocated: whether it was the last reference. */
bool arm_smmu_free_asid(struct arm_smmu_ctx_desc *cd)
{
	if (!cd->asid || !refcount_dec_and_test(&cd->refs))
		return false;
	if (xa_erase(&arm_smmu_asid_xa, cd->asid) != cd)
		ck_report("ASID of another one", "it is freed by who has not got it");
	return true;
}

/* What the processes have on the CPU; DMA domains begin with 1 and 2. */
static DEFINE_SPINLOCK(pins_lock);
static u16 asids[ADDRESS_SPACES] = { 0, 5, 6 };
static unsigned int pins[ADDRESS_SPACES];

unsigned long arm64_mm_context_get(struct mm_struct *mm)
{
	const int who = number_of(mm);

	if (kh_may_fail())
		return 0;
	spin_lock(&pins_lock);
	pins[who]++;
	spin_unlock(&pins_lock);
	return asids[who];
}

/* The CPUs may give it to the next process. */
static void check_given_up(u16 asid, int who)
{
	struct unit *unit;
	unsigned int pasid;

	for (unit = units; unit < units + DEVICES; unit++) {
		for (pasid = 1; pasid < PASIDS; pasid++) {
			const u32 descriptor = READ_ONCE(unit->table.descriptors[pasid]);

			if (descriptor & VALID && asid_in(descriptor) == asid &&
			    who_in(descriptor) == who)
				ck_report("ASID given up in use", "a context descriptor has it");
		}
		if (!with_tlbs)
			continue;
		spin_lock(&tlbs);
		if (unit->tlb[asid].who == who)
			ck_report("ASID given up in use", "a TLB has it");
		spin_unlock(&tlbs);
	}
}

void arm64_mm_context_put(struct mm_struct *mm)
{
	const int who = number_of(mm);
	bool last;

	spin_lock(&pins_lock);
	if (!pins[who])
		ck_report("ASID is not pinned", "arm64_mm_context_put() without a get");
	last = pins[who] && !--pins[who];
	spin_unlock(&pins_lock);
	if (last)
		check_given_up(asids[who], who);
}

/* ---- page requests: transactions of device 0 that have stalled ---- */

static bool stalls;
static atomic_t requests, stalled[FILES];
static DECLARE_WAIT_QUEUE_HEAD(resumed);

static void resume(unsigned int request)
{
	atomic_dec_return(&stalled[file_of(0, issuer[request])]);
	wake_up(&resumed);
}

static int page_response(struct device *dev, struct iommu_fault_event *event,
			 struct iommu_page_response *response)
{
	resume(response->grpid);
	return 0;
}

/* Its transactions have ended. */
static void stop(unsigned int file)
{
	if (stalls)
		wait_event(resumed, !atomic_read_acquire(&stalled[file]));
}

/* ---- domains of the DMA API's kind ---- */

/* An ASID of its own, and the descriptor that DMA without a PASID uses. */
static int start_domain(struct arm_smmu_domain *domain, unsigned int number)
{
	struct arm_smmu_ctx_desc *const cd = &domain->s1_cfg.cd;
	u32 asid;
	int error;

	domain->smmu = &units[number].smmu;
	domain->stage = ARM_SMMU_DOMAIN_S1;
	INIT_LIST_HEAD(&domain->mmu_notifiers);
	refcount_set(&cd->refs, 1);
	cd->ttbr = (3 + number) * sizeof(pgd_t);
	mutex_lock(&arm_smmu_asid_lock);
	error = xa_alloc(&arm_smmu_asid_xa, &asid, cd, XA_LIMIT(1, ASIDS - 1), GFP_KERNEL);
	if (!error) {
		cd->asid = (u16)asid;
		error = arm_smmu_write_ctx_desc(domain, 0, cd);
		if (error)
			arm_smmu_free_asid(cd);
	}
	mutex_unlock(&arm_smmu_asid_lock);
	return error;
}

static void end_domain(struct arm_smmu_domain *domain)
{
	mutex_lock(&arm_smmu_asid_lock);
	arm_smmu_write_ctx_desc(domain, 0, NULL);
	arm_smmu_free_asid(&domain->s1_cfg.cd);
	mutex_unlock(&arm_smmu_asid_lock);
}

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
	now = ++pages[4];
	spin_unlock(&tlbs);
	arm_smmu_tlb_inv_range_asid(PAGE_SIZE, PAGE_SIZE, domain->s1_cfg.cd.asid, PAGE_SIZE, true,
				    domain);
	arm_smmu_atc_inv_domain(domain, 0, PAGE_SIZE, PAGE_SIZE);
	if (reaches(1, 0, 4, now))
		ck_report("stale translation", "of the device's own domain");
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
	for (pasid = 0; pasid < PASIDS; pasid++)
		if (unit->table.descriptors[pasid] & VALID)
			ck_report("context descriptor left behind", "nobody is bound");
}

void kh_target_finish(void)
{
	unsigned int who;

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
