// SPDX-License-Identifier: MIT
// The target iommu-group: who may attach what to a group of devices, on the core's own code and an
// IOMMU driver of ours that writes its tables into an array.
//
// Devices 0 and 2 share a group, device 1 has its own; device 2 can be unplugged.  There is one PASID.
// Each thread is a driver that binds to devices: for the DMA API (use), or to claim the group for
// domains of its own (claim).  It holds the lock of the device in each of its calls, as the driver
// core does when it binds one; its own calls follow one another.  In the set-up there is one thread:
// "as1", "as2", "as3" say for whom the calls after it are.
#include <linux/err.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "harness.h"
#include "target.h"

/* Declared in drivers/iommu/iommu-priv.h, which is not on the include path. */
int iommu_group_replace_domain(struct iommu_group *group, struct iommu_domain *new_domain);

#define DEVICES 3
#define PASID 1
#include "group_iommu.h"

#define GROUPS 2
#define THREADS 4 /* 0 is none */
#define OWN 2	  /* domains of a thread */

/* ---- of dma-iommu.c: there are no mappings behind the domains of the DMA API ---- */

int iommu_get_dma_cookie(struct iommu_domain *domain)
{
	return 0;
}

void iommu_put_dma_cookie(struct iommu_domain *domain)
{
}

void iommu_setup_dma_ops(struct device *dev)
{
}

/* ---- drivers ---- */

static struct mutex driver_lock[DEVICES];
static unsigned int user[DEVICES]; /* the thread that is its driver; under driver_lock */
static bool claims[DEVICES];	   /* under driver_lock */
static bool unplugged[DEVICES];	   /* under driver_lock */

/* What a thread has: its own. */
static struct own {
	struct iommu_domain *domain;
	unsigned int where; /* 1 + the device; 0: nowhere */
	unsigned int pasid_of; /* the same, with the PASID */
} own[THREADS][OWN];
static bool claimed[THREADS][DEVICES];

static unsigned int acting; /* the thread for which the set-up calls */

static unsigned int self(unsigned int thread)
{
	return thread ? thread : acting;
}

static struct own *attached_at(unsigned int who, unsigned int where)
{
	unsigned int i;

	for (i = 0; i < OWN; i++)
		if (own[who][i].domain && own[who][i].where == where &&
		    (where || !own[who][i].pasid_of))
			return &own[who][i];
	return NULL;
}

static struct own *with_pasid_of(unsigned int who, unsigned int dev)
{
	unsigned int i;

	for (i = 0; i < OWN; i++)
		if (own[who][i].domain && own[who][i].pasid_of == 1 + dev)
			return &own[who][i];
	return NULL;
}

static bool another_is_claimed(unsigned int who, unsigned int dev)
{
	return dev != 1 && claimed[who][2 - dev];
}

/* ---- calls ---- */

static long use(unsigned int who, unsigned int dev)
{
	long result = KH_NOT_MADE;

	if (!user[dev]) {
		result = iommu_device_use_default_domain(&devices[dev]);
		user[dev] = result ? 0 : who;
		claims[dev] = false;
	}
	return result;
}

static long unuse(unsigned int who, unsigned int dev)
{
	if (user[dev] != who || claims[dev] || attached_at(who, 1 + dev) || with_pasid_of(who, dev))
		return KH_NOT_MADE;
	iommu_device_unuse_default_domain(&devices[dev]);
	user[dev] = 0;
	return 0;
}

static long claim(unsigned int who, unsigned int dev)
{
	long result = KH_NOT_MADE;

	if (!user[dev]) {
		result = iommu_device_claim_dma_owner(&devices[dev], &own[who]);
		user[dev] = result ? 0 : who;
		claims[dev] = claimed[who][dev] = !result;
	}
	return result;
}

/* The last one of the group may leave its domain attached. */
static long release(unsigned int who, unsigned int dev)
{
	struct own *attached = attached_at(who, 1 + dev);

	if (user[dev] != who || !claims[dev] || (attached && another_is_claimed(who, dev)) ||
	    with_pasid_of(who, dev))
		return KH_NOT_MADE;
	iommu_device_release_dma_owner(&devices[dev]);
	if (attached)
		attached->where = 0;
	claimed[who][dev] = false;
	user[dev] = 0;
	return 0;
}

