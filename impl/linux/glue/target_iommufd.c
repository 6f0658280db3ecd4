// SPDX-License-Identifier: MIT
// The target iommufd: objects of /dev/iommu, their users, and the file's end.
#include "iommufd_world.h"

/* Nobody makes page requests. */
static void drain(struct device *dev)
{
}
static int mock_feature(struct device *dev, enum iommu_dev_features feature, bool on)
{
	return -ENODEV;
}
static void mock_response(struct device *dev, struct iopf_fault *event,
			  struct iommu_page_response *response)
{
}

/* Structures in memory that cannot be written: the answer does not arrive. */
static const struct iommu_ioas_alloc unwritable_ioas = { .size = sizeof(unwritable_ioas) };
static const struct iommu_fault_alloc unwritable_fault = { .size = sizeof(unwritable_fault) };

static long alloc0(unsigned int thread) { return alloc_ioas(thread, IOAS0); }
static long alloc1(unsigned int thread) { return alloc_ioas(thread, IOAS1); }
static long destroy0(unsigned int thread) { return destroy(thread, IOAS0); }
static long destroy1(unsigned int thread) { return destroy(thread, IOAS1); }

/* An object that is made, and unmade because the process cannot be told. */
static long abort_ioas(unsigned int thread)
{
	return ioctl(thread, IOMMU_IOAS_ALLOC, &unwritable_ioas);
}

/* Uses an IOAS: what may be mapped, as one range at most. */
static long ranges_of(unsigned int thread, u32 id)
{
	struct iommu_iova_range range;
	struct iommu_ioas_iova_ranges argument = {
		.size = sizeof(argument),
		.ioas_id = id,
		.num_iovas = 1,
		.allowed_iovas = (uintptr_t)&range,
	};
	const long result = id ? ioctl(thread, IOMMU_IOAS_IOVA_RANGES, &argument) : KH_NOT_MADE;

	return result ? result : (long)argument.num_iovas;
}

/* The least that uses an IOAS. */
static long option0(unsigned int thread)
{
	struct iommu_option argument = {
		.size = sizeof(argument),
		.option_id = IOMMU_OPTION_HUGE_PAGES,
		.op = IOMMU_OPTION_OP_GET,
		.object_id = READ_ONCE(ids[IOAS0]),
	};
	const long result =
		argument.object_id ? ioctl(thread, IOMMU_OPTION, &argument) : KH_NOT_MADE;

	return result ? result : (long)argument.val64;
}

static long ranges0(unsigned int thread) { return ranges_of(thread, READ_ONCE(ids[IOAS0])); }
static long ranges1(unsigned int thread) { return ranges_of(thread, READ_ONCE(ids[IOAS1])); }

/* Changes an IOAS. */
static long allow0(unsigned int thread)
{
	const struct iommu_iova_range range = { .start = 0, .last = 16 * PAGE_SIZE - 1 };
	const struct iommu_ioas_allow_iovas argument = {
		.size = sizeof(argument),
		.ioas_id = READ_ONCE(ids[IOAS0]),
		.num_iovas = 1,
		.allowed_iovas = (uintptr_t)&range,
	};

	return argument.ioas_id ? ioctl(thread, IOMMU_IOAS_ALLOW_IOVAS, &argument) : KH_NOT_MADE;
}

/* The first id that there is, whoever has it and whether or not it has been given out. */
static long guess_ranges(unsigned int thread) { return ranges_of(thread, 1); }
static long guess_destroy(unsigned int thread) { return destroy_id(thread, 1); }

/* The context's own option: only as long as it has no objects. */
static long rlimit_mode(unsigned int thread)
{
	struct iommu_option argument = {
		.size = sizeof(argument),
		.option_id = IOMMU_OPTION_RLIMIT_MODE,
		.op = IOMMU_OPTION_OP_SET,
		.val64 = 1,
	};

	return ioctl(thread, IOMMU_OPTION, &argument);
}

/* ---- VFIO's IOAS: the context points to it without a reference ---- */

static long compat(unsigned int thread, u16 operation, u32 id)
{
	struct iommu_vfio_ioas argument = {
		.size = sizeof(argument),
		.op = operation,
		.ioas_id = id,
	};
	const long result = ioctl(thread, IOMMU_VFIO_IOAS, &argument);

	return result ? result : (long)argument.ioas_id;
}

static long compat_set0(unsigned int thread)
{
	const u32 id = READ_ONCE(ids[IOAS0]);

	return id ? compat(thread, IOMMU_VFIO_IOAS_SET, id) : KH_NOT_MADE;
}

static long compat_get(unsigned int thread) { return compat(thread, IOMMU_VFIO_IOAS_GET, 0); }

/* ---- fault queues: objects with a file ---- */

static long fault(unsigned int thread) { return alloc_fault(thread); }

static long abort_fault(unsigned int thread)
{
	return ioctl(thread, IOMMU_FAULT_QUEUE_ALLOC, &unwritable_fault);
}

static long close_fault(unsigned int thread) { return close_descriptor(); }
static long destroy_fault(unsigned int thread) { return destroy(thread, FAULT); }

/* ---- devices: objects that a driver destroys, and waits for their users ---- */

static long bind0(unsigned int thread) { return bind(thread, 0); }
static long unbind0(unsigned int thread) { return unbind(0); }
static long bind1(unsigned int thread) { return bind(thread, 1); }
static long unbind1(unsigned int thread) { return unbind(1); }
static long bind2(unsigned int thread) { return bind(thread, 2); }
static long unbind2(unsigned int thread) { return unbind(2); }
static long destroy_device0(unsigned int thread) { return destroy(thread, DEVICE0); }

static long info_device0(unsigned int thread)
{
	struct iommu_hw_info argument = {
		.size = sizeof(argument),
		.dev_id = READ_ONCE(ids[DEVICE0]),
	};

	return argument.dev_id ? ioctl(thread, IOMMU_GET_HW_INFO, &argument) : KH_NOT_MADE;
}

const struct kh_call kh_calls[] = {
	{ "alloc0", alloc0 },
	{ "alloc1", alloc1 },
	{ "destroy0", destroy0 },
	{ "destroy1", destroy1 },
	{ "abort", abort_ioas },
	{ "ranges0", ranges0 },
	{ "ranges1", ranges1 },
	{ "allow0", allow0 },
	{ "option0", option0 },
	{ "guess_ranges", guess_ranges },
	{ "guess_destroy", guess_destroy },
	{ "rlimit", rlimit_mode },
	{ "compat_set0", compat_set0 },
	{ "compat_get", compat_get },
	{ "fault", fault },
	{ "abort_fault", abort_fault },
	{ "close_fault", close_fault },
	{ "destroy_fault", destroy_fault },
	{ "bind0", bind0 },
	{ "bind1", bind1 },
	{ "bind2", bind2 },
	{ "unbind0", unbind0 },
	{ "unbind1", unbind1 },
	{ "unbind2", unbind2 },
	{ "destroy_device0", destroy_device0 },
	{ "info_device0", info_device0 },
	{ "close", close_iommufd },
	{ NULL, NULL },
};

void kh_target_boot(void)
{
	readonly_user[0] = &unwritable_ioas;
	readonly_user[1] = &unwritable_fault;
	world_boot();
}

void kh_target_finish(void)
{
	world_finish();
}
