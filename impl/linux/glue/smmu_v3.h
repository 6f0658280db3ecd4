// SPDX-License-Identifier: MIT
// SMMUv3s of ours, without broadcast TLB maintenance: what the driver's other file,
// arm-smmu-v3.c, gives to its SVA, on context descriptors and TLBs that are arrays.  Included once,
// by a target's file.
//
// Each device has its own SMMU and its own domain, as a group of several devices cannot be bound in
// 6.1.  The DMA API's translations are those of PASID 0, whose ASID is a private one until a process
// needs it.
#include <linux/iommu.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include <linux/xarray.h>

/* Not on the include path by itself. */
#include <../drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3.h>

#define DEVICES 2
#define SSID_BITS 2
#define PASIDS (1U << SSID_BITS) /* the last one is a third one's */
#define ASIDS 8			 /* as many as a scenario comes to */

#include "svm_world.h"

/* The number of a device's own address space, which its DMA without a PASID has. */
#define OWN(device) (3 + (int)(device))

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
	cd->ttbr = OWN(number) * sizeof(pgd_t);
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
