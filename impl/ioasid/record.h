// SPDX-License-Identifier: MIT
// What the allocator knows of one id, in half a cache line, and the word that decides about it.
//
// Thread-safe.  Records are never freed while the allocator lives; an id that is allocated again
// gets a new generation.  So a finder needs no lock and no loop: it reads the control word, the
// other fields, and the control word again.  Same generation and alive at both ends: the fields
// belong together.  Else the id was free at some instant in between, and "unknown" is the answer.
// (39 bits of generation: a finder would have to sleep for 2^39 allocations of this very id, a
// quarter of a day at full speed, and for exactly a multiple of that, to be wrong.)
#ifndef IOMMUCHECK_IMPL_IOASID_RECORD_H
#define IOMMUCHECK_IMPL_IOASID_RECORD_H

#include <atomic>
#include <cstdint>

#include "impl/ioasid/race_window.h"
#include "impl/ioasid/types.h"

namespace iommucheck::ioasid::impl {

/// The control word.  All that is decided about an id is decided by one compare-and-swap of it.
namespace control {
inline constexpr std::uint64_t kAlive = 1;    ///< allocated, visible to find
inline constexpr std::uint64_t kPending = 2;  ///< free() was called, references are left
inline constexpr std::uint64_t kOwned = 4;    ///< the reference of who allocated it
inline constexpr std::uint64_t kCustom = 8;   ///< a custom allocator chose it
/// Somebody changes data or SPID; only who ends the id's life has to wait for it (a few
/// instructions), readers never.
inline constexpr std::uint64_t kLocked = 16;
/// The id's set is ending: see set_end.cc.  With kPending: that is over, but for FREE, which has
/// not been told yet.
inline constexpr std::uint64_t kFrozen = 32;
inline constexpr std::uint64_t kReference = 64;  ///< one reference by get
inline constexpr std::uint64_t kReferences = 0x7ffffU * kReference;
inline constexpr std::uint64_t kGeneration = ~std::uint64_t{0} << 25U;
inline constexpr std::uint64_t kOneGeneration = std::uint64_t{1} << 25U;
static_assert((kReferences & kGeneration) == 0 && kReferences + kReference == kOneGeneration);

/// Both words are of one and the same life of the id.
constexpr bool same_life(std::uint64_t a, std::uint64_t b) {
  return (a & kAlive) != 0 && ((a ^ b) & (kAlive | kGeneration)) == 0;
}
/// References and state stay what they are; the state of the set says what the id's is.
constexpr bool is_frozen(std::uint64_t word) { return (word & (kFrozen | kPending)) == kFrozen; }
}  // namespace control

/// Plain data (all zero: a free id), accessed atomically; two to a cache line.
class alignas(32) Record {
 public:
  std::atomic_ref<std::uint64_t> control() noexcept { return std::atomic_ref{control_}; }
  std::atomic_ref<void*> data() noexcept { return std::atomic_ref{data_}; }
  std::atomic_ref<std::uint64_t> set() noexcept { return std::atomic_ref{set_}; }
  std::atomic_ref<std::uint32_t> spid_inverse() noexcept { return std::atomic_ref{spid_inverse_}; }

  /// A consistent view.
  struct View {
    std::uint64_t control = 0;  ///< not kAlive: the id is unknown
    Set set;
    void* data = nullptr;
  };
  View view() noexcept {
    // seq_cst, both: see read_section.h, the look of a reader has to be in the total order.
    // Acquire, which that includes: a field that we read from a later life shows us at the end
    // that the earlier one has ended, as its writers (publish, bury) store with release.
    const std::uint64_t before = control().load(std::memory_order_seq_cst);
    race_window();
    const std::uint64_t set_bits = set().load(std::memory_order_acquire);
    race_window();
    void* const seen = data().load(std::memory_order_seq_cst);
    const std::uint64_t after = control().load(std::memory_order_relaxed);
    if (!control::same_life(before, after)) return {};
    return {before, Set::unpacked(set_bits), seen};
  }

  /// Starts a life.  Contract: the caller has taken the id in the FreeMap and it is not alive.
  /// Returns the control word.
  std::uint64_t publish(Set owner, void* private_data, std::uint64_t flags) noexcept {
    // Relaxed: the last life's end came to us with the bit in the FreeMap; nobody else writes the
    // control word of an id that is not alive.
    const std::uint64_t generation =
        (control().load(std::memory_order_relaxed) & control::kGeneration) +
        control::kOneGeneration;
    set().store(owner.packed(), std::memory_order_release);
    data().store(private_data, std::memory_order_release);
    race_window();
    const std::uint64_t word = generation | control::kAlive | control::kOwned | flags;
    control().store(word, std::memory_order_release);
    return word;
  }

  /// Forgets the data of a life that has just been ended by the caller's compare-and-swap.
  void bury() noexcept { data().store(nullptr, std::memory_order_release); }

  /// Locks this life of the record, or answers false when it is over.
  bool lock_life(std::uint64_t life) noexcept;
  /// This life of the record is frozen, or free pending; false: it is over.
  bool freeze(std::uint64_t life) noexcept;
  /// True: it was frozen.
  bool thaw(std::uint64_t life) noexcept;
  /// Release: the next who locks or ends the life sees what we wrote.
  void unlock() noexcept { control().fetch_and(~control::kLocked, std::memory_order_release); }

 private:
  std::uint64_t control_;
  void* data_;
  std::uint64_t set_;           ///< Set::packed()
  std::uint32_t spid_inverse_;  ///< ~spid, so that zero memory has no SPID
};

}  // namespace iommucheck::ioasid::impl

#endif  // IOMMUCHECK_IMPL_IOASID_RECORD_H
