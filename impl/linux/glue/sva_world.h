// SPDX-License-Identifier: MIT
// The world of SVA targets: processes that bind their mm to devices, on the core's groups and a
// driver whose PASID table is an array.  Included once, by the target's file.
//
// One mm with a task for each thread of the scenario, and another one, whose task is not scheduled;
// there is a PASID for one of them.  Devices 0 and 2 share a group, device 1 has its own.  A bond
// belongs to whoever closes it: any task may unbind (a file can be shared).
#include <linux/device.h>
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/slab.h>

#include "harness.h"
#include "target.h"
#include "mm_world.h"

#define DEVICES 3
#define PASIDS 2 /* 0 is not for processes */
#define BONDS 8 /* of one device at most */

static struct mm_struct *other;   /* the other mm, until its task has left */
static int other_left;
static struct device devices[DEVICES];
static struct iommu_device mock_iommu;
static struct iommu_sva *bonds[DEVICES + 1][BONDS]; /* the last: of the other process */
/* The hardware: which domain a device's PASID translates with. */
static struct iommu_domain *table[DEVICES][PASIDS];
/* Whose page tables a TLP meets there: 0 nobody's, 1 the process's, 2 the other one's. */
static int reached[DEVICES][PASIDS];

static unsigned int device_number(const struct device *dev)
{
	return (unsigned int)(dev - devices);
}

/* ---- the driver ---- */

/* Page requests that want a response, and the responses; see target_iopf.c.  In one word: those that
 * say success, and, times REFUSAL, the others. */
#define REFUSAL 0x100
static atomic_t requests, responses;
/* Until no page request of the device is on its way: the target's. */
static void drain(struct device *dev);

static int mock_set_dev_pasid(struct iommu_domain *domain, struct device *dev, ioasid_t pasid)
{
	if (kh_may_fail())
		return -EIO;
	WRITE_ONCE(table[device_number(dev)][pasid], domain);
	WRITE_ONCE(reached[device_number(dev)][pasid], domain->mm == process ? 1 : 2);
	return 0;
}

static void mock_remove_dev_pasid(struct device *dev, ioasid_t pasid, struct iommu_domain *domain)
{
	if (READ_ONCE(table[device_number(dev)][pasid]) != domain)
		ck_report("wrong domain", "the driver is told to remove a domain that is not there");
	WRITE_ONCE(table[device_number(dev)][pasid], NULL);
	WRITE_ONCE(reached[device_number(dev)][pasid], 0);
	drain(dev);
}

/* The domains stay attached, and lead nowhere. */
static void mm_release(struct mm_struct *mm)
{
	unsigned int dev, pasid;

	for (dev = 0; dev < DEVICES; dev++) {
		for (pasid = 0; pasid < PASIDS; pasid++) {
			if (READ_ONCE(reached[dev][pasid]) == (mm == process ? 1 : 2))
				WRITE_ONCE(reached[dev][pasid], 0);
		}
	}
}

static void mock_page_response(struct device *dev, struct iopf_fault *evt,
			       struct iommu_page_response *msg)
{
	atomic_add(msg->code == IOMMU_PAGE_RESP_SUCCESS ? 1 : REFUSAL, &responses);
}

static void mock_free(struct iommu_domain *domain)
{
	unsigned int dev, pasid;

	for (dev = 0; dev < DEVICES; dev++) {
		for (pasid = 0; pasid < PASIDS; pasid++) {
			if (READ_ONCE(table[dev][pasid]) == domain)
				ck_report("domain freed while attached",
					  "a PASID entry of a device still points to it");
		}
	}
	kfree(domain);
}

static const struct iommu_domain_ops mock_sva_ops = {
	.set_dev_pasid = mock_set_dev_pasid,
	.free = mock_free,
};

static struct iommu_domain *mock_domain_alloc_sva(struct device *dev, struct mm_struct *mm)
{
	struct iommu_domain *domain = kzalloc(sizeof(*domain), GFP_KERNEL);

	if (!domain)
		return ERR_PTR(-ENOMEM);
	domain->ops = &mock_sva_ops;
	return domain;
}

