// SPDX-License-Identifier: MIT
// Reader sections: what a thread sees inside one is not reclaimed before it leaves (like RCU).
//
// Thread-safe.  Sections nest.  Enter and leave are wait-free and cost one exchange on a cache line
// of the thread's own; only the first section of a thread's life registers it (and may allocate
// 64 bytes: attach_reader() does that early).  The sections of all allocators of a process are one
// domain, so that a thread needs one slot and not one per allocator.
//
// Why a reader is never missed.  A writer takes something out (a seq_cst operation U), then reads
// each slot (seq_cst, R).  A reader writes its slot (seq_cst, E), then looks (seq_cst, L).  In the
// single total order of seq_cst operations either E is before R, and the writer sees the reader and
// waits; or R is before E, then U < R < E < L, and the reader finds the thing already gone.  This
// needs the look-up to be seq_cst, not just acquire; on x86 that is the same plain load.  (Fences
// would do as well, but ThreadSanitizer does not understand them.)
#ifndef IOMMUCHECK_IMPL_IOASID_READ_SECTION_H
#define IOMMUCHECK_IMPL_IOASID_READ_SECTION_H

#include <atomic>
#include <cstdint>
#include <system_error>

#include "impl/ioasid/race_window.h"
#include "impl/ioasid/this_thread.h"

namespace iommucheck::ioasid::impl {

namespace detail {

/// One per thread that reads, on a cache line of its own: readers do not disturb each other.
struct alignas(64) ReaderSlot {
  std::atomic<std::uint64_t> epoch{0};  ///< 0: outside; else the epoch in which it entered
  std::atomic<bool> taken{true};        ///< by a living thread
  std::uint32_t nesting = 0;            ///< of the owning thread only
  ReaderSlot* next = nullptr;           ///< constant once the slot is on the list
};

/// Slots are pushed and never removed: a thread that ends gives its slot to the next one, and a
/// writer can walk the list without protection.
inline constinit std::atomic<ReaderSlot*> reader_slots{nullptr};
/// Starts at 1, as 0 in a slot means "outside".  64 bits never wrap.
inline constinit std::atomic<std::uint64_t> read_epoch{1};

}  // namespace detail

/// Gives the calling thread its slot.  Needed by nobody, useful where a first section must not
/// allocate.  Out of memory ends the program: a reader cannot go on unprotected.
void attach_reader() noexcept;

class ReadSection {
 public:
  ReadSection() noexcept {
    if (detail::reader_slot() == nullptr) attach_reader();
    detail::ReaderSlot& slot = *detail::reader_slot();
    if (slot.nesting++ != 0) return;
    // Acquire: who sees the epoch of a grace period sees everything taken out before it began.
    const std::uint64_t now = detail::read_epoch.load(std::memory_order_acquire);
    race_window();
    slot.epoch.store(now, std::memory_order_seq_cst);  // E above
  }
  ~ReadSection() {
    detail::ReaderSlot& slot = *detail::reader_slot();
    // Release: what we read and did inside comes before what the waiting writer does next.
    if (--slot.nesting == 0) slot.epoch.store(0, std::memory_order_release);
  }
  ReadSection(const ReadSection&) = delete;
  ReadSection& operator=(const ReadSection&) = delete;
};

inline bool in_read_section() noexcept {
  return detail::reader_slot() != nullptr && detail::reader_slot()->nesting != 0;
}

/// Returns when every section that had begun before the call has ended.  Sections that begin
/// meanwhile are not waited for, so it cannot be starved.
/// resource_deadlock_would_occur: called inside a section (it would wait for itself); nothing done.
[[nodiscard]] std::errc wait_for_readers() noexcept;

}  // namespace iommucheck::ioasid::impl

#endif  // IOMMUCHECK_IMPL_IOASID_READ_SECTION_H
