// SPDX-License-Identifier: MIT
// The surroundings: boot-time services, traps for what is not modelled, the program's static data.
#include "runtime.h"

#include <sys/mman.h>

/* Symbols that the kernel code refers to and nobody models; link.cc writes this table.  Each has
 * its own pages, which nobody may touch: a call, a read or a write of it says its name. */
struct kh_unmodelled {
	const char *name;
	const char *pages;
};
extern const struct kh_unmodelled kh_unmodelled[];
extern const unsigned long kh_unmodelled_stride;
extern char kh_traps_start[] __attribute__((weak)), kh_traps_end[] __attribute__((weak));

/* The linker's names for the ends of the static data. */
extern char __data_start[], end[];

void kh_symbols_start(void)
{
	if (kh_traps_start)
		mprotect(kh_traps_start, (size_t)(kh_traps_end - kh_traps_start), PROT_NONE);
}

const char *kh_unmodelled_at(uintptr_t address)
{
	const struct kh_unmodelled *symbol;

	for (symbol = kh_unmodelled; symbol->name; symbol++) {
		if (address - (uintptr_t)symbol->pages < kh_unmodelled_stride)
			return symbol->name;
	}
	return NULL;
}

void kh_mark_static_data(void)
{
	if (!kh_traps_start) {
		kh_mark(__data_start, end);
		return;
	}
	kh_mark(__data_start, kh_traps_start);
	kh_mark(kh_traps_end, end);
}

int __cpuhp_setup_state(int state, const char *name, bool invoke, int (*startup)(unsigned),
			int (*teardown)(unsigned), bool multi)
{
	(void)state, (void)name, (void)invoke, (void)startup, (void)teardown, (void)multi;
	return 0;
}
