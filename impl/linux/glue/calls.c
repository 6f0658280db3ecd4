// SPDX-License-Identifier: MIT
// Executes one call of a request: reads its numbers, arms the callbacks, writes the outcome.
//
// A request's calls are "letter numbers..."; KernelIoasid (ioasid.cc) writes them:
//   a set min max data callback nomem | f id | d id data | q set id getter | r ops nomem | u ops
#include "runtime.h"

#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <stdlib.h>

static unsigned window;

/* What callbacks answer and have seen during this call. */
static struct {
	unsigned answer;   /* alloc callback: 1 + id, 0: INVALID_IOASID */
	unsigned getter;   /* 0: none, 1: accepts, 2: refuses */
	int allocator;     /* whose pdata the last callback got; 0: none ran */
	int getter_on;     /* 1 + number of the data shown; 0: did not run */
} now;

void kh_window(unsigned base)
{
	window = base;
}

static void strange(const char *what)
{
	struct kh_stack here;

	KH_HERE(&here);
	kh_report(KH_CONTINUE, "wild pointer", (struct kh_stacks){ &here, NULL, NULL },
		  "%s that no caller ever gave", what);
}

static void note_allocator(int ops)
{
	if (ops < 0)
		strange("a custom allocator's callback got pdata");
	now.allocator = ops < 0 ? KH_MAX_OPS + 1 : ops;
}

unsigned int kh_callback_alloc(unsigned int group, int ops)
{
	(void)group;
	note_allocator(ops);
	return now.answer ? window + now.answer - 1 : kh_invalid_id();
}

void kh_callback_free(unsigned int group, int ops)
{
	(void)group;
	note_allocator(ops);
}

int kh_callback_getter(int data)
{
	if (data < 0)
		strange("the getter was shown a pointer");
	now.getter_on = data < 0 ? KH_MAX_NUMBER + 2 : data + 1;
	return now.getter == 1;
}

/* A driver may free its ops when unregister has returned: from here on any use is an error. */
static void poison(unsigned ops, bool on)
{
	unsigned long size;
	void *object = kh_ops_object(ops, &size);

	if (on)
		__asan_poison_memory_region(object, size);
	else
		__asan_unpoison_memory_region(object, size);
}

#define NUMBERS 6
static void read_numbers(const char *text, unsigned numbers[NUMBERS])
{
	char *end;
	unsigned i;

	for (i = 0; i < NUMBERS; i++, text = end) {
		numbers[i] = (unsigned)strtoul(text, &end, 10);
		if (end == text)
			return;
	}
}

void kh_execute(const char *call, bool poison_ops)
{
	unsigned n[NUMBERS] = { 0 };
	unsigned id = kh_invalid_id();
	struct kh_found found = { 0, 0 };

	read_numbers(call + 1, n);
	now.answer = call[0] == 'a' ? n[4] : 0;
	now.getter = call[0] == 'q' ? n[2] : 0;
	now.allocator = now.getter_on = 0;
	kh_memory_call(call[0] == 'a' ? n[5] : call[0] == 'r' ? n[1] : 0);
	switch (call[0]) {
	case 'a':
		id = kh_alloc(n[0], window + n[1], window + n[2], n[3]);
		found.error = id == kh_invalid_id();
		found.data = (int)(id - window);
		break;
	case 'f':
		kh_free(window + n[0]);
		break;
	case 'd':
		found.error = kh_set_data(window + n[0], n[1]);
		break;
	case 'q':
		found = kh_find(n[0], window + n[1], n[2] != 0);
		break;
	case 'r':
		if (poison_ops)
			poison(n[0], false);
		found.error = kh_register(n[0]);
		break;
	case 'u':
		kh_unregister(n[0]);
		if (poison_ops)
			poison(n[0], true);
		break;
	default:
		break;
	}
	kh_memory_call(0);
	if (call[0] == 'q' && found.data < 0) {
		strange("ioasid_find() gave a pointer");
		found.data = KH_MAX_NUMBER + 1;
	}
	kh_emit("O %d %d %d %d\n", found.error, found.error ? 0 : found.data, now.allocator,
		now.getter_on);
}
