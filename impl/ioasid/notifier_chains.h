// SPDX-License-Identifier: MIT
// Notifier chains: one per set and a global one, read without locks, changed under a mutex.
//
// Thread-safe.  A chain is an immutable array; to change it, a new one takes its place and the old
// one is reclaimed after a grace period.
#ifndef IOMMUCHECK_IMPL_IOASID_NOTIFIER_CHAINS_H
#define IOMMUCHECK_IMPL_IOASID_NOTIFIER_CHAINS_H

#include <atomic>
#include <memory_resource>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "impl/ioasid/deferred.h"
#include "impl/ioasid/types.h"

namespace iommucheck::ioasid::impl {

struct Chain : DeferredItem {
  explicit Chain(std::pmr::memory_resource* resource) : notifiers{resource} {}
  std::pmr::vector<Notifier*> notifiers;
};

/// Null: nobody listens.
struct ChainHead {
  std::atomic<Chain*> chain{nullptr};
};

class NotifierChains {
 public:
  NotifierChains(std::pmr::memory_resource* memory, Deferred& deferred)
      : memory_{memory}, deferred_{deferred}, member_of_{memory} {}
  ~NotifierChains();
  NotifierChains(const NotifierChains&) = delete;
  NotifierChains& operator=(const NotifierChains&) = delete;

  ChainHead& global() noexcept { return global_; }

  /// file_exists: it is on some chain; not_enough_memory; invalid_argument: null, or
  /// `still_there()` (asked under the mutex) says that the chain's set is gone.
  template <class StillThere>
  [[nodiscard]] std::errc add(ChainHead& head, Notifier* notifier, StillThere still_there) {
    const std::lock_guard lock{mutex_};
    if (notifier == nullptr || !still_there()) return std::errc::invalid_argument;
    return add_locked(head, notifier);
  }
  /// Returns when no call of the notifier is running any more.  no_such_file_or_directory: not on
  /// this chain; resource_deadlock_would_occur: inside a ReadSection; not_enough_memory.
  [[nodiscard]] std::errc remove(ChainHead& head, Notifier* notifier);
  /// Empties a chain.  Calls that are running may still run: wait_for_readers() ends them.
  void clear(ChainHead& head) noexcept;

  /// Calls everybody on the chain, in the order of registration.
  static void call(const ChainHead& head, const Notification& notification) {
    // seq_cst: this is a reader's look (read_section.h); the first one is only for speed.
    if (head.chain.load(std::memory_order_relaxed) == nullptr) return;
    call_slow(head, notification);
  }

 private:
  static void call_slow(const ChainHead& head, const Notification& notification);
  std::errc add_locked(ChainHead& head, Notifier* notifier);
  Chain* make_chain();  ///< throws std::bad_alloc
  static void destroy(DeferredItem* self);
  void replace(ChainHead& head, Chain* chain) noexcept;

  std::pmr::memory_resource* memory_;
  Deferred& deferred_;
  ChainHead global_;
  std::mutex mutex_;
  std::pmr::unordered_map<Notifier*, ChainHead*> member_of_;  ///< guarded by mutex_
};

}  // namespace iommucheck::ioasid::impl

#endif  // IOMMUCHECK_IMPL_IOASID_NOTIFIER_CHAINS_H
