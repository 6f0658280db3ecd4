// SPDX-License-Identifier: MIT
// The fork server: one request line is one sequence, run by a child in fresh kernel state.
//
// Request:  "options;call;call;...\n", options: base trace grace leaks poison cpu_ms.
// Answer:   lines, in the order of events: "C" a call begins, "O" its outcome, "R" a report,
//           "P" a printk, "T" a trace; then "E status" when the child has ended.
#include "runtime.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct options {
	unsigned base, trace, grace, leaks, poison, cpu_ms;
};

/* AddressSanitizer reads this before main: signals and leaks are our business, not its. */
const char *__asan_default_options(void)
{
	return "detect_leaks=0:handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:"
	       "handle_abort=0:allow_user_poisoning=1:symbolize=0:use_sigaltstack=0:exitcode=4";
}

static void run_sequence(const struct options *options, char *calls)
{
	char *call, *rest = calls;

	kh_report_child(options->cpu_ms);
	kh_window(options->base);
	while ((call = strsep(&rest, ";"))) {
		if (!*call)
			continue;
		kh_emit("C\n");
		kh_trace_enable(options->trace);
		kh_execute(call, options->poison);
		kh_trace_flush();
		kh_locks_after_call();
		if (options->grace)
			kh_grace_period();
		if (options->leaks)
			kh_leak_check();
	}
	kh_grace_period();
	if (options->leaks)
		kh_leak_check();
}

static void write_all(const char *text, size_t size)
{
	while (size) {
		ssize_t written = write(STDOUT_FILENO, text, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			_exit(1); /* nobody listens any more */
		text += written;
		size -= (size_t)written;
	}
}

static void serve(const char *request)
{
	struct options options = { 0 };
	const char *calls = strchr(request, ';'), *answer;
	char line[64];
	size_t size;
	int status = 0;
	pid_t child;

	if (!calls || sscanf(request, "%u %u %u %u %u %u", &options.base, &options.trace,
			     &options.grace, &options.leaks, &options.poison,
			     &options.cpu_ms) != 6) {
		write_all("E -1\n", 5);
		return;
	}
	kh_answer_clear();
	child = fork();
	if (child == 0) {
		char *copy = strdup(calls + 1);

		if (!copy)
			_exit(2);
		run_sequence(&options, copy);
		_exit(0);
	}
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	answer = kh_answer(&size);
	write_all(answer, size);
	snprintf(line, sizeof(line), "E %d\n",
		 child < 0 ? -2 : WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status));
	write_all(line, strlen(line));
}

int main(void)
{
	char *request = NULL;
	size_t capacity = 0;
	ssize_t length;

	kh_report_start(__builtin_frame_address(0));
	kh_symbols_start();
	kh_memory_start();
	kh_rcu_start();
	kh_trace_start();
	kh_boot();
	kh_memory_booted();
	write_all("ready\n", 6);
	while ((length = getline(&request, &capacity, stdin)) > 0) {
		request[strcspn(request, "\n")] = '\0';
		serve(request);
	}
	return 0;
}
