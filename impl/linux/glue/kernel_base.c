// SPDX-License-Identifier: MIT
// What targets share that needs kernel headers: starting, slab caches, and the small part of
// kobjects and sysfs that IOMMU code relies on.
#include <linux/device.h>
#include <linux/kernel.h>
#include <linux/kobject.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/radix-tree.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/version.h>

#include "harness.h"
#include "target.h"

void kh_boot(void)
{
	/* start_kernel() does this before anybody can store in an xarray. */
	radix_tree_init();
	kh_target_boot();
}

/* ---- slab caches: their arguments come in a structure since 6.12 ---- */

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
struct kmem_cache *kh_cache_create(unsigned int size, unsigned int align, void (*ctor)(void *));

struct kmem_cache *__kmem_cache_create_args(const char *name, unsigned int size,
					    struct kmem_cache_args *args, slab_flags_t flags)
{
	return kh_cache_create(size, args ? args->align : 0, args ? args->ctor : NULL);
}
#endif

/* The buckets of kmalloc(): powers of two, and two between them. */
size_t kmalloc_size_roundup(size_t size)
{
	if ((size > 64 && size <= 96) || (size > 128 && size <= 192))
		return size > 96 ? 192 : 96;
	return size > 8 ? roundup_pow_of_two(size) : 8;
}

/* ---- kobjects: references and release, no sysfs behind them ---- */

void kobject_init(struct kobject *kobj, const struct kobj_type *ktype)
{
	kref_init(&kobj->kref);
	INIT_LIST_HEAD(&kobj->entry);
	kobj->ktype = ktype;
	kobj->state_initialized = 1;
}

static void kh_kobject_release(struct kref *kref)
{
	struct kobject *kobj = container_of(kref, struct kobject, kref);
	struct kobject *parent = kobj->parent;

	if (kobj->ktype && kobj->ktype->release)
		kobj->ktype->release(kobj);
	kobject_put(parent);
}

struct kobject *kobject_get(struct kobject *kobj)
{
	if (kobj)
		kref_get(&kobj->kref);
	return kobj;
}

void kobject_put(struct kobject *kobj)
{
	if (kobj)
		kref_put(&kobj->kref, kh_kobject_release);
}

int kobject_init_and_add(struct kobject *kobj, const struct kobj_type *ktype,
			 struct kobject *parent, const char *format, ...)
{
	kobject_init(kobj, ktype);
	kobj->parent = kobject_get(parent);
	return 0;
}

static void kh_dynamic_release(struct kobject *kobj)
{
	kfree(kobj);
}

static const struct kobj_type kh_dynamic_ktype = { .release = kh_dynamic_release };

struct kobject *kobject_create_and_add(const char *name, struct kobject *parent)
{
	struct kobject *kobj = kzalloc(sizeof(*kobj), GFP_KERNEL);

	if (!kobj)
		return NULL;
	kobject_init(kobj, &kh_dynamic_ktype);
	kobj->parent = kobject_get(parent);
	return kobj;
}

/* A newline at the end of either does not count. */
bool sysfs_streq(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return (!*a || !strcmp(a, "\n")) && (!*b || !strcmp(b, "\n"));
}

/* ---- sysfs: whatever is made can be made, and nobody looks ---- */

int sysfs_create_file_ns(struct kobject *kobj, const struct attribute *attr, const void *ns)
{
	return 0;
}
void sysfs_remove_file_ns(struct kobject *kobj, const struct attribute *attr, const void *ns)
{
}
int sysfs_create_link(struct kobject *kobj, struct kobject *target, const char *name)
{
	return 0;
}
int sysfs_create_link_nowarn(struct kobject *kobj, struct kobject *target, const char *name)
{
	return 0;
}
void sysfs_remove_link(struct kobject *kobj, const char *name)
{
}

/* ---- modules: nothing is one, and nothing goes ---- */

bool try_module_get(struct module *module)
{
	return true;
}
void module_put(struct module *module)
{
}
bool is_module_address(unsigned long address)
{
	return false;
}

/* Names are for people. */
char *kasprintf(gfp_t gfp, const char *format, ...)
{
	return kzalloc(16, gfp);
}
void _dev_printk(const char *level, const struct device *dev, const char *format, ...)
{
}
void _dev_err(const struct device *dev, const char *format, ...)
{
}
void _dev_warn(const struct device *dev, const char *format, ...)
{
}
void _dev_info(const struct device *dev, const char *format, ...)
{
}
