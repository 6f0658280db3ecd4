// SPDX-License-Identifier: MIT
// The target iommu-sva: binding, unbinding, the end of processes.
#include "sva_world.h"

/* Nobody makes page requests. */
static void drain(struct device *dev)
{
}

/* Binds, asks for the PASID, unbinds: what a driver's open and close do in one go. */
static long pasid(unsigned int thread, unsigned int dev)
{
	struct iommu_sva *bond;
	long value;

	if (left[thread])
		return KH_NOT_MADE;
	bond = iommu_sva_bind_device(&devices[dev], process);
	if (IS_ERR(bond))
		return PTR_ERR(bond);
	value = iommu_sva_get_pasid(bond);
	iommu_sva_unbind_device(bond);
	return value;
}

/*
 * A TLP of a device with the PASID, as the hardware sees it.  It is no call of the API: in the middle
 * of one it meets what no order of calls explains, so that no scenario of the target has it.
 */
static long tlp(unsigned int dev)
{
	return READ_ONCE(reached[dev][1]);
}

static long tlp0(unsigned int thread) { return tlp(0); }
static long tlp1(unsigned int thread) { return tlp(1); }
static long tlp2(unsigned int thread) { return tlp(2); }
static long bind0(unsigned int thread) { return bind(thread, 0); }
static long bind1(unsigned int thread) { return bind(thread, 1); }
static long bind2(unsigned int thread) { return bind(thread, 2); }
static long unbind0(unsigned int thread) { return unbind(0); }
static long unbind1(unsigned int thread) { return unbind(1); }
static long unbind2(unsigned int thread) { return unbind(2); }
static long other_close(unsigned int thread) { return unbind(DEVICES); }
static long pasid0(unsigned int thread) { return pasid(thread, 0); }
static long pasid1(unsigned int thread) { return pasid(thread, 1); }
static long unplug0(unsigned int thread) { return unplug(0); }

const struct kh_call kh_calls[] = {
	{ "bind0", bind0 },     { "bind1", bind1 },     { "bind2", bind2 },
	{ "unbind0", unbind0 }, { "unbind1", unbind1 }, { "unbind2", unbind2 },
	{ "pasid0", pasid0 },   { "pasid1", pasid1 },   { "exit", exit_task },
	{ "other0", other0 },   { "other_exit", other_exit },
	{ "other_close", other_close }, { "unplug0", unplug0 },
	{ "tlp0", tlp0 },       { "tlp1", tlp1 },       { "tlp2", tlp2 },
	{ NULL, NULL },
};

void kh_target_boot(void)
{
	world_boot();
}

void kh_target_finish(void)
{
	world_finish();
}
