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

}  // namespace iommucheck::ioasid::explored

#endif  // IOMMUCHECK_IMPL_IOASID_EXPLORED_SUBSTITUTES_H
