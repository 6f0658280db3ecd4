// SPDX-License-Identifier: MIT
// The calls on sets and on their notifier chains.
#include "impl/ioasid/allocator.h"

namespace iommucheck::ioasid::impl {

std::errc Allocator::install_capacity(std::uint32_t capacity) {
  return sets_.install_capacity(capacity);
}

Result<Set> Allocator::alloc_set(const void* token, std::uint32_t quota) {
  return sets_.make(token, quota);
}

std::errc Allocator::adjust_set(Set set, std::uint32_t quota) { return sets_.adjust(set, quota); }

Result<Set> Allocator::find_set(const void* token) { return sets_.find(token); }

SetState Allocator::set_state(Set set) const noexcept {
  const SetObject* object = sets_.resolve(set);
  return object == nullptr ? SetState::gone : object->now().state;
}

std::uint32_t Allocator::set_size(Set set) const noexcept {
  const SetObject* object = sets_.resolve(set);
  return object == nullptr ? 0 : object->now().ids;
}

std::errc Allocator::get_set(Set set) {
  SetObject* object = sets_.resolve(set);
  if (object == nullptr) return std::errc::invalid_argument;
  std::errc error{};
  object->update([&](SetWord& word) {
    error = word.state != SetState::live                 ? std::errc::invalid_argument
            : word.references == SetWord::kMaxReferences ? std::errc::value_too_large
                                                         : std::errc{};
    ++word.references;
    return error == std::errc{};
  });
  return error;
}

std::errc Allocator::register_notifier(Set set, Notifier* notifier) {
  if (!set) return chains_.add(chains_.global(), notifier, [] { return true; });
  SetObject* object = sets_.resolve(set);
  if (object == nullptr) return std::errc::invalid_argument;
  return chains_.add(object->chain, notifier, [&] {
    return sets_.resolve(set) == object && object->now().state != SetState::gone;
  });
}

std::errc Allocator::unregister_notifier(Set set, Notifier* notifier) {
  if (!set) return chains_.remove(chains_.global(), notifier);
  SetObject* object = sets_.resolve(set);
  if (object == nullptr) return std::errc::no_such_file_or_directory;
  return chains_.remove(object->chain, notifier);
}

}  // namespace iommucheck::ioasid::impl
