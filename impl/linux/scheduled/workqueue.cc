// SPDX-License-Identifier: MIT
// Work queues: each item that is queued runs as a thread of its own, as an unbound queue may do it;
// the same item never runs twice at once.
#include <cstdint>

#include "checker/schedule/client.h"

namespace {

/// struct work_struct begins like this in every kernel; lockdep's part follows.
struct Work {
  unsigned long data;  ///< bit 0: queued
  Work *next, *prev;
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

void run_item(void* item) {
  auto* work = static_cast<Work*>(item);
  // What runs the item may free it: its lock lies nowhere.
  // NOLINTNEXTLINE(performance-no-int-to-ptr): a name
  const void* const running = reinterpret_cast<void*>(~reinterpret_cast<std::uintptr_t>(item));
  ck_lock(running);
  // Whoever queues it from now on queues it again, and sees what it did before.
  touch(&work->data, sizeof(work->data));
  work->data &= ~kPending;
  ck_read(&work->function, sizeof(work->function));
  work->function(work);
  ck_unlock(running);
}

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
  if (ck_self() == 0) {  // the set-up: nothing runs beside it
    run_item(work);
    return true;
  }
  touch(&queue->count, sizeof(queue->count));
  if (queue->count == kMostItems) ck_report_fatal("too many threads", "of a work queue");
  queue->threads[queue->count++] = ck_spawn("worker", run_item, work);
  return true;
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
