// SPDX-License-Identifier: MIT
// The target iommufd-fault: page requests of devices 0 and 1 that a process handles.
//
// A device makes page requests as long as it translates with a page table of the process's own.
// The IOMMU driver's threads, one for each, take them from the hardware, one at a time (a mutex), and
// hand them to the core.  Each request that ends a group wants one response.
#include "iommufd_world.h"

#define FAULTING 2 /* devices that make page requests */

static struct mutex prq_lock[FAULTING]; /* of the driver's threads */
static struct iopf_queue *queue;
static bool enabled[FAULTING];	    /* page requests; under prq_lock */
static atomic_t requests, responses; /* that want a response, and what was answered */
static u32 cookie;		    /* of what was read last */
static bool careless;		    /* a driver that does not drain */

static void drain(struct device *dev)
{
	const unsigned int number = device_number(dev);

	if (careless || number >= FAULTING)
		return;
	mutex_lock(&prq_lock[number]);
	mutex_unlock(&prq_lock[number]);
}

static void enable(unsigned int number, bool on)
{
	mutex_lock(&prq_lock[number]);
	enabled[number] = on;
	mutex_unlock(&prq_lock[number]);
}

static int mock_feature(struct device *dev, enum iommu_dev_features feature, bool on)
{
	const unsigned int number = device_number(dev);
	int result;

	if (feature != IOMMU_DEV_FEAT_IOPF || number >= FAULTING)
		return -ENODEV;
	if (on) {
		result = iopf_queue_add_device(queue, dev);
		if (!result)
			enable(number, true);
		return result;
	}
	enable(number, false);
	iopf_queue_remove_device(queue, dev);
	return 0;
}

static void mock_response(struct device *dev, struct iopf_fault *event,
			  struct iommu_page_response *response)
{
	atomic_inc(&responses);
}

static long request(unsigned int number, u32 flags)
{
	struct iopf_fault event = {
		.fault = {
			.type = IOMMU_FAULT_PAGE_REQ,
			.prm = {
				.flags = flags,
				.grpid = 1,
				.perm = IOMMU_FAULT_PERM_READ,
				.addr = PAGE_SIZE,
			},
		},
	};
	long result = KH_NOT_MADE;

	mutex_lock(&prq_lock[number]);
	if (enabled[number] && READ_ONCE(table[number])->type == IOMMU_DOMAIN_NESTED) {
		if (flags & IOMMU_FAULT_PAGE_REQUEST_LAST_PAGE)
			atomic_inc(&requests);
		result = iommu_report_device_fault(&devices[number], &event);
	}
	mutex_unlock(&prq_lock[number]);
	return result;
}

static long fault0(unsigned int thread)
{
	return request(0, IOMMU_FAULT_PAGE_REQUEST_LAST_PAGE);
}
static long fault1(unsigned int thread)
{
	return request(1, IOMMU_FAULT_PAGE_REQUEST_LAST_PAGE);
}
static long partial0(unsigned int thread) { return request(0, 0); }

static long no_drain(unsigned int thread)
{
	careless = true;
	return 0;
}

/* ---- the process ---- */

static long alloc0(unsigned int thread) { return alloc_ioas(thread, IOAS0); }
static long bind0(unsigned int thread) { return bind(thread, 0); }
static long bind1(unsigned int thread) { return bind(thread, 1); }
static long unbind0(unsigned int thread) { return unbind(0); }
static long fault(unsigned int thread) { return alloc_fault(thread); }
static long close_fault(unsigned int thread) { return close_descriptor(); }
static long destroy_fault(unsigned int thread) { return destroy(thread, FAULT); }

static long parent_of(unsigned int thread, enum slot slot, enum slot device)
{
	return alloc_table(thread, slot, IOMMU_HWPT_ALLOC_NEST_PARENT, READ_ONCE(ids[device]),
			   READ_ONCE(ids[IOAS0]), 0);
}

static long nested_in(unsigned int thread, enum slot slot, enum slot device, enum slot parent)
{
	const u32 id = READ_ONCE(ids[FAULT]);

	return id ? alloc_table(thread, slot, 0, READ_ONCE(ids[device]), READ_ONCE(ids[parent]), id)
		  : KH_NOT_MADE;
}

