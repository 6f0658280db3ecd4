// SPDX-License-Identifier: MIT
// Reports: what went wrong, where, and who had allocated and freed the object.
//
// The child writes its answer into memory that it shares with the fork server, so that a crash
// loses nothing.  Addresses are symbolised by the reader, who can cache them.
#include "runtime.h"

#include <sanitizer/asan_interface.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#define ANSWER_MAX ((size_t)4 << 20)
#define REPORTS_MAX 64U

struct answer {
	size_t used;
	char text[ANSWER_MAX];
};

static struct answer *answer;
static unsigned reports;
static unsigned limit_ms;
static const char *stack_top;

void *kh_private_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED) {
		perror("mmap");
		_exit(2);
	}
	return memory;
}

static void append(const char *format, va_list arguments)
{
	size_t room = ANSWER_MAX - answer->used;
	int length = vsnprintf(answer->text + answer->used, room, format, arguments);

	/* What does not fit is dropped: a report that long says nothing new. */
	if (length > 0 && (size_t)length < room)
		answer->used += (size_t)length;
}

void kh_emit(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	append(format, arguments);
	va_end(arguments);
}

void kh_emit_stack(const struct kh_stack *stack)
{
	unsigned i;

	for (i = 0; stack && i < stack->count; i++)
		kh_emit("%s%lx", i ? "," : "", (unsigned long)stack->pc[i]);
}

static void push(struct kh_stack *stack, uintptr_t pc)
{
	const bool again = stack->count && stack->pc[stack->count - 1] == pc;

	/* AddressSanitizer's frame repeats the address it reports. */
	if (stack->count < KH_FRAMES && !again)
		stack->pc[stack->count++] = pc;
}

/* Follows the frame pointers, which kernel code and glue are compiled to keep. */
KH_NO_ASAN static void follow(struct kh_stack *stack, const void *frame)
{
	const char *at = frame;

	while (at && at < stack_top && stack->count < KH_FRAMES) {
		const uintptr_t *words = (const uintptr_t *)(const void *)at;
		const char *next = (const char *)words[0];

		if (words[1] < 4096)
			break;
		push(stack, words[1] - 1); /* inside the call, not behind it */
		if (next <= at)
			break;
		at = next;
	}
}

void kh_walk(struct kh_stack *stack, const void *frame)
{
	/* Zeros, or the leak check would find objects through what the memory held before. */
	*stack = (struct kh_stack){ 0 };
	follow(stack, frame);
}

void kh_report(enum kh_severity severity, const char *kind, struct kh_stacks stacks,
	       const char *format, ...)
{
	va_list arguments;

	if (severity == KH_FATAL || reports++ < REPORTS_MAX) {
		kh_emit("R %d|%s|", severity == KH_FATAL, kind);
		kh_emit_stack(stacks.here);
		kh_emit("|");
		kh_emit_stack(stacks.allocated);
		kh_emit("|");
		kh_emit_stack(stacks.freed);
		kh_emit("|");
		va_start(arguments, format);
		append(format, arguments);
		va_end(arguments);
		kh_emit("\n");
	}
	if (severity == KH_FATAL) {
		kh_trace_flush();
		_exit(3);
	}
}

void kh_object_history(const void *object, struct kh_stack *allocated, struct kh_stack *freed)
{
	const struct kh_stack *deferred;
	void *address = (void *)(uintptr_t)object, *start = NULL;
	void *pcs[KH_FRAMES];
	size_t count, i, size;
	char name[1];
	int thread;

	*allocated = *freed = (struct kh_stack){ 0 };
	count = __asan_get_alloc_stack(address, pcs, KH_FRAMES, &thread);
	for (i = 0; i < count; i++)
		push(allocated, (uintptr_t)pcs[i] - 1);
	count = __asan_get_free_stack(address, pcs, KH_FRAMES, &thread);
	for (i = 0; i < count; i++)
		push(freed, (uintptr_t)pcs[i] - 1);
	__asan_locate_address(address, name, sizeof(name), &start, &size);
	deferred = count ? kh_deferred_free(start) : NULL;
	if (deferred)
		*freed = *deferred;
}

