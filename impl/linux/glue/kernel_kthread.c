// SPDX-License-Identifier: MIT
// Kernel threads: actors that run when they are woken for the first time, and end when their
// function returns.  kthread_stop() asks and waits.
//
// A thread holds a reference on its task until it ends, as in the kernel: who stops one that ends by
// itself needs another.  No parking, no binding to CPUs; what a thread sleeps in is a wait queue, or
// schedule() behind set_current_state() (as_on_smp.h).
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "target.h"

struct kh_kthread {
	struct task_struct task;
	int (*function)(void *data);
	void *data;
	int started, should_stop, result;
	int thread; /* of the engine's */
};

static struct kh_kthread *running[16]; /* by threads of the engine's: each looks at its own */

/* One that the set-up has woken begins with the scenario's first thread. */
static int thread_of(struct kh_kthread *kthread)
{
	int thread;

	for (;;) {
		thread = READ_ONCE(kthread->thread);
		if (thread)
			return thread;
		ck_await();
	}
}

void __put_task_struct(struct task_struct *task)
{
	kfree(container_of(task, struct kh_kthread, task));
}

struct task_struct *kthread_create_on_node(int (*function)(void *data), void *data, int node,
					   const char *format, ...)
{
	struct kh_kthread *kthread = kzalloc(sizeof(*kthread), GFP_KERNEL);

	if (!kthread)
		return ERR_PTR(-ENOMEM);
	refcount_set(&kthread->task.usage, 1);
	kthread->function = function;
	kthread->data = data;
	return &kthread->task;
}

static void run(void *argument)
{
	struct kh_kthread *const kthread = argument;

	running[ck_self()] = kthread;
	kthread->result = kthread->function(kthread->data);
	running[ck_self()] = NULL;
	put_task_struct(&kthread->task);
}

int wake_up_process(struct task_struct *task)
{
	struct kh_kthread *const kthread = container_of(task, struct kh_kthread, task);

	if (cmpxchg(&kthread->started, 0, 1) == 0) {
		kh_start_actor("kthread", run, kthread, &kthread->thread);
		return 1;
	}
	/* In the set-up it has not begun. */
	if (ck_self() != 0)
		ck_wake(thread_of(kthread));
	return 1;
}

bool kthread_should_stop(void)
{
	struct kh_kthread *const kthread = running[ck_self()];

	return kthread && READ_ONCE(kthread->should_stop);
}

int kthread_stop(struct task_struct *task)
{
	struct kh_kthread *const kthread = container_of(task, struct kh_kthread, task);
	int result;

	might_sleep();
	get_task_struct(task);
	WRITE_ONCE(kthread->should_stop, 1);
	if (cmpxchg(&kthread->started, 0, 1) == 0) {
		put_task_struct(task); /* its own: it never runs */
		result = -EINTR;
	} else {
		wake_up_process(task);
		ck_join(thread_of(kthread));
		result = kthread->result;
	}
	put_task_struct(task);
	return result;
}