static long attach(unsigned int who, unsigned int dev)
{
	struct own *free = attached_at(who, 0);
	struct own *attached = attached_at(who, 1 + dev);
	long result = KH_NOT_MADE;

	if (user[dev] != who || !free)
		return result;
	result = claims[dev] ? iommu_attach_group(free->domain, devices[dev].iommu_group)
			     : iommu_attach_device(free->domain, &devices[dev]);
	if (!result) {
		if (attached)
			attached->where = 0;
		free->where = 1 + dev;
	}
	return result;
}

static long detach(unsigned int who, unsigned int dev)
{
	struct own *attached = attached_at(who, 1 + dev);

	if (!attached)
		return KH_NOT_MADE;
	if (claims[dev])
		iommu_detach_group(attached->domain, devices[dev].iommu_group);
	else
		iommu_detach_device(attached->domain, &devices[dev]);
	attached->where = 0;
	return 0;
}

static long replace(unsigned int who, unsigned int dev)
{
	struct own *free = attached_at(who, 0);
	struct own *attached = attached_at(who, 1 + dev);
	long result = KH_NOT_MADE;

	if (user[dev] != who || !claims[dev] || !attached || !free)
		return result;
	result = iommu_group_replace_domain(devices[dev].iommu_group, free->domain);
	if (!result) {
		attached->where = 0;
		free->where = 1 + dev;
	}
	return result;
}

static long attach_pasid(unsigned int who, unsigned int dev)
{
	struct own *free = attached_at(who, 0);
	long result = KH_NOT_MADE;

	if (user[dev] != who || !free || with_pasid_of(who, dev))
		return result;
	result = iommu_attach_device_pasid(free->domain, &devices[dev], PASID, NULL);
	if (!result)
		free->pasid_of = 1 + dev;
	return result;
}

static long detach_pasid(unsigned int who, unsigned int dev)
{
	struct own *attached = with_pasid_of(who, dev);

	if (!attached)
		return KH_NOT_MADE;
	iommu_detach_device_pasid(attached->domain, &devices[dev], PASID);
	attached->pasid_of = 0;
	return 0;
}

/* A buffer is mapped through the DMA API: the domain is found without a lock. */
static long map(unsigned int who, unsigned int dev)
{
	if (user[dev] != who || claims[dev])
		return KH_NOT_MADE;
	atomic_inc(&mock_of(iommu_get_dma_domain(&devices[dev]))->mapped);
	return 0;
}

/* Nobody is its driver; another device of the group stays. */
static long unplug(unsigned int who, unsigned int dev)
{
	if (user[dev] || unplugged[dev])
		return KH_NOT_MADE;
	iommu_group_remove_device(&devices[dev]);
	unplugged[dev] = true;
	return 0;
}

static long plug(unsigned int who, unsigned int dev)
{
	long result = KH_NOT_MADE;

	if (unplugged[dev]) {
		result = iommu_probe_device(&devices[dev]);
		unplugged[dev] = result != 0;
	}
	return result;
}

/* Under the lock of the device. */
static long of_device(unsigned int who, unsigned int dev,
		      long (*call)(unsigned int who, unsigned int dev))
{
	long result = KH_NOT_MADE;

	mutex_lock(&driver_lock[dev]);
	if (!unplugged[dev] || call == plug)
		result = call(who, dev);
	mutex_unlock(&driver_lock[dev]);
	return result;
}

/* By a driver. */
static long driver(unsigned int thread, unsigned int dev,
		   long (*call)(unsigned int who, unsigned int dev))
{
	return self(thread) ? of_device(self(thread), dev, call) : KH_NOT_MADE;
}

static long alloc(unsigned int thread)
{
	const unsigned int who = self(thread);
	struct iommu_domain *domain;
	unsigned int slot = 0;

	while (slot < OWN && own[who][slot].domain)
		slot++;
	if (!who || slot == OWN)
		return KH_NOT_MADE;
	domain = iommu_paging_domain_alloc(&devices[1]);
	if (IS_ERR(domain))
		return PTR_ERR(domain);
	mock_of(domain)->owner = who;
	own[who][slot].domain = domain;
	return 0;
}

static long free_domain(unsigned int thread)
{
	struct own *free = attached_at(self(thread), 0);

	if (!free)
		return KH_NOT_MADE;
	iommu_domain_free(free->domain);
	free->domain = NULL;
	return 0;
}

/* Of iommu.c: behind the file of a group in sysfs. */
ssize_t iommu_group_store_type(struct iommu_group *group, const char *buf, size_t count);

