// SPDX-License-Identifier: MIT
// All sets: handles, tokens, and the capacity that their quotas are taken from.
//
// Thread-safe.  resolve() and hold() are lock-free; whatever makes or ends a set, or moves quota,
// takes one mutex.
#ifndef IOMMUCHECK_IMPL_IOASID_SET_TABLE_H
#define IOMMUCHECK_IMPL_IOASID_SET_TABLE_H

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory_resource>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "impl/ioasid/set_object.h"
#include "impl/ioasid/types.h"

namespace iommucheck::ioasid::impl {

class SetTable {
 public:
  static constexpr std::uint32_t kMaxSets = 65535;

  /// has_ids: whether a set that is not live any more has an id that is not free.
  SetTable(std::pmr::memory_resource* memory, std::uint32_t capacity,
           std::function<bool(const SetObject&)> has_ids)
      : has_ids_{std::move(has_ids)},
        memory_{memory},
        capacity_{capacity},
        free_{memory},
        by_token_{memory} {}
  ~SetTable();
  SetTable(const SetTable&) = delete;
  SetTable& operator=(const SetTable&) = delete;

  /// Null: no such set, or it is gone.
  SetObject* resolve(Set set) const noexcept {
    SetObject* object = at(set.index);
    // Acquire: with the generation comes what its maker wrote before.
    if (object == nullptr || object->generation.load(std::memory_order_acquire) != set.generation) {
      return nullptr;
    }
    return object;
  }
  /// The object of a set that is not gone (the caller holds one of its ids).
  SetObject& held(Set set) const noexcept { return *at(set.index); }

  [[nodiscard]] std::errc install_capacity(std::uint32_t capacity);
  Result<Set> make(const void* token, std::uint32_t quota);
  [[nodiscard]] std::errc adjust(Set set, std::uint32_t quota);
  Result<Set> find(const void* token);
  /// After the word of the set went to `gone`: gives its quota and its index back.
  void recycle(SetObject& object, std::uint32_t quota);

 private:
  static constexpr std::uint32_t kChunk = 64;
  static constexpr std::uint32_t kChunks = (kMaxSets + kChunk) / kChunk;

  SetObject* at(std::uint32_t index) const noexcept {
    if (index > kMaxSets) return nullptr;
    // Acquire pairs with the release in obtain(): the objects of the chunk are constructed.
    SetObject* chunk = chunks_[index / kChunk].load(std::memory_order_acquire);
    return chunk == nullptr ? nullptr : &chunk[index % kChunk];
  }
  SetObject* obtain();  ///< throws std::bad_alloc; null: kMaxSets exist
  std::uint32_t available() const noexcept {
    return capacity_ > reserved_ ? capacity_ - reserved_ : 0;
  }

  /// Sets without ids, and without references, that still have their quota: somebody is about to
  /// recycle them.  A failure that is due to them only would contradict what look-ups have
  /// answered.
  std::uint32_t halfway() const noexcept;

  std::function<bool(const SetObject&)> has_ids_;
  std::pmr::memory_resource* memory_;
  std::array<std::atomic<SetObject*>, kChunks> chunks_{};
  std::mutex mutex_;
  // All below is guarded by mutex_.
  std::uint32_t capacity_;
  std::uint32_t reserved_ = 0;  ///< sum of the quotas of the sets that are not gone
  std::uint32_t sets_ = 0;      ///< that are not gone
  std::uint32_t used_ = 1;      ///< indexes ever given out; 0 is "no set"
  std::pmr::vector<SetObject*> free_;
  std::pmr::unordered_map<const void*, SetObject*> by_token_;
};

}  // namespace iommucheck::ioasid::impl

#endif  // IOMMUCHECK_IMPL_IOASID_SET_TABLE_H
