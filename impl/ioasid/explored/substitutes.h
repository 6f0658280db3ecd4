// SPDX-License-Identifier: MIT
// The thread's own variables of the allocator under the scheduler.
#ifndef IOMMUCHECK_IMPL_IOASID_EXPLORED_SUBSTITUTES_H
#define IOMMUCHECK_IMPL_IOASID_EXPLORED_SUBSTITUTES_H

#include <cstddef>

namespace iommucheck::ioasid::explored {

struct Span {
  void* begin;
  std::size_t size;
};
/// What belongs to the threads (../this_thread.h): to be restored with the rest.
Span thread_locals();
/// The running thread ends.
void run_thread_exit();

/// What the set-up does from here on belongs to the thread of that number (1 .. the scenario's).
void act_as(int thread);

/// From here on each allocation of the running thread has both answers (explored as a choice),
/// until allocations_failed() tells whether one was that there is no memory.
void let_allocations_fail();
bool allocations_failed();

}  // namespace iommucheck::ioasid::explored

#endif  // IOMMUCHECK_IMPL_IOASID_EXPLORED_SUBSTITUTES_H
