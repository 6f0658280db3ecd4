// SPDX-License-Identifier: MIT
// Work that waits until no reader can see its object any more.
//
// Thread-safe.
#ifndef IOMMUCHECK_IMPL_IOASID_DEFERRED_H
#define IOMMUCHECK_IMPL_IOASID_DEFERRED_H

#include <cstdint>
#include <memory_resource>
#include <mutex>
#include <system_error>

namespace iommucheck::ioasid::impl {

/// Base of what is to be reclaimed: the link is in the object, so that reclaiming needs no memory.
struct DeferredItem {
  DeferredItem* next = nullptr;
  void (*run)(DeferredItem* self) = nullptr;
};

class Deferred {
 public:
  explicit Deferred(std::pmr::memory_resource* memory) noexcept : memory_{memory} {}
  /// Contract: no section that can see an object of the queue is open.
  ~Deferred();
  Deferred(const Deferred&) = delete;
  Deferred& operator=(const Deferred&) = delete;

  /// Runs item->run(item) after a grace period.  May run other items in the calling thread.
  void push(DeferredItem* item) noexcept;

  /// Runs fn(argument) after a grace period.  not_enough_memory: only inside a ReadSection;
  /// outside of one it waits and runs fn itself instead.
  [[nodiscard]] std::errc call(void (*fn)(void* argument), void* argument) noexcept;

  /// Waits for the readers, then runs all that was queued before.
  /// resource_deadlock_would_occur: inside a ReadSection; nothing done.
  [[nodiscard]] std::errc flush() noexcept;

 private:
  /// A grace period costs about a scan of all threads: share it between this many items.
  static constexpr std::uint32_t kBatch = 64;

  DeferredItem* take_all() noexcept;
  static void run_all(DeferredItem* items) noexcept;

  std::pmr::memory_resource* memory_;
  std::mutex mutex_;
  DeferredItem* items_ = nullptr;  ///< guarded by mutex_
  std::uint32_t count_ = 0;        ///< guarded by mutex_
};

}  // namespace iommucheck::ioasid::impl

#endif  // IOMMUCHECK_IMPL_IOASID_DEFERRED_H
