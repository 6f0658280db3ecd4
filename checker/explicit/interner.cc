// SPDX-License-Identifier: MIT
// The interner's table: open addressing; a slot's value never changes once it is there.
#include "checker/explicit/interner.h"

#include <algorithm>
#include <bit>

namespace iommucheck::checker::explicit_state {

namespace {
constexpr std::uint64_t kFewest = 1U << 14;      // slots at the beginning
constexpr std::uint64_t kNumbers = 0xffff'0000;  // a few are lost in the workers' hands
}  // namespace

Interner::Interner(unsigned workers) : workers_(workers), table_(kFewest * sizeof(Slot)) {
  mask_ = kFewest - 1;
  free_ = kFewest / 4 * 3;
}

std::uint32_t Interner::find(std::uint64_t value, Local& local) {
  if (value == 0) return 0;
  Slot* const slots = table_.as<Slot>();
  for (std::uint64_t i = place(value) & mask_;; i = (i + 1) & mask_) {
    const std::atomic_ref taken(slots[i].value);
    std::uint64_t there = taken.load(std::memory_order_relaxed);
    if (there == 0 && taken.compare_exchange_strong(there, value, std::memory_order_relaxed)) {
      if (local.next_ == local.last_) {
        constexpr std::uint64_t kBlock = 64;
        local.next_ = next_number_.fetch_add(kBlock, std::memory_order_relaxed);
        local.last_ = local.next_ + kBlock;
      }
      --local.share_;
      const std::uint64_t number = local.next_++;
      // Relaxed: the number is all there is to know.
      std::atomic_ref(slots[i].number).store(number, std::memory_order_relaxed);
      return static_cast<std::uint32_t>(number);
    }
    if (there != value) continue;
    const std::atomic_ref number(slots[i].number);
    std::uint64_t answer = number.load(std::memory_order_relaxed);
    while (answer == 0) answer = number.load(std::memory_order_relaxed);
    return static_cast<std::uint32_t>(answer);
  }
}

bool Interner::grow(std::uint64_t more, std::uint64_t most_bytes) {
  const std::uint64_t numbers = next_number_.load(std::memory_order_relaxed);
  // Shares are given up before growing: what is used is what has a number.
  const std::uint64_t used = numbers;
  const std::uint64_t needed = used + more * workers_;
  if (needed > kNumbers) return false;
  std::uint64_t slots = mask_ + 1;
  while (slots / 4 * 3 < needed) slots *= 2;
  if (slots != mask_ + 1) {
    if (slots * sizeof(Slot) > most_bytes) return false;
    Pages pages(slots * sizeof(Slot));
    Slot* const to = pages.as<Slot>();
    const Slot* const from = table_.as<Slot>();
    for (std::uint64_t i = 0; i <= mask_; ++i) {
      if (from[i].value == 0) continue;
      std::uint64_t j = place(from[i].value) & (slots - 1);
      while (to[j].value != 0) j = (j + 1) & (slots - 1);
      to[j] = from[i];
    }
    table_ = std::move(pages);
    mask_ = slots - 1;
  }
  free_ = slots / 4 * 3 - used;
  given_.store(0, std::memory_order_relaxed);
  return true;
}

}  // namespace iommucheck::checker::explicit_state
