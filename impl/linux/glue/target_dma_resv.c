// SPDX-License-Identifier: MIT
// The target dma-resv: the fences of a DMA-BUF, added under its lock and walked without.
//
// There is one buffer, and another one to copy its fences to.  Whoever adds a fence is an engine that
// keeps a reference until it signals it.  The list has room for five and grows then.
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/ww_mutex.h>

#include "harness.h"
#include "target.h"

#define FENCES 12 /* that engines work on at once */

static struct dma_resv buffer, copy;

/* ---- the lock of a buffer: nobody has several, so that there is no ticket ---- */

int ww_mutex_lock(struct ww_mutex *lock, struct ww_acquire_ctx *ticket)
{
	mutex_lock(&lock->base);
	return 0;
}

void ww_mutex_unlock(struct ww_mutex *lock)
{
	mutex_unlock(&lock->base);
}

ktime_t ktime_get(void)
{
	return 0;
}

/* ---- engines ---- */

static DEFINE_SPINLOCK(fence_lock); /* of all fences */
static DEFINE_SPINLOCK(engine_lock);
static struct dma_fence *works[FENCES]; /* the oldest first; under engine_lock */

static const char *nobody(struct dma_fence *fence)
{
	return "";
}

static const struct dma_fence_ops fence_ops = {
	.get_driver_name = nobody,
	.get_timeline_name = nobody,
};

static struct dma_fence *new_fence(void)
{
	struct dma_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL);

	if (fence)
		dma_fence_init(fence, &fence_ops, &fence_lock, dma_fence_context_alloc(1), 1);
	return fence;
}

static void begin(struct dma_fence *fence)
{
	unsigned int i = 0;

	spin_lock(&engine_lock);
	while (i < FENCES && works[i])
		i++;
	if (i < FENCES)
		works[i] = fence;
	else
		ck_report("scenario", "more fences than the target keeps");
	spin_unlock(&engine_lock);
}

/* ---- calls ---- */

static long add(enum dma_resv_usage usage)
{
	struct dma_fence *fence = new_fence();
	long result;

	if (!fence)
		return -ENOMEM;
	dma_resv_lock(&buffer, NULL);
	result = dma_resv_reserve_fences(&buffer, 1);
	if (!result) {
		dma_resv_add_fence(&buffer, fence, usage);
		begin(fence);
	}
	dma_resv_unlock(&buffer);
	if (result)
		dma_fence_put(fence);
	return result;
}

static long write(unsigned int thread) { return add(DMA_RESV_USAGE_WRITE); }
static long read(unsigned int thread) { return add(DMA_RESV_USAGE_READ); }

/* The engine is done with what it was given first. */
static long signal(unsigned int thread)
{
	struct dma_fence *fence;
	unsigned int i;

	spin_lock(&engine_lock);
	fence = works[0];
	for (i = 0; i + 1 < FENCES; i++)
		works[i] = works[i + 1];
	spin_unlock(&engine_lock);
	if (!fence)
		return KH_NOT_MADE;
	dma_fence_signal(fence);
	dma_fence_put(fence);
	return 0;
}

/* How many fences are not signaled: those that were seen since the walk began anew. */
static long walk_over(struct dma_resv *object)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	long seen = 0;

	dma_resv_iter_begin(&cursor, object, DMA_RESV_USAGE_READ);
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		if (dma_resv_iter_is_restarted(&cursor))
			seen = 0;
		seen++;
	}
	if (dma_resv_iter_is_restarted(&cursor))
		seen = 0;
	dma_resv_iter_end(&cursor);
	return seen;
}

static long walk(unsigned int thread) { return walk_over(&buffer); }
static long walk_copy(unsigned int thread) { return walk_over(&copy); }

static long writers(unsigned int thread)
{
	struct dma_fence *fence;
	const int error = dma_resv_get_singleton(&buffer, DMA_RESV_USAGE_WRITE, &fence);

	if (error)
		return error;
	dma_fence_put(fence);
	return fence != NULL;
}

static long idle(unsigned int thread)
{
	return dma_resv_test_signaled(&buffer, DMA_RESV_USAGE_READ);
}

/* Without concurrency nobody would end it: no scenario of the target has it. */
static long wait(unsigned int thread)
{
	return dma_resv_wait_timeout(&buffer, DMA_RESV_USAGE_READ, false, MAX_SCHEDULE_TIMEOUT) > 0;
}

static long copy_all(unsigned int thread)
{
	long result;

	dma_resv_lock(&copy, NULL);
	result = dma_resv_copy_fences(&copy, &buffer);
	dma_resv_unlock(&copy);
	return result;
}

const struct kh_call kh_calls[] = {
	{ "write", write }, { "read", read }, { "signal", signal }, { "walk", walk }, { "walk_copy", walk_copy },
	{ "writers", writers }, { "idle", idle }, { "wait", wait }, { "copy", copy_all },
	{ NULL, NULL },
};

void kh_target_boot(void)
{
	dma_resv_init(&buffer);
	dma_resv_init(&copy);
}

void kh_target_start(unsigned int threads)
{
}

void kh_target_finish(void)
{
	while (signal(0) != KH_NOT_MADE)
		;
	dma_resv_fini(&buffer);
	dma_resv_fini(&copy);
}
