// SPDX-License-Identifier: MIT
// Arenas that only grow, and a table from addresses to objects.
#include "checker/schedule/heap.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <system_error>

#include "checker/schedule/layout.h"

namespace iommucheck::schedule {
namespace {

unsigned char* memory(std::uintptr_t address) {
  return reinterpret_cast<unsigned char*>(address);  // NOLINT(performance-no-int-to-ptr)
}

/// Of the bitmap, for the first bytes of an arena.
constexpr std::size_t words_of(std::size_t bytes) { return (bytes + 63) / 64; }

constexpr std::size_t round_up(std::size_t value, std::size_t to) {
  return (value + to - 1) / to * to;
}

}  // namespace

Heap::Heap()
    : owner_{static_cast<std::uint32_t*>(
          std::calloc(kMaxThreads * kArenaSize >> kAlignShift, sizeof(std::uint32_t)))},
      uninitialised_{static_cast<std::uint64_t*>(
          std::calloc(kMaxThreads * kArenaSize / 64, sizeof(std::uint64_t)))} {
  if (owner_ == nullptr || uninitialised_ == nullptr) throw std::bad_alloc{};
  void* wanted = memory(kHeapBase);
  void* got = mmap(wanted, kMaxThreads * kArenaSize, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (got != wanted) {
    throw std::system_error{errno, std::generic_category(), "no memory for the heap under test"};
  }
}

Heap::~Heap() { munmap(memory(kHeapBase), kMaxThreads * kArenaSize); }

Object* Heap::allocate(ThreadId thread, std::size_t size, std::size_t align) {
  const std::uintptr_t arena = kHeapBase + thread * kArenaSize;
  // The unit before an object belongs to no object: running over an end shows.
  const std::size_t begin = round_up(used_[thread] + kUnit, std::max(align, kUnit));
  if (size > kArenaSize || begin + size + kUnit > kArenaSize) return nullptr;
  const std::size_t end = begin + round_up(std::max<std::size_t>(size, 1), kUnit);
  used_[thread] = end;
  objects_.push_back({});
  ++count_;
  Object& object = objects_.back();
  object.start = arena + begin;
  object.size = size;
  object.allocated_by = thread;
  for (std::uintptr_t at = object.start; at < arena + end + kUnit; at += kUnit) {
    owner_[(at - kHeapBase) >> kAlignShift] = static_cast<std::uint32_t>(objects_.size());
  }
  return &object;
}

Object* Heap::starting_at(std::uintptr_t address) {
  if (!contains(address)) return nullptr;
  Object* object = around(address);
  return object != nullptr && object->start == address ? object : nullptr;
}

void Heap::save() {
  saved_used_ = used_;
  saved_objects_ = objects_;
  changed_.clear();
  saved_.clear();
  saved_uninitialised_.clear();
  for (unsigned thread = 0; thread < kMaxThreads; ++thread) {
    const unsigned char* arena = memory(kHeapBase + thread * kArenaSize);
    saved_.insert(saved_.end(), arena, arena + used_[thread]);
    const std::uint64_t* bits = &uninitialised_[thread * kArenaSize / 64];
    saved_uninitialised_.insert(saved_uninitialised_.end(), bits, bits + words_of(used_[thread]));
  }
}

void Heap::clear() {
  saved_used_ = {};
  saved_objects_.clear();
  changed_.clear();
  saved_.clear();
  saved_uninitialised_.clear();
  restore();
}

void Heap::restore() {
  const unsigned char* from = saved_.data();
  const std::uint64_t* bits = saved_uninitialised_.data();
  for (unsigned thread = 0; thread < kMaxThreads; ++thread) {
    const std::uintptr_t arena = kHeapBase + thread * kArenaSize;
    const std::size_t first = (saved_used_[thread] + kUnit) >> kAlignShift;
    const std::size_t last = (used_[thread] + 2 * kUnit) >> kAlignShift;
    const std::size_t offset = (arena - kHeapBase) >> kAlignShift;
    if (first < last) {
      std::memset(&owner_[offset + first], 0, (last - first) * sizeof(owner_[0]));
    }
    if (saved_used_[thread] != 0) std::memcpy(memory(arena), from, saved_used_[thread]);
    from += saved_used_[thread];
    const std::size_t words = words_of(saved_used_[thread]);
    std::copy_n(bits, words, &uninitialised_[thread * kArenaSize / 64]);
    bits += words;
  }
  used_ = saved_used_;
  objects_.resize(saved_objects_.size());
  for (const std::uint32_t number : changed_) objects_[number] = saved_objects_[number];
  changed_.clear();
  count_ = static_cast<std::uint32_t>(objects_.size());
}

}  // namespace iommucheck::schedule
