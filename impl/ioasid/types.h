// SPDX-License-Identifier: MIT
// The vocabulary of the IOASID allocator: ids, sets, events, callbacks and results.
#ifndef IOMMUCHECK_IMPL_IOASID_TYPES_H
#define IOMMUCHECK_IMPL_IOASID_TYPES_H

#include <cstdint>
#include <system_error>

namespace iommucheck::ioasid::impl {

/// An I/O address space id (a PASID).
using Ioasid = std::uint32_t;
inline constexpr Ioasid kInvalidIoasid = ~Ioasid{0};
/// A PASID has 20 bits (PCIe), so no space is larger.
inline constexpr std::uint32_t kMaxIoasids = 1U << 20;

/// A set-private id: what a guest calls one of its ids.  kInvalidIoasid is no SPID.
using Spid = std::uint32_t;

/// A value or the reason why there is none.  (std::expected is C++23.)
template <class T>
struct [[nodiscard]] Result {
  T value{};
  std::errc error{};
  constexpr bool ok() const noexcept { return error == std::errc{}; }
  constexpr explicit operator bool() const noexcept { return ok(); }
};

/// A handle on a set; cheap to copy, compares by identity.  A default-made one is "no set".
///
/// The generation makes a handle kept beyond the life of its set harmless: every call recognises
/// it as stale instead of taking the set that has the same index by now for it.
struct Set {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;

  constexpr explicit operator bool() const noexcept { return index != 0; }
  friend constexpr bool operator==(Set, Set) noexcept = default;
  constexpr std::uint64_t packed() const noexcept {
    return std::uint64_t{generation} << 32U | index;
  }
  static constexpr Set unpacked(std::uint64_t bits) noexcept {
    return {static_cast<std::uint32_t>(bits), static_cast<std::uint32_t>(bits >> 32U)};
  }
};

/// idle: allocated without private data; active: with; free_pending: freed, references are left.
enum class State : std::uint8_t { idle, active, free_pending };

enum class SetState : std::uint8_t { gone, live, dying };

enum class Event : std::uint8_t { alloc, free, bind, unbind };

struct Notification {
  Event event{};
  Ioasid id = kInvalidIoasid;
  Set set{};
  Spid spid = kInvalidIoasid;
  void* data = nullptr;
};

/// Who wants to hear of events.  Called in the thread that causes the event, inside a ReadSection,
/// with no lock of the allocator held: it may find, get, put, alloc and free; the calls that wait
/// for readers (set_data, detach_data, unregister_notifier, synchronize) refuse with
/// resource_deadlock_would_occur.
class Notifier {
 public:
  virtual void notify(const Notification& notification) = 0;

 protected:
  ~Notifier() = default;
};

/// A custom allocator (for example: a guest asks its hypervisor).  Two of them with the same
/// functions share one id space.  Called under the mutex of custom allocators: a callback must not
/// call alloc, free, put or (un)register_allocator.
struct CustomOps {
  using Alloc = Ioasid (*)(Ioasid min, Ioasid max, void* pdata);
  using Free = void (*)(Ioasid id, void* pdata);
  Alloc alloc = nullptr;  ///< Answers a free id of [min, max], or kInvalidIoasid to refuse.
  Free free = nullptr;
  void* pdata = nullptr;
};

/// Shown private data that is never null, inside a ReadSection; typically takes a reference on it.
/// A refusal makes find() answer null.
using Getter = bool (*)(void* data, void* context);

}  // namespace iommucheck::ioasid::impl

#endif  // IOMMUCHECK_IMPL_IOASID_TYPES_H