/* AddressSanitizer's own finding, just before it ends the child. */
static void on_asan_report(const char *text)
{
	struct kh_stack here = { 0 }, allocated, freed;

	if (!__asan_get_report_pc()) {
		const char *error = strstr(text, "ERROR: ");

		text = error ? error : text;
		KH_HERE(&here);
		kh_report(KH_FATAL, "AddressSanitizer", (struct kh_stacks){ &here, NULL, NULL },
			  "%.*s", (int)strcspn(text, "\n"), text);
	}
	push(&here, (uintptr_t)__asan_get_report_pc() - 1);
	follow(&here, __asan_get_report_bp());
	kh_object_history(__asan_get_report_address(), &allocated, &freed);
	kh_report(KH_FATAL, __asan_get_report_description(),
		  (struct kh_stacks){ &here, &allocated, &freed }, "%s of %zu bytes",
		  __asan_get_report_access_type() ? "write" : "read",
		  __asan_get_report_access_size());
}

static void stack_at_signal(struct kh_stack *stack, const ucontext_t *context)
{
	push(stack, kh_trace_interrupted((uintptr_t)context->uc_mcontext.gregs[REG_RIP]));
	follow(stack, (const void *)context->uc_mcontext.gregs[REG_RBP]);
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
	struct kh_stack here = { 0 };
	uintptr_t address = (uintptr_t)info->si_addr;
	const char *name = kh_unmodelled_at(address);

	stack_at_signal(&here, context);
	if (name && here.pc[0] == address) {
		/* A call: the top frame is no code; the caller is on the stack, not yet in a frame. */
		const ucontext_t *at = context;
		uintptr_t caller = *(const uintptr_t *)at->uc_mcontext.gregs[REG_RSP];

		here.pc[0] = caller - 1;
	}
	if (name) {
		kh_report(KH_FATAL, "unmodelled kernel symbol",
			  (struct kh_stacks){ &here, NULL, NULL },
			  "the harness does not model %s", name);
	}
	if (signal == SIGSEGV && info->si_code == SI_KERNEL) {
		kh_report(KH_FATAL, "wild pointer", (struct kh_stacks){ &here, NULL, NULL },
			  "an address that no pointer can have");
	}
	if (signal == SIGSEGV && (address - kh_facts.poison1 < 16 || address - kh_facts.poison2 < 16)) {
		kh_report(KH_FATAL, "list poison", (struct kh_stacks){ &here, NULL, NULL },
			  "address %#lx: a list element was used after list_del()",
			  (unsigned long)address);
	}
	if (signal == SIGSEGV && address < 65536) {
		kh_report(KH_FATAL, "NULL dereference", (struct kh_stacks){ &here, NULL, NULL },
			  "address %#lx", (unsigned long)address);
	}
	kh_report(KH_FATAL, signal == SIGSEGV ? "wild pointer" : strsignal(signal),
		  (struct kh_stacks){ &here, NULL, NULL }, "address %#lx",
		  (unsigned long)address);
}

static void on_cpu_limit(int signal, siginfo_t *info, void *context)
{
	struct kh_stack here = { 0 };

	(void)signal;
	(void)info;
	stack_at_signal(&here, context);
	kh_report(KH_FATAL, "endless loop", (struct kh_stacks){ &here, NULL, NULL },
		  "the sequence used more than %u ms of CPU time", limit_ms);
}

static void handle(int signal, void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = handler;
	/* An own stack: the kernel code may have used up its own. */
	action.sa_flags = SA_SIGINFO | SA_ONSTACK;
	sigaction(signal, &action, NULL);
}

void kh_report_start(const void *main_frame)
{
	const size_t size = 256 * 1024;
	stack_t own = { .ss_sp = kh_private_memory(size), .ss_size = size };

	answer = mmap(NULL, sizeof(*answer), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (answer == MAP_FAILED)
		_exit(2);
	stack_top = main_frame;
	sigaltstack(&own, NULL);
	handle(SIGSEGV, on_fault);
	handle(SIGBUS, on_fault);
	handle(SIGILL, on_fault);
	handle(SIGFPE, on_fault);
	handle(SIGTRAP, on_fault);
	handle(SIGPROF, on_cpu_limit);
	__asan_set_error_report_callback(on_asan_report);
}

void kh_report_child(unsigned cpu_ms)
{
	const struct itimerval limit = {
		.it_value = { .tv_sec = cpu_ms / 1000, .tv_usec = (long)(cpu_ms % 1000) * 1000 },
	};

	limit_ms = cpu_ms;
	setitimer(ITIMER_PROF, &limit, NULL);
}

const char *kh_answer(size_t *size)
{
	*size = answer->used;
	return answer->text;
}

void kh_answer_clear(void)
{
	answer->used = 0;
}
