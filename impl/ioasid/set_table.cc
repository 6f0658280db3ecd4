// SPDX-License-Identifier: MIT
// Making, finding and recycling of sets, and the arithmetic of quota and capacity.
#include "impl/ioasid/set_table.h"

#include <new>
#include <thread>

namespace iommucheck::ioasid::impl {
namespace {

void let_others_end(std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  std::this_thread::yield();
  lock.lock();
}

}  // namespace

SetTable::~SetTable() {
  for (auto& slot : chunks_) {
    SetObject* chunk = slot.load(std::memory_order_relaxed);
    if (chunk == nullptr) continue;
    for (std::uint32_t i = 0; i < kChunk; ++i) chunk[i].~SetObject();
    memory_->deallocate(chunk, sizeof(SetObject) * kChunk, alignof(SetObject));
  }
}

std::errc SetTable::install_capacity(std::uint32_t capacity) {
  if (capacity > kMaxIoasids) return std::errc::invalid_argument;
  std::unique_lock lock{mutex_};
  while (sets_ != 0) {
    if (halfway() < sets_) return std::errc::device_or_resource_busy;
    let_others_end(lock);
  }
  capacity_ = capacity;
  return {};
}

std::uint32_t SetTable::halfway() const noexcept {
  std::uint32_t count = 0;
  for (std::uint32_t index = 1; index < used_; ++index) {
    const SetObject& object = *at(index);
    const bool in_use = object.generation.load(std::memory_order_relaxed) % 2 != 0;
    count += in_use && object.now().state != SetState::live && !has_ids_(object);
  }
  return count;
}

SetObject* SetTable::obtain() {
  if (!free_.empty()) {
    SetObject* object = free_.back();
    free_.pop_back();
    return object;
  }
  if (used_ > kMaxSets) return nullptr;
  auto& slot = chunks_[used_ / kChunk];
  SetObject* chunk = slot.load(std::memory_order_relaxed);
  if (chunk == nullptr) {
    chunk =
        static_cast<SetObject*>(memory_->allocate(sizeof(SetObject) * kChunk, alignof(SetObject)));
    for (std::uint32_t i = 0; i < kChunk; ++i) {
      new (chunk + i) SetObject{memory_};
      chunk[i].index = used_ / kChunk * kChunk + i;
    }
    slot.store(chunk, std::memory_order_release);
  }
  // So that giving the index back never needs memory: recycle() runs where nothing may fail.
  free_.reserve(used_);
  return &chunk[used_++ % kChunk];
}

Result<Set> SetTable::make(const void* token, std::uint32_t quota) {
  if (quota == 0) return {{}, std::errc::invalid_argument};
  std::unique_lock lock{mutex_};
  while (quota > available()) {
    if (halfway() == 0) return {{}, std::errc::no_space_on_device};
    let_others_end(lock);
  }
  const auto same = token == nullptr ? by_token_.end() : by_token_.find(token);
  if (same != by_token_.end() && same->second->now().state == SetState::live) {
    return {{}, std::errc::file_exists};
  }
  SetObject* object = nullptr;
  try {
    // First all that can fail; a dying set may still be entered under this token.
    if (token != nullptr) by_token_.insert({token, nullptr});
    object = obtain();
  } catch (const std::bad_alloc&) {}
  if (object == nullptr) {
    const auto left = by_token_.find(token);
    if (left != by_token_.end() && left->second == nullptr) by_token_.erase(left);
    return {{}, std::errc::not_enough_memory};
  }
  if (token != nullptr) by_token_.insert_or_assign(token, object);
  object->token = token;
  object->lowest.store(kInvalidIoasid, std::memory_order_relaxed);
  object->highest.store(0, std::memory_order_relaxed);
  const std::uint32_t generation = object->generation.load(std::memory_order_relaxed) + 1;
  // The word before the generation (release): a handle that resolves leads to a live set.
  object->word.store(SetWord{SetState::live, 0, quota, 1}.packed());
  object->generation.store(generation, std::memory_order_release);
  reserved_ += quota;
  ++sets_;
  return {{object->index, generation}, {}};
}

std::errc SetTable::adjust(Set set, std::uint32_t quota) {
  std::unique_lock lock{mutex_};  // nobody else changes quotas or recycles a set meanwhile
  SetObject* object = nullptr;
  std::uint32_t old = 0;
  for (;;) {
    object = resolve(set);
    if (object == nullptr || quota == 0) return std::errc::invalid_argument;
    old = object->now().quota;
    if (quota <= old || quota - old <= available()) break;
    if (halfway() == 0) return std::errc::no_space_on_device;
    let_others_end(lock);
  }
  const bool done = object->update([&](SetWord& word) {
    if (word.state != SetState::live || quota < word.ids) return false;
    word.quota = quota;
    return true;
  });
  if (!done) return std::errc::invalid_argument;
  reserved_ = reserved_ - old + quota;
  return {};
}

Result<Set> SetTable::find(const void* token) {
  const std::lock_guard lock{mutex_};
  const auto found = by_token_.find(token);
  if (found == by_token_.end() || found->second == nullptr) {
    return {{}, std::errc::no_such_file_or_directory};
  }
  SetObject& object = *found->second;
  auto error = std::errc::no_such_file_or_directory;
  const bool done = object.update([&](SetWord& word) {
    error = std::errc::no_such_file_or_directory;
    if (word.state != SetState::live) return false;
    error = std::errc::value_too_large;
    if (word.references == SetWord::kMaxReferences) return false;
    ++word.references;
    return true;
  });
  if (!done) return {{}, error};
  return {{object.index, object.generation.load(std::memory_order_relaxed)}, {}};
}

void SetTable::recycle(SetObject& object, std::uint32_t quota) {
  const std::lock_guard lock{mutex_};
  const auto found = by_token_.find(object.token);
  if (found != by_token_.end() && found->second == &object) by_token_.erase(found);
  object.token = nullptr;
  // Old handles are stale from here on; make() counts once more, for the next set.
  object.generation.fetch_add(1, std::memory_order_release);
  reserved_ -= quota;
  --sets_;
  free_.push_back(&object);  // has room, see obtain()
}

}  // namespace iommucheck::ioasid::impl
