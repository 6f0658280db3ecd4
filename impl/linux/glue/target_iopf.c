// SPDX-License-Identifier: MIT
// The target io-pgfault: page requests of devices that translate with the tables of a process.
//
// Device 0 makes page requests as long as its PASID has an entry.  The driver's thread takes them
// from the hardware, one at a time (its mutex), and hands them to the core.  Each request that ends
// a group wants one response.
#include <linux/mm.h>
#include <linux/mutex.h>

#include "sva_world.h"

static DEFINE_MUTEX(prq_lock); /* of the driver's thread */
static struct iopf_queue *queue;
static bool enabled; /* page requests of device 0; under prq_lock */
/* A device is on the queue: nobody may flush it who does not know that (io-pgfault.c asks that of
 * drivers). */
static struct mutex driver_lock[2];
static bool on_queue[2]; /* under driver_lock */
static bool careless; /* a driver that does not drain */

/* ---- what the handler asks of the mm ---- */

static struct vm_area_struct area;

void *mtree_load(struct maple_tree *mt, unsigned long index)
{
	return &area;
}

vm_fault_t handle_mm_fault(struct vm_area_struct *vma, unsigned long address, unsigned int flags,
			   struct pt_regs *regs)
{
	return 0;
}

/* ---- the driver ---- */

/* The entry is gone, so that the hardware makes no new request: what it made before is handed to
 * the core, and handled there. */
static void drain(struct device *dev)
{
	if (careless || device_number(dev) != 0)
		return;
	mutex_lock(&prq_lock);
	mutex_unlock(&prq_lock);
	mutex_lock(&driver_lock[0]);
	if (on_queue[0])
		iopf_queue_flush_dev(dev);
	mutex_unlock(&driver_lock[0]);
}

static long request(u32 flags, u32 pasid, bool late)
{
	struct iopf_fault event = {
		.fault = {
			.type = IOMMU_FAULT_PAGE_REQ,
			.prm = {
				.flags = IOMMU_FAULT_PAGE_REQUEST_PASID_VALID | flags,
				.pasid = pasid,
				.grpid = 1,
				.perm = IOMMU_FAULT_PERM_READ,
				.addr = PAGE_SIZE,
			},
		},
	};
	long result = KH_NOT_MADE;

	mutex_lock(&prq_lock);
	if (late || (enabled && (pasid != 1 || READ_ONCE(table[0][1])))) {
		if (flags & IOMMU_FAULT_PAGE_REQUEST_LAST_PAGE)
			atomic_inc(&requests);
		result = iommu_report_device_fault(&devices[0], &event);
	}
	mutex_unlock(&prq_lock);
	return result;
}

/* ---- calls ---- */

static long bind0(unsigned int thread) { return bind(thread, 0); }
static long unbind0(unsigned int thread) { return unbind(0); }
static long fault0(unsigned int thread)
{
	return request(IOMMU_FAULT_PAGE_REQUEST_LAST_PAGE, 1, false);
}
static long partial0(unsigned int thread) { return request(0, 1, false); }
/* By a device that does not keep still when it has left the queue: in no scenario, since the core
 * calls it a mistake of the driver. */
static long late0(unsigned int thread) { return request(0, 1, true); }
/* With a PASID that no domain handles. */
static long stray0(unsigned int thread)
{
	return request(IOMMU_FAULT_PAGE_REQUEST_LAST_PAGE, 2, false);
}

/* In the order that iopf_queue_remove_device() asks for: no new requests, those that are on their
 * way are handled, then the device leaves the queue. */
static long leave(unsigned int dev, bool drained)
{
	long result = KH_NOT_MADE;

	mutex_lock(&driver_lock[dev]);
	if (on_queue[dev]) {
		if (dev == 0) {
			mutex_lock(&prq_lock);
			enabled = false;
			mutex_unlock(&prq_lock);
		}
		if (drained)
			iopf_queue_flush_dev(&devices[dev]);
		iopf_queue_remove_device(queue, &devices[dev]);
		on_queue[dev] = false;
		result = 0;
	}
	mutex_unlock(&driver_lock[dev]);
	return result;
}