static long parent0(unsigned int thread) { return parent_of(thread, HWPT0, DEVICE0); }
static long parent1(unsigned int thread) { return parent_of(thread, HWPT2, DEVICE1); }
static long nested0(unsigned int thread) { return nested_in(thread, HWPT1, DEVICE0, HWPT0); }
static long nested1(unsigned int thread) { return nested_in(thread, HWPT3, DEVICE1, HWPT2); }
static long destroy_nested(unsigned int thread) { return destroy(thread, HWPT1); }
static long attach0(unsigned int thread) { return attach(0, HWPT1, false); }
static long attach1(unsigned int thread) { return attach(1, HWPT3, false); }
static long detach1(unsigned int thread) { return detach(1); }
/* To the table that makes no page requests, and back. */
static long leave0(unsigned int thread) { return attach(0, HWPT0, true); }
static long return0(unsigned int thread) { return attach(0, HWPT1, true); }
static long detach0(unsigned int thread) { return detach(0); }

static long read_into(const struct iommu_hwpt_pgfault *event)
{
	struct file *file = use_descriptor();
	loff_t position = 0;
	long result;

	if (!file)
		return KH_NOT_MADE;
	result = file->f_op->read(file, (char *)event, sizeof(*event), &position);
	if (result > 0)
		WRITE_ONCE(cookie, event->cookie);
	fput(file);
	return_to_user();
	return result;
}

static long read_one(unsigned int thread)
{
	struct iommu_hwpt_pgfault event;

	return read_into(&event);
}

/* Into memory that cannot be written. */
static const struct iommu_hwpt_pgfault unwritable;
static long read_nowhere(unsigned int thread) { return read_into(&unwritable); }

static long respond(unsigned int thread)
{
	const struct iommu_hwpt_page_response answer = {
		.cookie = READ_ONCE(cookie),
		.code = IOMMUFD_PAGE_RESP_SUCCESS,
	};
	struct file *file = answer.cookie ? use_descriptor() : NULL;
	loff_t position = 0;
	long result;

	if (!file)
		return KH_NOT_MADE;
	result = file->f_op->write(file, (const char *)&answer, sizeof(answer), &position);
	fput(file);
	return_to_user();
	return result;
}

static long poll_one(unsigned int thread)
{
	struct file *file = use_descriptor();
	long result;

	if (!file)
		return KH_NOT_MADE;
	result = (__force long)file->f_op->poll(file, NULL);
	fput(file);
	return_to_user();
	return result;
}

const struct kh_call kh_calls[] = {
	{ "alloc0", alloc0 },
	{ "bind0", bind0 },
	{ "unbind0", unbind0 },
	{ "fault", fault },
	{ "close_fault", close_fault },
	{ "destroy_fault", destroy_fault },
	{ "bind1", bind1 },
	{ "parent0", parent0 },
	{ "parent1", parent1 },
	{ "nested0", nested0 },
	{ "nested1", nested1 },
	{ "attach1", attach1 },
	{ "detach1", detach1 },
	{ "fault1", fault1 },
	{ "read_nowhere", read_nowhere },
	{ "destroy_nested", destroy_nested },
	{ "attach0", attach0 },
	{ "leave0", leave0 },
	{ "return0", return0 },
	{ "detach0", detach0 },
	{ "fault0", fault0 },
	{ "partial0", partial0 },
	{ "no_drain", no_drain },
	{ "read", read_one },
	{ "respond", respond },
	{ "poll", poll_one },
	{ "close", close_iommufd },
	{ NULL, NULL },
};

void kh_target_boot(void)
{
	mutex_init(&prq_lock[0]);
	mutex_init(&prq_lock[1]);
	readonly_user[0] = &unwritable;
	queue = iopf_queue_alloc("mock");
	world_boot();
}

void kh_target_finish(void)
{
	world_finish();
	iopf_queue_free(queue);
	queue = NULL;
	if (atomic_read(&requests) != atomic_read(&responses))
		ck_report("page request without one response",
			  "groups of page requests and responses are not equally many");
}
