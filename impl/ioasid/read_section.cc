// SPDX-License-Identifier: MIT
// The list of reader slots, and the wait for those that are inside.
#include "impl/ioasid/read_section.h"

#include <thread>

namespace iommucheck::ioasid::impl {
namespace {

using detail::ReaderSlot;

using detail::reader_slots;

ReaderSlot* claim_slot() {
  for (ReaderSlot* slot = reader_slots.load(); slot != nullptr; slot = slot->next) {
    bool expected = false;
    // Acquire pairs with the release in give_slot_back(): `nesting` is ours now.
    if (slot->taken.compare_exchange_strong(expected, true, std::memory_order_acquire,
                                            std::memory_order_relaxed)) {
      return slot;
    }
  }
  auto* slot = new ReaderSlot;
  slot->next = reader_slots.load(std::memory_order_relaxed);
  // seq_cst: a writer whose walk misses this slot is, in the total order, before our first E.
  while (!reader_slots.compare_exchange_weak(slot->next, slot)) {}
  return slot;
}

/// When the thread ends.
void give_slot_back() {
  ReaderSlot* slot = detail::reader_slot();
  // Null, so that a section in a later thread_local destructor claims anew instead of sharing.
  detail::reader_slot() = nullptr;
  if (slot != nullptr) slot->taken.store(false, std::memory_order_release);
}

}  // namespace

void attach_reader() noexcept {
  if (detail::reader_slot() != nullptr) return;
  detail::at_thread_exit(give_slot_back);
  detail::reader_slot() = claim_slot();
}

std::errc wait_for_readers() noexcept {
  if (in_read_section()) return std::errc::resource_deadlock_would_occur;
  // A reader that shows this epoch or a later one entered after what we took out was gone.
  const std::uint64_t target = detail::read_epoch.fetch_add(1) + 1;
  for (ReaderSlot* slot = reader_slots.load(); slot != nullptr; slot = slot->next) {
    for (;;) {
      const std::uint64_t epoch = slot->epoch.load();  // R of the header's argument
      if (epoch == 0 || epoch >= target) break;
      std::this_thread::yield();
    }
  }
  return {};
}

}  // namespace iommucheck::ioasid::impl