static long join(unsigned int dev)
{
	long result = KH_NOT_MADE;

	mutex_lock(&driver_lock[dev]);
	if (!on_queue[dev]) {
		result = iopf_queue_add_device(queue, &devices[dev]);
		on_queue[dev] = !result;
		if (dev == 0) {
			mutex_lock(&prq_lock);
			enabled = !result;
			mutex_unlock(&prq_lock);
		}
	}
	mutex_unlock(&driver_lock[dev]);
	return result;
}

static long enable0(unsigned int thread) { return join(0); }
static long enable1(unsigned int thread) { return join(1); }
static long disable0(unsigned int thread) { return leave(0, true); }
static long disable1(unsigned int thread) { return leave(1, true); }
static long disable0_undrained(unsigned int thread) { return leave(0, false); }

/* A driver that does one thing after the other: the device joins the queue, then a domain is attached;
 * it is detached, then the device leaves. */
static DEFINE_MUTEX(one_driver);

static long join0(unsigned int thread)
{
	long result = KH_NOT_MADE;

	mutex_lock(&one_driver);
	if (!on_queue[0]) {
		result = join(0);
		if (!result)
			result = bind(thread, 0);
	}
	mutex_unlock(&one_driver);
	return result;
}

static long leave0(unsigned int thread)
{
	long result = KH_NOT_MADE;

	mutex_lock(&one_driver);
	if (on_queue[0]) {
		unbind(0);
		result = leave(0, true);
	}
	mutex_unlock(&one_driver);
	return result;
}

/* What answers the device has: successes, and ten times the others.  It is no call of the API: no
 * scenario of the target has it. */
static long answers0(unsigned int thread)
{
	const int all = atomic_read(&responses);

	return all % REFUSAL + 10 * (all / REFUSAL);
}

/* The hardware's queue overflowed: no request is taken from it meanwhile. */
static long discard(unsigned int thread)
{
	long result;

	mutex_lock(&prq_lock);
	result = iopf_queue_discard_partial(queue);
	mutex_unlock(&prq_lock);
	return result;
}

static long no_drain(unsigned int thread)
{
	careless = true;
	return 0;
}

const struct kh_call kh_calls[] = {
	{ "bind0", bind0 },
	{ "unbind0", unbind0 },
	{ "exit", exit_task },
	{ "fault0", fault0 },
	{ "partial0", partial0 },
	{ "stray0", stray0 },
	{ "late0", late0 },
	{ "join0", join0 },
	{ "leave0", leave0 },
	{ "answers0", answers0 },
	{ "enable0", enable0 },
	{ "enable1", enable1 },
	{ "disable0", disable0 },
	{ "disable1", disable1 },
	{ "disable0_undrained", disable0_undrained },
	{ "discard", discard },
	{ "no_drain", no_drain },
	{ NULL, NULL },
};

void kh_target_boot(void)
{
	world_boot();
	area.vm_start = 0;
	area.vm_end = 4 * PAGE_SIZE;
	vm_flags_init(&area, VM_READ | VM_WRITE);
	queue = iopf_queue_alloc("mock");
	mutex_init(&driver_lock[0]);
	mutex_init(&driver_lock[1]);
	if (join(0))
		ck_report("scenario", "iopf_queue_add_device() failed in the set-up");
}

void kh_target_finish(void)
{
	world_finish();
	disable0(0);
	disable1(0);
	iopf_queue_free(queue);
	queue = NULL;
	if (atomic_read(&requests) !=
	    atomic_read(&responses) % REFUSAL + atomic_read(&responses) / REFUSAL)
		ck_report("page request without one response",
			  "groups of page requests and responses are not equally many");
}
