// SPDX-License-Identifier: MIT
// The list of custom allocators: groups of ops that share functions, in order of registration.
//
// Not thread-safe but for active(): everything else is called with mutex() held.
#ifndef IOMMUCHECK_IMPL_IOASID_CUSTOM_GROUPS_H
#define IOMMUCHECK_IMPL_IOASID_CUSTOM_GROUPS_H

#include <atomic>
#include <memory_resource>
#include <mutex>
#include <vector>

#include "impl/ioasid/types.h"

namespace iommucheck::ioasid::impl {

class CustomGroups {
 public:
  explicit CustomGroups(std::pmr::memory_resource* memory) : groups_{memory} {}

  std::mutex& mutex() noexcept { return mutex_; }

  /// Whether a custom allocator serves, or is about to.  seq_cst: an allocation that has taken its
  /// id looks here, a registration that has set this looks for taken ids; one sees the other.
  bool active() const noexcept { return active_.load(); }
  void set_active(bool active) noexcept { active_.store(active); }

  bool empty() const noexcept { return groups_.empty(); }
  bool contains(const CustomOps* ops) const noexcept;
  /// Throws std::bad_alloc and has changed nothing then.
  void add(const CustomOps* ops);
  enum class Removed { none, member, group, active_group };
  Removed remove(const CustomOps* ops) noexcept;
  /// The first member of the first group.  Contract: not empty.
  const CustomOps& serving() const noexcept { return *groups_.front().front(); }

 private:
  using Group = std::pmr::vector<const CustomOps*>;

  std::mutex mutex_;
  std::atomic<bool> active_{false};
  std::pmr::vector<Group> groups_;
};

}  // namespace iommucheck::ioasid::impl

#endif  // IOMMUCHECK_IMPL_IOASID_CUSTOM_GROUPS_H
