// SPDX-License-Identifier: MIT
// The world of the iommufd targets: processes that have /dev/iommu open, devices that a driver binds
// to it, and an IOMMU driver that writes its tables into an array.  Included once, by the target's
// file.
//
// Each thread is a process with a descriptor of its own for the same open file: the file is released
// by whoever closes the last one.  Devices 0 and 2 share a group, device 1 has its own.
#include <linux/device.h>
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/iommufd.h>
#include <linux/miscdevice.h>
#include <linux/mutex.h>
#include <uapi/linux/iommufd.h>

#include "harness.h"
#include "target.h"
#include "probed_devices.h"
#include "user_files.h"

#define DEVICES 3

/* ---- the driver of the IOMMU ---- */

static struct device devices[DEVICES];
static struct iommu_device mock_iommu;
/* The hardware: which domain each device translates with. */
static struct iommu_domain *table[DEVICES];

/* Two of them: a domain that was made for the one cannot be attached behind the other. */
#ifndef MOCK_PAGES
#define MOCK_PAGES 0 /* that can be mapped */
#endif
struct mock_domain {
	struct iommu_domain domain;
	unsigned int instance;
	unsigned long leads_to[MOCK_PAGES + 1]; /* 1 + the page; 0: nowhere */
};

static unsigned int device_number(const struct device *dev)
{
	return (unsigned int)(dev - devices);
}

static unsigned int instance_of(const struct device *dev)
{
	return device_number(dev) == 1;
}

/* Until no page request that was made before is on its way to the core: the target's. */
static void drain(struct device *dev);

static int mock_attach_nofail(struct iommu_domain *domain, struct device *dev)
{
	WRITE_ONCE(table[device_number(dev)], domain);
	drain(dev);
	return 0;
}

static int mock_attach(struct iommu_domain *domain, struct device *dev)
{
	if (container_of(domain, struct mock_domain, domain)->instance != instance_of(dev))
		return -EINVAL;
	/* Going back to what the group has must succeed: the core asks that of drivers. */
	if (iommu_get_domain_for_dev(dev) != domain && kh_may_fail())
		return -EIO;
	return mock_attach_nofail(domain, dev);
}

#if MOCK_PAGES /* the target's */
static int mock_map(struct iommu_domain *domain, unsigned long iova, phys_addr_t address,
		    size_t size, size_t count, int prot, gfp_t gfp, size_t *mapped);
static size_t mock_unmap(struct iommu_domain *domain, unsigned long iova, size_t size, size_t count,
			 struct iommu_iotlb_gather *gather);
static phys_addr_t mock_address(struct iommu_domain *domain, dma_addr_t iova);
static void mock_forget(struct mock_domain *mock);
#else
static void mock_forget(struct mock_domain *mock)
{
}
#endif

static void mock_free(struct iommu_domain *domain)
{
	unsigned int dev;

	mock_forget(container_of(domain, struct mock_domain, domain));
	for (dev = 0; dev < DEVICES; dev++) {
		if (READ_ONCE(table[dev]) == domain)
			ck_report("domain freed while attached",
				  "a device still translates with it");
	}
	kfree(container_of(domain, struct mock_domain, domain));
}

static int mock_invalidate(struct iommu_domain *domain, struct iommu_user_data_array *array)
{
	return 0;
}

static const struct iommu_domain_ops mock_static_ops = { .attach_dev = mock_attach_nofail };
static const struct iommu_domain_ops mock_paging_ops = {
	.attach_dev = mock_attach,
#if MOCK_PAGES
	.map_pages = mock_map,
	.unmap_pages = mock_unmap,
	.iova_to_phys = mock_address,
#endif
	.free = mock_free,
};
static const struct iommu_domain_ops mock_nested_ops = {
	.attach_dev = mock_attach,
	.cache_invalidate_user = mock_invalidate,
	.free = mock_free,
};

static struct iommu_domain mock_blocked = {
	.type = IOMMU_DOMAIN_BLOCKED,
	.ops = &mock_static_ops,
};
static struct iommu_domain mock_identity = {
	.type = IOMMU_DOMAIN_IDENTITY,
	.ops = &mock_static_ops,
};

static bool mock_capable(struct device *dev, enum iommu_cap capability)
{
	return capability == IOMMU_CAP_CACHE_COHERENCY;
}

