// SPDX-License-Identifier: MIT
// Registration of custom allocators, and the switch between them and the default one.
#include <new>
#include <thread>

#include "impl/ioasid/allocator.h"
#include "impl/ioasid/race_window.h"

namespace iommucheck::ioasid::impl {

std::errc Allocator::register_allocator(const CustomOps* ops) {
  if (ops == nullptr || ops->alloc == nullptr || ops->free == nullptr) {
    return std::errc::invalid_argument;
  }
  const std::lock_guard lock{custom_.mutex()};
  if (custom_.contains(ops)) return std::errc::file_exists;
  const bool first = custom_.empty();
  if (first) {
    // First say so, then look: an allocation that we do not see sees us, gives its bit back and
    // waits for the mutex.  From here on no id of the default allocator begins to live.
    custom_.set_active(true);
    race_window();
    if (default_ids_outstanding()) {
      custom_.set_active(false);
      return std::errc::resource_unavailable_try_again;
    }
  }
  try {
    custom_.add(ops);
  } catch (const std::bad_alloc&) {
    if (first) custom_.set_active(false);
    return std::errc::not_enough_memory;
  }
  return {};
}

/// Under the mutex, while no new ones can come.  A bit without a life is an allocation or a free
/// that is halfway, and an id that is frozen may be gone: wait until it is one or the other.
bool Allocator::default_ids_outstanding() const noexcept {
  Ioasid id = map_.next_taken(0);
  while (id != kInvalidIoasid) {
    const std::uint64_t now = records_[id].control().load();
    if ((now & control::kAlive) != 0 && !control::is_frozen(now)) return true;
    std::this_thread::yield();
    id = map_.next_taken(id);
  }
  return false;
}

std::errc Allocator::unregister_allocator(const CustomOps* ops) {
  const std::lock_guard lock{custom_.mutex()};
  const CustomGroups::Removed removed = custom_.remove(ops);
  if (removed == CustomGroups::Removed::none) return std::errc::no_such_file_or_directory;
  if (removed == CustomGroups::Removed::active_group) lose_custom_ids();
  if (custom_.empty()) custom_.set_active(false);
  return {};
}

}  // namespace iommucheck::ioasid::impl
