// SPDX-License-Identifier: MIT
// Setting, attaching and detaching private data.
#include "impl/ioasid/allocator.h"
#include "impl/ioasid/race_window.h"

namespace iommucheck::ioasid::impl {

Result<void*> Allocator::set_data(Ioasid id, void* data) {
  // Before anything is changed: afterwards we could not wait.
  if (in_read_section()) return {nullptr, std::errc::resource_deadlock_would_occur};
  if (id >= ids_) return {nullptr, std::errc::no_such_file_or_directory};
  Record& record = records_[id];
  const std::uint64_t life = life_of(id);
  if ((life & control::kAlive) == 0 || !record.lock_life(life)) {
    return {nullptr, std::errc::no_such_file_or_directory};
  }
  // Under the lock, as the id could otherwise be freed and allocated by somebody else between our
  // look and this, and our data become his.  seq_cst (the default): the U of read_section.h.
  race_window();
  void* old = record.data().exchange(data);
  record.unlock();
  if (old != nullptr) static_cast<void>(wait_for_readers());
  return {old, {}};
}

std::errc Allocator::attach_data(Ioasid id, void* data) noexcept {
  if (id >= ids_) return std::errc::no_such_file_or_directory;
  Record& record = records_[id];
  const std::uint64_t life = life_of(id);
  race_window();
  if ((life & control::kAlive) == 0 || !record.lock_life(life)) {
    return std::errc::no_such_file_or_directory;
  }
  const bool empty = record.data().load(std::memory_order_relaxed) == nullptr;
  // Release: who finds the data sees what the caller wrote there.
  race_window();
  if (empty) record.data().store(data, std::memory_order_release);
  record.unlock();
  // Nothing was taken out, so nobody has to be waited for.
  return empty ? std::errc{} : std::errc::device_or_resource_busy;
}

}  // namespace iommucheck::ioasid::impl