static struct iommu_domain *mock_alloc_user(struct device *dev, u32 flags,
					    struct iommu_domain *parent,
					    const struct iommu_user_data *data)
{
	struct mock_domain *mock = kzalloc(sizeof(*mock), GFP_KERNEL);

	if (!mock)
		return ERR_PTR(-ENOMEM);
	mock->instance = instance_of(dev);
	mock->domain.type = parent ? IOMMU_DOMAIN_NESTED : IOMMU_DOMAIN_UNMANAGED;
	mock->domain.ops = parent ? &mock_nested_ops : &mock_paging_ops;
	mock->domain.pgsize_bitmap = PAGE_SIZE;
	mock->domain.geometry.aperture_end = ~0UL;
	return &mock->domain;
}

static struct iommu_device *mock_probe(struct device *dev)
{
	return &mock_iommu;
}

static struct iommu_group *mock_group(struct device *dev)
{
	struct iommu_group *group = device_number(dev) == 2 ? iommu_group_get(&devices[0]) : NULL;

	return group ? group : iommu_group_alloc();
}

/* Page requests: the target's, or there are none. */
static int mock_feature(struct device *dev, enum iommu_dev_features feature, bool on);
static void mock_response(struct device *dev, struct iopf_fault *event,
			  struct iommu_page_response *response);

static int mock_enable(struct device *dev, enum iommu_dev_features feature)
{
	return mock_feature(dev, feature, true);
}

static int mock_disable(struct device *dev, enum iommu_dev_features feature)
{
	return mock_feature(dev, feature, false);
}

static const struct iommu_ops mock_ops = {
	.capable = mock_capable,
	.domain_alloc_user = mock_alloc_user,
	.probe_device = mock_probe,
	.device_group = mock_group,
	.dev_enable_feat = mock_enable,
	.dev_disable_feat = mock_disable,
	.page_response = mock_response,
	.blocked_domain = &mock_blocked,
	.default_domain = &mock_identity,
	.default_domain_ops = &mock_paging_ops,
};

/* ---- the file ---- */

static const struct file_operations *fops; /* of /dev/iommu */
static struct file *iommufd;
static bool closed[MOST_THREADS + 1];
static unsigned int processes;

/* Ids that processes know, by what they name; they may be stale. */
enum slot { IOAS0, IOAS1, DEVICE0, DEVICE1, DEVICE2, FAULT, HWPT0, HWPT1, HWPT2, HWPT3, SLOTS };
static u32 ids[SLOTS];

int misc_register(struct miscdevice *misc)
{
	fops = misc->fops;
	return 0;
}

static long ioctl(unsigned int thread, unsigned int command, const void *argument)
{
	long result;

	if (closed[thread])
		return KH_NOT_MADE;
	result = fops->unlocked_ioctl(iommufd, command, (unsigned long)argument);
	return_to_user();
	return result;
}

static long alloc_ioas(unsigned int thread, enum slot slot)
{
	struct iommu_ioas_alloc argument = { .size = sizeof(argument) };
	const long result = ioctl(thread, IOMMU_IOAS_ALLOC, &argument);

	if (!result)
		WRITE_ONCE(ids[slot], argument.out_ioas_id);
	return result;
}

static long destroy_id(unsigned int thread, u32 id)
{
	struct iommu_destroy argument = { .size = sizeof(argument), .id = id };

	return id ? ioctl(thread, IOMMU_DESTROY, &argument) : KH_NOT_MADE;
}

static long destroy(unsigned int thread, enum slot slot)
{
	return destroy_id(thread, READ_ONCE(ids[slot]));
}

/* A page table of an IOAS, or one within another. */
static long alloc_table(unsigned int thread, enum slot slot, u32 flags, u32 device, u32 parent,
			u32 fault)
{
	u32 data = 0;
	struct iommu_hwpt_alloc argument = {
		.size = sizeof(argument),
		.flags = flags | (fault ? IOMMU_HWPT_FAULT_ID_VALID : 0),
		.dev_id = device,
		.pt_id = parent,
		.fault_id = fault,
		.data_type = fault ? IOMMU_HWPT_DATA_VTD_S1 : IOMMU_HWPT_DATA_NONE,
		.data_len = fault ? sizeof(data) : 0,
		.data_uptr = fault ? (uintptr_t)&data : 0,
	};
	const long result =
		device && parent ? ioctl(thread, IOMMU_HWPT_ALLOC, &argument) : KH_NOT_MADE;

	if (!result)
		WRITE_ONCE(ids[slot], argument.out_hwpt_id);
	return result;
}

