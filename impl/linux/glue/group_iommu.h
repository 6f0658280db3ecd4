// SPDX-License-Identifier: MIT
// The IOMMU of the target iommu-group, and its driver: a table in an array, and one PASID.  Included
// once, by the target's file, which says how many DEVICES there are, and which PASID.
//
// Devices 0 and 2 share a group, the others have their own.
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/slab.h>

#include "harness.h"
#include "target.h"

#define PASID_BITS 1
#include "probed_devices.h"

static struct device devices[DEVICES];
static struct iommu_device mock_iommu;
/* The hardware: which domain each device translates with. */
static struct iommu_domain *table[DEVICES];
static struct iommu_domain *pasid_entry[DEVICES];
/* Where a TLP lands: 0 nowhere, 1 in a default domain, 1 + the thread in one of its domains. */
#define FREED 9
static unsigned int reached[DEVICES];

struct mock_domain {
	struct iommu_domain domain;
	unsigned int owner;  /* the thread; 0: the core */
	unsigned long known; /* by number, the devices that it has been attached to */
	atomic_t mapped;
};

static struct mock_domain *mock_of(struct iommu_domain *domain)
{
	return container_of(domain, struct mock_domain, domain);
}

static unsigned int device_number(const struct device *dev)
{
	return (unsigned int)(dev - devices);
}

static int mock_attach_nofail(struct iommu_domain *domain, struct device *dev)
{
	const bool blocks = domain->type == IOMMU_DOMAIN_BLOCKED;

	WRITE_ONCE(table[device_number(dev)], domain);
	WRITE_ONCE(reached[device_number(dev)], blocks ? 0 : 1 + mock_of(domain)->owner);
	return 0;
}

static int mock_attach(struct iommu_domain *domain, struct device *dev)
{
	/* Going back to what a device had must succeed: the core asks that of drivers. */
	if (!(mock_of(domain)->known & BIT(device_number(dev))) && kh_may_fail())
		return -EIO;
	mock_of(domain)->known |= BIT(device_number(dev));
	return mock_attach_nofail(domain, dev);
}

static int mock_set_dev_pasid(struct iommu_domain *domain, struct device *dev, ioasid_t pasid,
			      struct iommu_domain *old)
{
	if (kh_may_fail())
		return -EIO;
	WRITE_ONCE(pasid_entry[device_number(dev)], domain);
	return 0;
}

static void mock_remove_dev_pasid(struct device *dev, ioasid_t pasid, struct iommu_domain *domain)
{
	if (READ_ONCE(pasid_entry[device_number(dev)]) != domain)
		ck_report("wrong domain", "the driver is told to remove a domain that is not there");
	WRITE_ONCE(pasid_entry[device_number(dev)], NULL);
}

static void mock_free(struct iommu_domain *domain)
{
	unsigned int dev;

	for (dev = 0; dev < DEVICES; dev++) {
		if (READ_ONCE(pasid_entry[dev]) == domain)
			ck_report("domain freed while attached",
				  "a PASID entry of a device still points to it");
		if (READ_ONCE(table[dev]) != domain)
			continue;
		ck_report("domain freed while attached", "a device still translates with it");
		WRITE_ONCE(reached[dev], FREED);
	}
	kfree(mock_of(domain));
}

static const struct iommu_domain_ops mock_static_ops = { .attach_dev = mock_attach_nofail };
static const struct iommu_domain_ops mock_paging_ops = {
	.attach_dev = mock_attach,
	.set_dev_pasid = mock_set_dev_pasid,
	.free = mock_free,
};

static struct iommu_domain mock_blocked = {
	.type = IOMMU_DOMAIN_BLOCKED,
	.ops = &mock_static_ops,
};

static struct iommu_domain *mock_alloc(unsigned int type)
{
	struct mock_domain *mock = kzalloc(sizeof(*mock), GFP_KERNEL);

	if (!mock)
		return NULL;
	mock->domain.pgsize_bitmap = PAGE_SIZE;
	return &mock->domain;
}

static struct iommu_device *mock_probe(struct device *dev)
{
	return &mock_iommu;
}

static void mock_release(struct device *dev)
{
	WRITE_ONCE(table[device_number(dev)], NULL);
	WRITE_ONCE(pasid_entry[device_number(dev)], NULL);
	WRITE_ONCE(reached[device_number(dev)], 0);
}

static struct iommu_group *mock_group(struct device *dev)
{
	struct iommu_group *group = device_number(dev) == 2 ? iommu_group_get(&devices[0]) : NULL;

	return group ? group : iommu_group_alloc();
}

static const struct iommu_ops mock_ops = {
	.domain_alloc = mock_alloc,
	.probe_device = mock_probe,
	.release_device = mock_release,
	.device_group = mock_group,
	.remove_dev_pasid = mock_remove_dev_pasid,
	.blocked_domain = &mock_blocked,
	.default_domain_ops = &mock_paging_ops,
};

void iommu_device_unlink(struct iommu_device *iommu, struct device *link)
{
}
