// SPDX-License-Identifier: MIT
// What the core asks of others when it probes a device: no sysfs, no bus and no firmware behind it.
// Included once, by a target's file or its world.
#include <linux/capability.h>
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/property.h>

bool capable(int capability)
{
	return true;
}

int iommu_device_link(struct iommu_device *iommu, struct device *link)
{
	return 0;
}

int bus_for_each_dev(const struct bus_type *bus, struct device *start, void *data,
		     int (*function)(struct device *dev, void *data))
{
	return 0;
}

/* "pasid-num-bits" is the only one. */
#ifndef PASID_BITS
#define PASID_BITS 0
#endif

int device_property_read_u32_array(const struct device *dev, const char *name, u32 *values,
				   size_t count)
{
	if (!PASID_BITS)
		return -EINVAL;
	*values = PASID_BITS;
	return 0;
}
