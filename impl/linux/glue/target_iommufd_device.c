// SPDX-License-Identifier: MIT
// The target iommufd-device: devices that are attached to page tables, moved and detached, and
// drivers that reach an IOAS without a device.
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

static long alloc0(unsigned int thread) { return alloc_ioas(thread, IOAS0); }
static long alloc1(unsigned int thread) { return alloc_ioas(thread, IOAS1); }
static long destroy0(unsigned int thread) { return destroy(thread, IOAS0); }
static long destroy1(unsigned int thread) { return destroy(thread, IOAS1); }
static long bind0(unsigned int thread) { return bind(thread, 0); }
static long bind1(unsigned int thread) { return bind(thread, 1); }
static long bind2(unsigned int thread) { return bind(thread, 2); }
static long unbind0(unsigned int thread) { return unbind(0); }
static long unbind1(unsigned int thread) { return unbind(1); }
static long unbind2(unsigned int thread) { return unbind(2); }

/* attach, replace: the first number is the device's, the second the IOAS's. */
static long attach00(unsigned int thread) { return attach(0, IOAS0, false); }
static long attach01(unsigned int thread) { return attach(0, IOAS1, false); }
static long attach10(unsigned int thread) { return attach(1, IOAS0, false); }
static long attach20(unsigned int thread) { return attach(2, IOAS0, false); }
static long attach21(unsigned int thread) { return attach(2, IOAS1, false); }
static long replace00(unsigned int thread) { return attach(0, IOAS0, true); }
static long replace01(unsigned int thread) { return attach(0, IOAS1, true); }
static long replace21(unsigned int thread) { return attach(2, IOAS1, true); }
static long detach0(unsigned int thread) { return detach(0); }
static long detach1(unsigned int thread) { return detach(1); }
static long detach2(unsigned int thread) { return detach(2); }

/* A page table that the process asks for. */
static long table0(unsigned int thread)
{
	return alloc_table(thread, HWPT0, 0, READ_ONCE(ids[DEVICE0]), READ_ONCE(ids[IOAS0]), 0);
}

static long attach0_table(unsigned int thread) { return attach(0, HWPT0, false); }
static long replace0_table(unsigned int thread) { return attach(0, HWPT0, true); }
static long destroy_table(unsigned int thread) { return destroy(thread, HWPT0); }

/* ---- a driver whose devices have no IOMMU ---- */

static DEFINE_MUTEX(access_lock); /* of its file */
static struct iommufd_access *accessor; /* under access_lock */
static bool reaching;			/* under access_lock: an IOAS */

static void unmap(void *data, unsigned long iova, unsigned long length)
{
}

static const struct iommufd_access_ops access_ops = { .unmap = unmap };

static long access_create(unsigned int thread)
{
	long result = KH_NOT_MADE;
	u32 id;

	if (closed[thread])
		return KH_NOT_MADE;
	mutex_lock(&access_lock);
	if (!accessor) {
		struct iommufd_ctx *context = iommufd_ctx_from_file(iommufd);
		struct iommufd_access *made =
			iommufd_access_create(context, &access_ops, NULL, &id);

		/* It has a reference of its own. */
		iommufd_ctx_put(context);
		result = PTR_ERR_OR_ZERO(made);
		if (!IS_ERR(made))
			accessor = made;
	}
	mutex_unlock(&access_lock);
	return_to_user();
	return result;
}

static long access_attach(enum slot slot)
{
	const u32 id = READ_ONCE(ids[slot]);
	long result = KH_NOT_MADE;

	mutex_lock(&access_lock);
	if (accessor && id) {
		result = reaching ? iommufd_access_replace(accessor, id)
				  : iommufd_access_attach(accessor, id);
		reaching = reaching || !result;
	}
	mutex_unlock(&access_lock);
	return_to_user();
	return result;
}

static long access0(unsigned int thread) { return access_attach(IOAS0); }
static long access1(unsigned int thread) { return access_attach(IOAS1); }

static long access_detach(unsigned int thread)
{
	long result = KH_NOT_MADE;

	mutex_lock(&access_lock);
	if (reaching) {
		iommufd_access_detach(accessor);
		reaching = false;
		result = 0;
	}
	mutex_unlock(&access_lock);
	return_to_user();
	return result;
}

static long access_destroy(unsigned int thread)
{
	long result = KH_NOT_MADE;

	mutex_lock(&access_lock);
	if (accessor) {
		iommufd_access_destroy(accessor);
		accessor = NULL;
		reaching = false;
		result = 0;
	}
	mutex_unlock(&access_lock);
	return_to_user();
	return result;
}

const struct kh_call kh_calls[] = {
	{ "alloc0", alloc0 },
	{ "alloc1", alloc1 },
	{ "destroy0", destroy0 },
	{ "destroy1", destroy1 },
	{ "bind0", bind0 },
	{ "bind1", bind1 },
	{ "bind2", bind2 },
	{ "unbind0", unbind0 },
	{ "unbind1", unbind1 },
	{ "unbind2", unbind2 },
	{ "attach00", attach00 },
	{ "attach01", attach01 },
	{ "attach10", attach10 },
	{ "attach20", attach20 },
	{ "attach21", attach21 },
	{ "replace00", replace00 },
	{ "replace01", replace01 },
	{ "replace21", replace21 },
	{ "detach0", detach0 },
	{ "detach1", detach1 },
	{ "detach2", detach2 },
	{ "table0", table0 },
	{ "attach0_table", attach0_table },
	{ "replace0_table", replace0_table },
	{ "destroy_table", destroy_table },
	{ "access_create", access_create },
	{ "access0", access0 },
	{ "access1", access1 },
	{ "access_detach", access_detach },
	{ "access_destroy", access_destroy },
	{ "close", close_iommufd },
	{ NULL, NULL },
};

void kh_target_boot(void)
{
	world_boot();
}

void kh_target_finish(void)
{
	access_destroy(0);
	world_finish();
}