static long alloc_fault(unsigned int thread)
{
	struct iommu_fault_alloc argument = { .size = sizeof(argument) };
	const long result = ioctl(thread, IOMMU_FAULT_QUEUE_ALLOC, &argument);

	if (!result)
		WRITE_ONCE(ids[FAULT], argument.out_fault_id);
	return result;
}

static long close_iommufd(unsigned int thread)
{
	if (closed[thread])
		return KH_NOT_MADE;
	closed[thread] = true;
	fput(iommufd);
	return_to_user();
	return 0;
}

/* ---- the driver of the devices: what VFIO does for its files ---- */

/* Of each device's file: calls with an idev follow one another. */
static struct mutex driver_lock[DEVICES];
static struct iommufd_device *bound[DEVICES]; /* under driver_lock */
static bool attached[DEVICES];		      /* under driver_lock */

static long bind(unsigned int thread, unsigned int dev)
{
	long result = KH_NOT_MADE;

	if (closed[thread])
		return KH_NOT_MADE;
	mutex_lock(&driver_lock[dev]);
	if (!bound[dev]) {
		struct iommufd_ctx *context = iommufd_ctx_from_file(iommufd);
		struct iommufd_device *idev;
		u32 id;

		idev = iommufd_device_bind(context, &devices[dev], &id);
		if (IS_ERR(idev)) {
			result = PTR_ERR(idev);
			iommufd_ctx_put(context);
		} else {
			result = 0;
			bound[dev] = idev;
			WRITE_ONCE(ids[DEVICE0 + dev], id);
		}
	}
	mutex_unlock(&driver_lock[dev]);
	return_to_user();
	return result;
}

/* Only what is not attached may be attached, and only what is may be changed. */
static long attach(unsigned int dev, enum slot slot, bool replaces)
{
	u32 table_id = READ_ONCE(ids[slot]);
	long result = KH_NOT_MADE;

	mutex_lock(&driver_lock[dev]);
	if (bound[dev] && attached[dev] == replaces && table_id) {
		result = replaces ? iommufd_device_replace(bound[dev], &table_id)
				  : iommufd_device_attach(bound[dev], &table_id);
		attached[dev] = replaces || !result;
	}
	mutex_unlock(&driver_lock[dev]);
	return_to_user();
	return result;
}

static long detach(unsigned int dev)
{
	long result = KH_NOT_MADE;

	mutex_lock(&driver_lock[dev]);
	if (attached[dev]) {
		iommufd_device_detach(bound[dev]);
		attached[dev] = false;
		result = 0;
	}
	mutex_unlock(&driver_lock[dev]);
	return_to_user();
	return result;
}

static long unbind(unsigned int dev)
{
	long result = KH_NOT_MADE;

	mutex_lock(&driver_lock[dev]);
	if (bound[dev]) {
		struct iommufd_ctx *context = iommufd_device_to_ictx(bound[dev]);

		if (attached[dev])
			iommufd_device_detach(bound[dev]);
		attached[dev] = false;
		iommufd_device_unbind(bound[dev]);
		bound[dev] = NULL;
		iommufd_ctx_put(context);
		result = 0;
	}
	mutex_unlock(&driver_lock[dev]);
	return_to_user();
	return result;
}

/* ---- the beginning and the end ---- */

int iommufd_init(void);		     /* of main.c: the module's */
extern bool allow_unsafe_interrupts; /* of device.c: the module's parameter */

static void world_boot(void)
{
	unsigned int dev;

	if (iommu_device_register(&mock_iommu, &mock_ops, NULL))
		ck_report("scenario", "iommu_device_register() failed in the set-up");
	for (dev = 0; dev < DEVICES; dev++) {
		mutex_init(&driver_lock[dev]);
		if (iommu_probe_device(&devices[dev]))
			ck_report("scenario", "iommu_probe_device() failed in the set-up");
	}
	allow_unsafe_interrupts = true; /* user-mode Linux has no isolated ones */
	if (iommufd_init())
		ck_report("scenario", "iommufd_init() failed in the set-up");
	iommufd = new_file(fops, NULL);
	if (fops->open(NULL, iommufd))
		ck_report("scenario", "/dev/iommu cannot be opened in the set-up");
}

void kh_target_start(unsigned int threads)
{
	processes = threads;
	atomic_long_add((long)threads - 1, &iommufd->f_count);
	closed[0] = true;
}

static void world_finish(void)
{
	unsigned int i;

	for (i = 0; i < DEVICES; i++)
		unbind(i);
	while (close_descriptor() != KH_NOT_MADE)
		;
	for (i = 1; i <= processes; i++)
		close_iommufd(i);
	iommufd = NULL;
}
