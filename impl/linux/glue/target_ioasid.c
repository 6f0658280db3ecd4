// SPDX-License-Identifier: MIT
// Calls the IOASID functions of the user's kernel.
//
// It is compiled with the kernel's own flags on the user's machine.  Numbers become objects here:
// sets, data and ops are static objects, told from each other by their position in an array.
#include <linux/err.h>
#include <linux/ioasid.h>
#include <linux/kernel.h>
#include <linux/radix-tree.h>
#include <linux/slab.h>

#include "harness.h"

struct payload {
	unsigned long word[8];
};

/* Keeps a read from being optimised away. */
static void kh_consume(unsigned long word)
{
	__asm__ __volatile__("" : : "r"(word));
}

static struct ioasid_set sets[KH_MAX_NUMBER + 1];
static struct payload payloads[KH_MAX_NUMBER + 1];
static struct payload ops_payloads[KH_MAX_OPS + 1];

/* The position of `object` among the elements 1 .. last of an array; 0: NULL; -1: elsewhere. */
static int number_of(const void *object, const struct payload *array, unsigned int last)
{
	unsigned int i;

	if (!object)
		return 0;
	for (i = 1; i <= last; i++) {
		if (object == &array[i])
			return (int)i;
	}
	return -1;
}

static int ops_number(const void *pdata)
{
	int number = number_of(pdata, ops_payloads, KH_MAX_OPS);

	return number == 0 ? -1 : number;
}

/* Each group has functions of its own: the kernel tells groups apart by function addresses. */
#define KH_GROUP(n)                                                                  \
	static ioasid_t group_##n##_alloc(ioasid_t min, ioasid_t max, void *pdata)   \
	{                                                                            \
		(void)min;                                                           \
		(void)max;                                                           \
		return kh_callback_alloc(n, ops_number(pdata));                      \
	}                                                                            \
	static void group_##n##_free(ioasid_t id, void *pdata)                       \
	{                                                                            \
		(void)id;                                                            \
		kh_callback_free(n, ops_number(pdata));                              \
	}
KH_GROUP(1)
KH_GROUP(2)
KH_GROUP(3)
KH_GROUP(4)
KH_GROUP(5)
KH_GROUP(6)
KH_GROUP(7)

#define KH_OPS(number, group)                                                        \
	[number] = {                                                                 \
		.alloc = group_##group##_alloc,                                      \
		.free = group_##group##_free,                                        \
		.pdata = &ops_payloads[number],                                      \
	}
/* Ops 1 and 2 share their functions; every other ops has its own. */
static struct ioasid_allocator_ops ops_objects[KH_MAX_OPS + 1] = {
	KH_OPS(1, 1), KH_OPS(2, 1), KH_OPS(3, 2), KH_OPS(4, 3),
	KH_OPS(5, 4), KH_OPS(6, 5), KH_OPS(7, 6), KH_OPS(8, 7),
};

void kh_boot(void)
{
	/* start_kernel() does this before anybody can store in an xarray. */
	radix_tree_init();
}

static struct ioasid_set *set_object(unsigned int set)
{
	return set ? &sets[set] : NULL;
}

static void *data_object(unsigned int data)
{
	return data ? &payloads[data] : NULL;
}

unsigned int kh_alloc(unsigned int set, unsigned int min, unsigned int max, unsigned int data)
{
	return ioasid_alloc(set_object(set), min, max, data_object(data));
}

void kh_free(unsigned int id)
{
	ioasid_free(id);
}

static bool getter(void *data)
{
	/* A getter looks at what it is shown, as mmget_not_zero() does. */
	if (data)
		kh_consume(((struct payload *)data)->word[0]);
	return kh_callback_getter(number_of(data, payloads, KH_MAX_NUMBER));
}

struct kh_found kh_find(unsigned int set, unsigned int id, int with_getter)
{
	struct kh_found found = { 0, 0 };
	void *data = ioasid_find(set_object(set), id, with_getter ? getter : NULL);

	if (IS_ERR(data))
		found.error = (int)PTR_ERR(data);
	else
		found.data = number_of(data, payloads, KH_MAX_NUMBER);
	return found;
}

/* Its owner does something else with private data. */
void kh_reuse_data(unsigned int data)
{
	payloads[data].word[0] = data;
}

int kh_set_data(unsigned int id, unsigned int data)
{
	return ioasid_set_data(id, data_object(data));
}

int kh_register(unsigned int ops)
{
	return ioasid_register_allocator(&ops_objects[ops]);
}

void kh_unregister(unsigned int ops)
{
	ioasid_unregister_allocator(&ops_objects[ops]);
}

void *kh_ops_object(unsigned int ops, unsigned long *size)
{
	*size = sizeof(ops_objects[ops]);
	return &ops_objects[ops];
}

unsigned int kh_invalid_id(void)
{
	return INVALID_IOASID;
}