/* Administrators write to /sys/kernel/iommu_groups/N/type, one after the other. */
static struct mutex administrator[GROUPS];
static bool is_identity[GROUPS];

static long change(unsigned int group)
{
	const char *word;
	long result;

	mutex_lock(&administrator[group]);
	word = is_identity[group] ? "DMA" : "identity";
	result = iommu_group_store_type(devices[group].iommu_group, word, strlen(word));
	if (result > 0) {
		is_identity[group] = !is_identity[group];
		result = 0;
	}
	mutex_unlock(&administrator[group]);
	return result;
}

/* It is no call of the API: no scenario has it. */
static long tlp(unsigned int dev)
{
	return READ_ONCE(reached[dev]);
}

#define OF_DRIVER(name, dev) \
	static long name##dev(unsigned int thread) { return driver(thread, dev, name); }
#define OF_DRIVERS(name) OF_DRIVER(name, 0) OF_DRIVER(name, 1) OF_DRIVER(name, 2)

OF_DRIVERS(use)
OF_DRIVERS(unuse)
OF_DRIVERS(claim)
OF_DRIVERS(release)
OF_DRIVERS(attach)
OF_DRIVERS(detach)
OF_DRIVERS(replace)
OF_DRIVERS(attach_pasid)
OF_DRIVERS(detach_pasid)
OF_DRIVERS(map)

static long plug2(unsigned int thread) { return of_device(0, 2, plug); }
static long unplug2(unsigned int thread) { return of_device(0, 2, unplug); }
static long tlp0(unsigned int thread) { return tlp(0); }
static long tlp1(unsigned int thread) { return tlp(1); }
static long tlp2(unsigned int thread) { return tlp(2); }
static long change0(unsigned int thread) { return change(0); }
static long change1(unsigned int thread) { return change(1); }

static long act_as(unsigned int who)
{
	acting = who;
	return 0;
}

static long as1(unsigned int thread) { return act_as(1); }
static long as2(unsigned int thread) { return act_as(2); }
static long as3(unsigned int thread) { return act_as(3); }

#define NAMED(name) { #name, name }
#define NAMED_FOR_ALL(name) NAMED(name##0), NAMED(name##1), NAMED(name##2)

const struct kh_call kh_calls[] = {
	NAMED_FOR_ALL(use),
	NAMED_FOR_ALL(unuse),
	NAMED_FOR_ALL(claim),
	NAMED_FOR_ALL(release),
	NAMED_FOR_ALL(attach),
	NAMED_FOR_ALL(detach),
	NAMED_FOR_ALL(replace),
	NAMED_FOR_ALL(attach_pasid),
	NAMED_FOR_ALL(detach_pasid),
	NAMED_FOR_ALL(map),
	NAMED_FOR_ALL(tlp),
	NAMED(alloc),
	{ "free", free_domain },
	NAMED(change0),
	NAMED(change1),
	NAMED(plug2),
	NAMED(unplug2),
	NAMED(as1),
	NAMED(as2),
	NAMED(as3),
	{ NULL, NULL },
};

/* ---- the beginning and the end ---- */

void kh_target_boot(void)
{
	unsigned int dev, group;

	iommu_set_default_translated(false);
	mock_iommu.max_pasids = 1 + PASID;
	if (iommu_device_register(&mock_iommu, &mock_ops, NULL))
		ck_report("scenario", "iommu_device_register() failed in the set-up");
	for (dev = 0; dev < DEVICES; dev++) {
		mutex_init(&driver_lock[dev]);
		if (iommu_probe_device(&devices[dev]))
			ck_report("scenario", "iommu_probe_device() failed in the set-up");
	}
	for (group = 0; group < GROUPS; group++)
		mutex_init(&administrator[group]);
}

void kh_target_start(unsigned int threads)
{
}

void kh_target_finish(void)
{
	unsigned int who, dev;

	for (who = 1; who < THREADS; who++)
		for (dev = 0; dev < DEVICES; dev++)
			detach_pasid(who, dev);
	for (who = 1; who < THREADS; who++) {
		for (dev = 0; dev < DEVICES; dev++) {
			detach(who, dev);
			unuse(who, dev);
			release(who, dev);
		}
		acting = who;
		while (free_domain(0) != KH_NOT_MADE)
			;
	}
	/* Group by group: the last device takes what is left along. */
	for (dev = DEVICES; dev-- > 0;)
		unplug(0, dev);
}
