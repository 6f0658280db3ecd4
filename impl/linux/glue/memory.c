// SPDX-License-Identifier: MIT
// kmalloc and the slab caches on malloc, with failure injection and a leak check.
//
// Every object is a malloc of its own, so that AddressSanitizer sees each use after free; a slab
// that reused objects would hide them.
#include "runtime.h"

#include <stdlib.h>
#include <string.h>

#define OBJECTS_MAX 65536U
#define ZERO_SIZE ((void *)16) /* what kmalloc(0) answers */
#define FILLING 0xa5           /* kmalloc'ed memory is not zero */

struct object {
	char *start;
	size_t size;
	struct kh_stack allocated_at;
	bool reached, never_leaks;
};

struct kmem_cache {
	const char *name;
	size_t size, align;
	void (*constructor)(void *);
};

/* The kernel picks a size class here; ours has none.  Larger than any kernel's table. */
void *kmalloc_caches[64][32];

static unsigned nomem;
static unsigned attempts; /* allocations in this call, for "only the nth fails" */
static struct object *objects;
static unsigned count;

/* The last frees that a grace period delayed: AddressSanitizer only sees the late one. */
#define DEFERRED_MAX 1024U
struct deferred {
	const void *object;
	struct kh_stack asked_at;
};
static struct deferred *deferred;
static unsigned deferred_count;

void kh_memory_start(void)
{
	objects = kh_private_memory(OBJECTS_MAX * sizeof(*objects));
	deferred = kh_private_memory(DEFERRED_MAX * sizeof(*deferred));
}

void kh_memory_booted(void)
{
	unsigned i;

	for (i = 0; i < count; i++)
		objects[i].never_leaks = true;
}

void kh_memory_call(unsigned failing)
{
	nomem = failing;
	attempts = 0;
}

static bool fails(void)
{
	attempts++;
	return nomem == 1 || (nomem > 1 && attempts == nomem - 1);
}

static void *allocate(size_t size, size_t align, unsigned gfp, void (*constructor)(void *))
{
	struct kh_stack here;
	void *start = NULL;

	if (gfp & kh_facts.gfp_sleeps)
		kh_might_sleep("an allocation that may sleep");
	if (fails())
		return NULL;
	if (size == 0)
		return ZERO_SIZE;
	KH_HERE(&here);
	if (count == OBJECTS_MAX || size > (size_t)64 << 20 ||
	    posix_memalign(&start, align < 16 ? 16 : align, size) != 0) {
		kh_report(KH_FATAL, "endless loop", (struct kh_stacks){ &here, NULL, NULL },
			  "an allocation of %zu bytes beside %u live objects", size, count);
	}
	memset(start, gfp & kh_facts.gfp_zero ? 0 : FILLING, size);
	if (constructor)
		constructor(start);
	objects[count++] = (struct object){ start, size, here, false, false };
	return start;
}

const struct kh_stack *kh_deferred_free(const void *object)
{
	unsigned i;

	for (i = 0; i < DEFERRED_MAX && i < deferred_count; i++) {
		if (deferred[i].object == object)
			return &deferred[i].asked_at;
	}
	return NULL;
}

/* The table is private memory, of which the leak check knows nothing. */
static void note_free(const void *object)
{
	if (kh_callback_origin()) {
		deferred[deferred_count++ % DEFERRED_MAX] =
			(struct deferred){ object, *kh_callback_origin() };
	}
}

void kh_release(const void *object)
{
	struct kh_stack here, allocated, freed;
	size_t i;

	if ((uintptr_t)object <= (uintptr_t)ZERO_SIZE)
		return;
	for (i = count; i-- > 0;) {
		if (objects[i].start == object) {
			objects[i] = objects[--count];
			note_free(object);
			free((void *)(uintptr_t)object);
			return;
		}
	}
	KH_HERE(&here);
	kh_object_history(object, &allocated, &freed);
	kh_report(KH_FATAL, freed.count ? "double free" : "invalid free",
		  (struct kh_stacks){ &here, &allocated, &freed },
		  freed.count ? "the object was freed before" : "no allocation starts here");
}

static void mark_one(uintptr_t word);

/* Reads whole objects and data segments, redzones and all. */
KH_NO_ASAN void kh_mark(const void *from, const void *to)
{
	const uintptr_t *word = from;

	for (; (const void *)(word + 1) <= to; word++)
		mark_one(*word);
}

KH_NO_ASAN static void mark_one(uintptr_t word)
{
	unsigned i;

	for (i = 0; i < count; i++) {
		struct object *object = &objects[i];

		/* Anywhere inside counts: list heads and tagged pointers (xarray) do not point to
		 * the start. */
		if (word - (uintptr_t)object->start < object->size && !object->reached) {
			object->reached = true;
			kh_mark(object->start, object->start + object->size);
		}
	}
}

void kh_leak_check(void)
{
	unsigned i;

	for (i = 0; i < count; i++)
		objects[i].reached = false;
	for (i = 0; i < count; i++) {
		if (objects[i].never_leaks && !objects[i].reached) {
			objects[i].reached = true;
			kh_mark(objects[i].start, objects[i].start + objects[i].size);
		}
	}
	kh_mark_pending();
	kh_mark_static_data();
	for (i = 0; i < count; i++) {
		if (objects[i].reached)
			continue;
		objects[i].never_leaks = true; /* said once */
		kh_report(KH_CONTINUE, "leak",
			  (struct kh_stacks){ &objects[i].allocated_at, NULL, NULL },
			  "%zu bytes that nothing points to any more", objects[i].size);
	}
}

/* The names that kernels of different versions call. */
#define KMALLOC_ALIGN 16
void *__kmalloc(size_t size, unsigned gfp) { return allocate(size, KMALLOC_ALIGN, gfp, NULL); }

void *kmalloc_trace(struct kmem_cache *cache, unsigned gfp, size_t size)
{
	(void)cache;
	return allocate(size, KMALLOC_ALIGN, gfp, NULL);
}

void *kmem_cache_alloc_trace(struct kmem_cache *cache, unsigned gfp, size_t size)
{
	return kmalloc_trace(cache, gfp, size);
}

void *kmem_cache_alloc(struct kmem_cache *cache, unsigned gfp)
{
	/* kmalloc() of a constant size in kernels before 5.19 passes an entry of kmalloc_caches,
	 * whose size we cannot know; those kernels have tracing on, and call the function above. */
	return allocate(cache->size, cache->align, gfp, cache->constructor);
}

void *kmem_cache_alloc_lru(struct kmem_cache *cache, void *lru, unsigned gfp)
{
	(void)lru;
	return kmem_cache_alloc(cache, gfp);
}

struct kmem_cache *kmem_cache_create(const char *name, unsigned size, unsigned align,
				     unsigned flags, void (*constructor)(void *))
{
	struct kmem_cache *cache = malloc(sizeof(*cache));

	(void)flags;
	if (!cache)
		abort();
	*cache = (struct kmem_cache){ name, size, align < KMALLOC_ALIGN ? KMALLOC_ALIGN : align,
				      constructor };
	return cache;
}

void kfree(const void *object) { kh_release(object); }
void kvfree(const void *object) { kh_release(object); }
void kfree_sensitive(const void *object) { kh_release(object); }

void kmem_cache_free(struct kmem_cache *cache, void *object)
{
	(void)cache;
	kh_release(object);
}

/* Lockdep's annotation of allocations; the check itself is kh_might_sleep(). */
void fs_reclaim_acquire(unsigned gfp) { (void)gfp; }
void fs_reclaim_release(unsigned gfp) { (void)gfp; }
