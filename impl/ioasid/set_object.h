// SPDX-License-Identifier: MIT
// One set: its word (state, ids, quota, references), its SPIDs and its notifier chain.
//
// Thread-safe.  Objects are pooled and never freed while the allocator lives, so a stale handle
// leads to a wrong generation at worst.
#ifndef IOMMUCHECK_IMPL_IOASID_SET_OBJECT_H
#define IOMMUCHECK_IMPL_IOASID_SET_OBJECT_H

#include <atomic>
#include <cstdint>
#include <memory_resource>
#include <mutex>
#include <unordered_map>

#include "impl/ioasid/notifier_chains.h"
#include "impl/ioasid/types.h"

namespace iommucheck::ioasid::impl {

/// Everything that is decided about a set is decided by one compare-and-swap of this word, so that
/// "under its quota" and "not dying" need no lock on the way of alloc.
struct SetWord {
  SetState state = SetState::gone;
  std::uint32_t ids = 0;         ///< 21 bits: 2^20 ids and the hold of who ends the set
  std::uint32_t quota = 0;       ///< 21 bits: 0 .. 2^20
  std::uint32_t references = 0;  ///< 20 bits
  bool ending = false;  ///< live, but no id comes: the last reference is being dropped (set_end.cc)

  static constexpr std::uint32_t kMaxReferences = (1U << 20U) - 1;
  static constexpr std::uint64_t kEnding = 3;  ///< beside the values of SetState

  static constexpr SetWord unpacked(std::uint64_t bits) noexcept {
    const bool ending = (bits & 3U) == kEnding;
    return {ending ? SetState::live : static_cast<SetState>(bits & 3U),
            static_cast<std::uint32_t>(bits >> 2U & 0x1fffffU),
            static_cast<std::uint32_t>(bits >> 23U & 0x1fffffU),
            static_cast<std::uint32_t>(bits >> 44U), ending};
  }
  constexpr std::uint64_t packed() const noexcept {
    return (ending ? kEnding : static_cast<std::uint64_t>(state)) | std::uint64_t{ids} << 2U |
           std::uint64_t{quota} << 23U | std::uint64_t{references} << 44U;
  }
};

struct alignas(64) SetObject {
  explicit SetObject(std::pmr::memory_resource* memory) : spids{memory} {}

  std::atomic<std::uint64_t> word{0};
  std::atomic<std::uint32_t> generation{0};
  std::uint32_t index = 0;  ///< constant
  /// All ids of the set lie in [lowest, highest]; only grows while the set lives.
  std::atomic<Ioasid> lowest{kInvalidIoasid};
  std::atomic<Ioasid> highest{0};
  ChainHead chain;
  const void* token = nullptr;  ///< guarded by the mutex of SetTable

  struct SpidEntry {
    Ioasid id = kInvalidIoasid;
    std::uint64_t life = 0;  ///< control word of the life that has the SPID
  };
  std::mutex spid_mutex;
  std::pmr::unordered_map<Spid, SpidEntry> spids;  ///< guarded by spid_mutex

  SetWord now() const noexcept { return SetWord::unpacked(word.load()); }

  /// Changes the word: change(SetWord&) edits a copy and answers whether to store it.
  /// seq_cst (the default): a set's end is ordered with the allocations that it has to find.
  template <class Change>
  bool update(Change change) noexcept {
    std::uint64_t seen = word.load();
    for (;;) {
      SetWord next = SetWord::unpacked(seen);
      if (!change(next)) return false;
      if (word.compare_exchange_weak(seen, next.packed())) return true;
    }
  }

  /// Extends [lowest, highest]; before the id is published.
  void cover(Ioasid id) noexcept {
    // Test first: ids mostly come in the middle, and a line that is only read stays shared.
    Ioasid seen = lowest.load(std::memory_order_relaxed);
    while (id < seen && !lowest.compare_exchange_weak(seen, id)) {}
    seen = highest.load(std::memory_order_relaxed);
    while (id > seen && !highest.compare_exchange_weak(seen, id)) {}
  }
};

}  // namespace iommucheck::ioasid::impl

#endif  // IOMMUCHECK_IMPL_IOASID_SET_OBJECT_H
