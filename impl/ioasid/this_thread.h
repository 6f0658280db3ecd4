// SPDX-License-Identifier: MIT
// What belongs to the running thread: one pointer, and what happens when it ends.
//
// A build for the controlled scheduler (explored/) has IOMMUCHECK_IOASID_EXPLORED: its threads are
// no threads of the system, and it says itself whose pointer this is.
#ifndef IOMMUCHECK_IMPL_IOASID_THIS_THREAD_H
#define IOMMUCHECK_IMPL_IOASID_THIS_THREAD_H

namespace iommucheck::ioasid::impl::detail {

struct ReaderSlot;

#ifdef IOMMUCHECK_IOASID_EXPLORED
extern "C" ReaderSlot** ioasid_explored_slot();
extern "C" void ioasid_explored_at_exit(void (*function)());
inline ReaderSlot*& reader_slot() noexcept { return *ioasid_explored_slot(); }
/// Once for each thread, or once more behind its call.
inline void at_thread_exit(void (*function)()) { ioasid_explored_at_exit(function); }
#else
/// constinit spares each access the call of a TLS initialiser.
inline constinit thread_local ReaderSlot* this_readers_slot = nullptr;
inline ReaderSlot*& reader_slot() noexcept { return this_readers_slot; }

struct ThreadExit {
  explicit ThreadExit(void (*at_exit)()) : function{at_exit} {}
  ThreadExit(const ThreadExit&) = delete;
  ThreadExit& operator=(const ThreadExit&) = delete;
  ~ThreadExit() { function(); }
  void (*function)();
};
/// The function runs when the thread ends.  Always the same one.
inline void at_thread_exit(void (*function)()) {
  thread_local ThreadExit exit{function};
  static_cast<void>(exit);
}
#endif

}  // namespace iommucheck::ioasid::impl::detail

#endif  // IOMMUCHECK_IMPL_IOASID_THIS_THREAD_H
