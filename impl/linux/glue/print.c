// SPDX-License-Identifier: MIT
// What kernel code says: printk goes into the answer as a log line, WARN and BUG become reports.
#include "runtime.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE 512

/* One line of text, without the level that printk puts in front and without line ends. */
static const char *format_line(char *line, const char *format, va_list arguments)
{
	char *at;

	vsnprintf(line, LINE, format ? format : "", arguments);
	for (at = line; *at; at++) {
		if (*at == '\n')
			*at = at[1] ? ' ' : '\0';
	}
	return line[0] == '\001' && line[1] ? line + 2 : line;
}

/* Directives that only the kernel knows (%pV, %pS) print as pointers. */
int _printk(const char *format, ...)
{
	struct kh_stack here;
	char line[LINE];
	va_list arguments;
	const char *text;

	va_start(arguments, format);
	text = format_line(line, format, arguments);
	va_end(arguments);
	KH_HERE(&here);
	kh_emit("P ");
	kh_emit_stack(&here);
	kh_emit("|%s\n", text);
	return (int)strlen(text);
}

int printk(const char *format, ...) __attribute__((alias("_printk")));

static void warn(const struct kh_stack *here, const char *format, va_list arguments)
{
	char line[LINE];
	const char *text = format_line(line, format, arguments);

	kh_report(KH_CONTINUE, "WARN_ON", (struct kh_stacks){ here, NULL, NULL }, "%s",
		  *text ? text : "the condition is true");
}

void warn_slowpath_fmt(const char *file, int line, unsigned taint, const char *format, ...)
{
	struct kh_stack here;
	va_list arguments;

	(void)file, (void)line, (void)taint;
	KH_HERE(&here);
	va_start(arguments, format);
	warn(&here, format, arguments);
	va_end(arguments);
}

void __warn_printk(const char *format, ...)
{
	struct kh_stack here;
	va_list arguments;

	KH_HERE(&here);
	va_start(arguments, format);
	warn(&here, format, arguments);
	va_end(arguments);
}

void panic(const char *format, ...)
{
	struct kh_stack here;
	char line[LINE];
	va_list arguments;

	KH_HERE(&here);
	va_start(arguments, format);
	kh_report(KH_FATAL, "panic", (struct kh_stacks){ &here, NULL, NULL }, "%s",
		  format_line(line, format, arguments));
	va_end(arguments);
}

void lockdep_rcu_suspicious(const char *file, const int line, const char *message)
{
	struct kh_stack here;

	(void)file, (void)line;
	KH_HERE(&here);
	kh_report(KH_CONTINUE, "suspicious RCU usage", (struct kh_stacks){ &here, NULL, NULL },
		  "%s", message);
}

void __might_sleep(const char *file, int line)
{
	(void)file, (void)line;
	kh_might_sleep("might_sleep()");
}

void __might_resched(const char *file, int line, unsigned offsets)
{
	(void)offsets;
	__might_sleep(file, line);
}

int oops_in_progress;
int debug_locks = 1;
int debug_locks_silent;
int debug_locks_off(void) { return 0; }
