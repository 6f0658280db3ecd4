// SPDX-License-Identifier: MIT
// Which lines a call executed: addresses of the basic blocks of the file under test.
#include "runtime.h"

#define BLOCKS_MAX 4096U

static uintptr_t *blocks;
static unsigned count;
static bool enabled;
static uintptr_t last_block;

/* A section of its own, so that a signal handler can tell that it interrupted this function. */
#define HOOK_SECTION __attribute__((section("kh_trace_hook")))
extern const char __start_kh_trace_hook[], __stop_kh_trace_hook[];

void kh_trace_start(void)
{
	blocks = kh_private_memory(BLOCKS_MAX * sizeof(*blocks));
}

void kh_trace_enable(bool on)
{
	enabled = on;
	count = 0;
}

/* The compiler calls this at the start of every basic block (-fsanitize-coverage=trace-pc). */
HOOK_SECTION void __sanitizer_cov_trace_pc(void)
{
	last_block = (uintptr_t)__builtin_return_address(0) - 1;
	if (enabled && count < BLOCKS_MAX)
		blocks[count++] = last_block;
}

uintptr_t kh_trace_interrupted(uintptr_t pc)
{
	const char *at = (const char *)pc;

	return at >= __start_kh_trace_hook && at < __stop_kh_trace_hook ? last_block : pc;
}

void kh_trace_flush(void)
{
	unsigned i;

	if (!enabled || !count)
		return;
	kh_emit("T ");
	for (i = 0; i < count; i++)
		kh_emit("%s%lx", i ? "," : "", (unsigned long)blocks[i]);
	kh_emit("\n");
	count = 0;
}
