// SPDX-License-Identifier: MIT
// Work queues: each item that is queued runs as a thread of its own, as an unbound queue may do it;
// the same item never runs twice at once.
#include <cstdint>

#include "checker/schedule/client.h"
#include "impl/linux/scheduled/contexts.h"

namespace {

/// struct work_struct begins like this in every kernel; lockdep's part follows.
struct Work {
  unsigned long data;  ///< bit 0: queued
  Work* next;
  long thread;  ///< that runs it, or has run it last
  void (*function)(Work*);
};
constexpr unsigned long kPending = 1;

/// What has been queued.  Every look at it is a scheduling point of its own.
constexpr unsigned kMostItems = 16;  // as many as an execution has threads
struct Queue {
  unsigned count;
  int threads[kMostItems];
};

void touch(const void* word, unsigned size) {
  ck_marked_modify(word, size, CK_ACQUIRE | CK_RELEASE);
}

/// What runs the item may free it: its lock lies nowhere.
const void* running_item(const void* item) {
  // NOLINTNEXTLINE(performance-no-int-to-ptr): a name
  return reinterpret_cast<void*>(~reinterpret_cast<std::uintptr_t>(item));
}

void run_item(void* item) {
  auto* work = static_cast<Work*>(item);
  ck_lock(running_item(item));
  // Whoever queues it from now on queues it again, and sees what it did before.
  touch(&work->data, sizeof(work->data));
  work->data &= ~kPending;
  ck_read(&work->function, sizeof(work->function));
  work->function(work);
  ck_unlock(running_item(item));
}

/// One whose bit has been set.
void start_item(Queue& queue, Work* work) {
  using namespace iommucheck::linux_harness::scheduled;
  if (ck_self() == 0) {  // the set-up: nothing runs beside it
    if (inside_interrupt(CK_SOFT_INTERRUPT)) {
      ck_spawn("worker", run_item, work);
    } else {
      run_item(work);
    }
    return;
  }
  touch(&queue.count, sizeof(queue.count));
  if (queue.count == kMostItems) ck_report_fatal("too many threads", "of a work queue");
  const int thread = start_actor("worker", run_item, work);
  queue.threads[queue.count++] = thread;
  work->thread = thread;
}

Queue the_system_queue;
const iommucheck::linux_harness::scheduled::Restored kRestoreSystemQueue{&the_system_queue,
                                                                         sizeof(the_system_queue)};

}  // namespace

// NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,cert-dcl50-cpp): the
// kernel's names
extern "C" {

Queue* alloc_workqueue(const char*, unsigned, int, ...) {
  return static_cast<Queue*>(ck_alloc(sizeof(Queue), 16, 1));
}

bool queue_work_on(int, Queue* queue, Work* work) {
  touch(&work->data, sizeof(work->data));
  if ((work->data & kPending) != 0) return false;
  work->data |= kPending;
  start_item(*queue, work);
  return true;
}
/// One whose time has come.
void kh_queue_pending_work(Queue* queue, Work* work) { start_item(*queue, work); }

Queue *system_wq = &the_system_queue, *system_percpu_wq = &the_system_queue;

/// What is queued is not taken out: it runs, and is waited for.
bool cancel_work_sync(Work* work) {
  ck_may_sleep("cancel_work_sync()");
  for (;;) {
    touch(&work->data, sizeof(work->data));
    if ((work->data & kPending) == 0) break;
    ck_join(static_cast<int>(work->thread));
  }
  ck_lock(running_item(work));
  ck_unlock(running_item(work));
  return false;
}

void __flush_workqueue(Queue* queue) {
  ck_may_sleep("flush_workqueue()");
  touch(&queue->count, sizeof(queue->count));
  const unsigned count = queue->count;
  for (unsigned i = 0; i < count; ++i) ck_join(queue->threads[i]);
}

void destroy_workqueue(Queue* queue) {
  __flush_workqueue(queue);
  ck_free(queue);
}

void lockdep_init_map_type(void*, const char*, void*, int, std::uint8_t, std::uint8_t,
                           std::uint8_t) {}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,cert-dcl50-cpp)
