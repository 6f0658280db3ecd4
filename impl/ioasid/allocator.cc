// SPDX-License-Identifier: MIT
// Construction of the allocator, its look-ups, and taking a reference on an id.
#include "impl/ioasid/allocator.h"

#include <stdexcept>
#include <thread>

#include <sys/mman.h>

namespace iommucheck::ioasid::impl {
namespace {

std::uint32_t checked_ids(const Config& config) {
  if (config.ids == 0 || config.ids > kMaxIoasids) {
    throw std::invalid_argument{"ioasid: Config.ids must be 1 .. 2^20 (a PASID has 20 bits)"};
  }
  if (config.capacity > kMaxIoasids) {
    throw std::invalid_argument{"ioasid: Config.capacity must be 0 .. 2^20 ids"};
  }
  if (config.memory == nullptr) {
    throw std::invalid_argument{"ioasid: Config.memory must not be null"};
  }
  return config.ids;
}

/// A look-up of a random id of a million misses the TLB with small pages.  Only a wish.
void prefer_huge_pages(void* start, std::size_t bytes) {
  constexpr std::uintptr_t kPage = 4096;
  constexpr std::size_t kHugePage = std::size_t{2} << 20U;
  if (bytes < kHugePage) return;
  const auto address = reinterpret_cast<std::uintptr_t>(start);
  const std::uintptr_t aligned = (address + kPage - 1) / kPage * kPage;
  const std::size_t rest = (bytes - (aligned - address)) / kPage * kPage;
  static_cast<void>(madvise(reinterpret_cast<void*>(aligned), rest, MADV_HUGEPAGE));
}

}  // namespace

Allocator::Allocator(const Config& config)
    : ids_{checked_ids(config)},
      records_{ids_},
      map_{ids_},
      deferred_{config.memory},
      sets_{config.memory, config.capacity,
            [this](const SetObject& object) { return has_ids(object); }},
      chains_{config.memory, deferred_},
      custom_{config.memory} {
  prefer_huge_pages(records_.data(), sizeof(Record) * ids_);
}

Result<void*> Allocator::find(Set set, Ioasid id, Getter getter, void* context) const noexcept {
  const ReadSection section;
  Result<void*> found = find(set, id);
  if (found.value != nullptr && getter != nullptr && !getter(found.value, context)) {
    found.value = nullptr;
  }
  return found;
}

Result<State> Allocator::state(Ioasid id) const noexcept {
  const Record::View view = id < ids_ ? look(id) : Record::View{};
  if ((view.control & control::kAlive) == 0) return {{}, std::errc::no_such_file_or_directory};
  if ((view.control & control::kPending) != 0) return {State::free_pending, {}};
  return {view.data == nullptr ? State::idle : State::active, {}};
}

std::errc Allocator::get(Set set, Ioasid id) noexcept {
  for (;;) {
    if (const auto answer = try_get(set, id)) return *answer;
    std::this_thread::yield();
  }
}

std::optional<std::errc> Allocator::try_get(Set set, Ioasid id) noexcept {
  if (id >= ids_) return std::errc::invalid_argument;
  Record& record = records_[id];
  for (;;) {
    const Record::View view = record.view();
    if ((view.control & control::kAlive) == 0) return std::errc::invalid_argument;
    if ((view.control & control::kPending) != 0) return std::errc::device_or_resource_busy;
    if (set && set != view.set) return std::errc::permission_denied;
    if ((view.control & control::kReferences) == control::kReferences) {
      return std::errc::value_too_large;
    }
    if (control::is_frozen(view.control)) return std::nullopt;
    std::uint64_t expected = view.control;
    // Success says that the life is still the one whose set we checked.  Acquire: with the
    // reference comes what its owner wrote before it published the id.
    if (record.control().compare_exchange_weak(expected, view.control + control::kReference,
                                               std::memory_order_acquire,
                                               std::memory_order_relaxed)) {
      return std::errc{};
    }
  }
}

}  // namespace iommucheck::ioasid::impl