static const struct iommu_ops mock_ops = {
	.domain_alloc_sva = mock_domain_alloc_sva,
	.remove_dev_pasid = mock_remove_dev_pasid,
	.page_response = mock_page_response,
};

/* ---- bonds ---- */

/* Bonds that somebody will close: each device has a file, and the other process one. */
static DEFINE_SPINLOCK(bonds_lock);

static void keep(unsigned int file, struct iommu_sva *bond)
{
	unsigned int slot = 0;

	spin_lock(&bonds_lock);
	while (slot < BONDS && bonds[file][slot])
		slot++;
	if (slot < BONDS)
		bonds[file][slot] = bond;
	else
		ck_report("scenario", "more bonds of a device than the target keeps");
	spin_unlock(&bonds_lock);
}

static struct iommu_sva *take(unsigned int file)
{
	struct iommu_sva *bond = NULL;
	unsigned int slot;

	spin_lock(&bonds_lock);
	for (slot = 0; slot < BONDS && !bond; slot++)
		swap(bond, bonds[file][slot]);
	spin_unlock(&bonds_lock);
	return bond;
}

static long bind_mm(struct mm_struct *mm, unsigned int dev, unsigned int file)
{
	struct iommu_sva *bond = iommu_sva_bind_device(&devices[dev], mm);

	if (IS_ERR(bond))
		return PTR_ERR(bond);
	keep(file, bond);
	return 0;
}

static long bind(unsigned int thread, unsigned int dev)
{
	return left[thread] ? KH_NOT_MADE : bind_mm(process, dev, dev);
}

/* The other process binds device 0 as long as its task runs, and leaves. */
static long other0(unsigned int thread)
{
	long result;

	if (!mmget_not_zero(other))
		return KH_NOT_MADE;
	result = bind_mm(other, 0, DEVICES);
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

/*
 * The device is unplugged: its own driver has closed its bonds before.  What the hardware has for it
 * goes with it.
 */
static long unplug(unsigned int dev)
{
	unsigned int pasid;

	if (bonds[dev][0] || !devices[dev].iommu_group)
		return KH_NOT_MADE;
	iommu_group_remove_device(&devices[dev]);
	for (pasid = 0; pasid < PASIDS; pasid++) {
		WRITE_ONCE(table[dev][pasid], NULL);
		WRITE_ONCE(reached[dev][pasid], 0);
	}
	return 0;
}

/* Of iommu-sysfs.c: there is no sysfs. */
void iommu_device_unlink(struct iommu_device *iommu, struct device *link)
{
}

static long unbind(unsigned int file)
{
	struct iommu_sva *bond = take(file);

	if (!bond)
		return KH_NOT_MADE;
	iommu_sva_unbind_device(bond);
	return 0;
}

/* ---- the beginning and the end ---- */

static void join_group(struct iommu_group *group, unsigned int dev)
{
	if (iommu_group_add_device(group, &devices[dev]))
		ck_report("scenario", "iommu_group_add_device() failed in the set-up");
}

static void world_boot(void)
{
	struct iommu_group *group;
	unsigned int dev;

	mock_iommu.ops = &mock_ops;
	for (dev = 0; dev < DEVICES; dev++) {
		struct dev_iommu *param = kzalloc(sizeof(*param), GFP_KERNEL);

		param->iommu_dev = &mock_iommu;
		param->max_pasids = PASIDS;
		mutex_init(&param->lock);
		devices[dev].iommu = param;
	}
	group = iommu_group_alloc();
	join_group(group, 0);
	join_group(group, 2);
	iommu_group_put(group);
	group = iommu_group_alloc();
	join_group(group, 1);
	iommu_group_put(group);

	process = new_mm();
	other = new_mm();
	mmgrab(other); /* so that other0 may look whether it lives */
}

static void world_finish(void)
{
	unsigned int file;

	/* In the order of the end of a process: exit_mm(), then exit_files(). */
	all_exit();
	for (file = 0; file <= DEVICES; file++)
		while (unbind(file) != KH_NOT_MADE)
			;
	other_exit(0);
	mmdrop(other);
	process = NULL;
	other = NULL;
}
