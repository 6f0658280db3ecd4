// SPDX-License-Identifier: MIT
// Heap: objects at addresses that depend on the thread and its own allocations only, never reused
// within an execution, so that every access to a freed object is known to be one.
//
// Not thread-safe: one fiber runs at a time.
#ifndef IOMMUCHECK_CHECKER_SCHEDULE_HEAP_H
#define IOMMUCHECK_CHECKER_SCHEDULE_HEAP_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "checker/schedule/clock.h"
#include "checker/schedule/layout.h"

namespace iommucheck::schedule {

/// What code passed a place: addresses of calls, innermost first.
struct Stack {
  static constexpr unsigned kDepth = 12;
  std::array<std::uintptr_t, kDepth> pc{};
  unsigned count = 0;
};

enum class Life : std::uint8_t {
  live,
  deferred,  ///< handed to kfree_rcu(): readers that were inside may still look
  freed,
};

struct Object {
  std::uintptr_t start = 0;
  std::size_t size = 0;
  Life life = Life::live;
  ThreadId allocated_by = 0, freed_by = 0;
  bool permanent = false;   ///< never a leak
  std::uint32_t grace = 0;  ///< of `deferred`: the grace period that ends its life
  Stack allocated, freed;
};

class Heap {
 public:
  /// Bytes for each thread of one execution.
  static constexpr std::size_t kArenaSize = std::size_t{4} << 20;

  /// Maps the arenas at fixed addresses.  Throws std::system_error.
  Heap();
  ~Heap();
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  /// Null: the thread's arena is full.  The memory is not initialised.
  Object* allocate(ThreadId thread, std::size_t size, std::size_t align);

  /// The object whose first byte this is, or null.
  Object* starting_at(std::uintptr_t address);
  /// The object that was allocated nearest at or below an address of the heap; null: none there.
  /// The address may lie behind its end.
  Object* around(std::uintptr_t address) {
    const std::uintptr_t offset = address - kHeapBase, in_arena = offset % kArenaSize;
    if (in_arena > used_[offset / kArenaSize] + kUnit) return nullptr;
    const std::uint32_t number = owner_[offset >> kAlignShift];
    return number - 1 < count_ ? &objects_[number - 1] : nullptr;
  }
  bool contains(std::uintptr_t address) const {
    return address - kHeapBase < kMaxThreads * kArenaSize;
  }

  /// Bytes that nobody has written since they were allocated; allocate() does not note them.
  void set_uninitialised(std::uintptr_t address, std::size_t size) {
    for_words(address, size, [](std::uint64_t& word, std::uint64_t mask) { word |= mask; });
  }
  void set_initialised(std::uintptr_t address, std::size_t size) {
    for_words(address, size, [](std::uint64_t& word, std::uint64_t mask) { word &= ~mask; });
  }
  bool has_uninitialised(std::uintptr_t address, std::size_t size) {
    std::uint64_t found = 0;
    for_words(address, size,
              [&](const std::uint64_t& word, std::uint64_t mask) { found |= word & mask; });
    return found != 0;
  }

  /// The same for bytes within eight that are aligned, a bit each; the address is the heap's.
  void set_initialised_within(std::uintptr_t granule, std::uint8_t bytes) {
    uninitialised_of(granule) &= static_cast<std::uint8_t>(~bytes);
  }
  bool has_uninitialised_within(std::uintptr_t granule, std::uint8_t bytes) {
    return (uninitialised_of(granule) & bytes) != 0;
  }

  /// What is known of an object is about to change; its contents may without this.
  void will_change(const Object& object) {
    const auto number = static_cast<std::uint32_t>(&object - objects_.data());
    if (number < saved_objects_.size()) changed_.push_back(number);
  }
  /// What exists now, contents included, is what every execution starts with.
  void save();
  void restore();
  /// Nothing is allocated any more, now and in what every execution starts with.
  void clear();

  std::vector<Object>& objects() { return objects_; }

 private:
  static constexpr unsigned kAlignShift = 4;
  static constexpr std::size_t kUnit = std::size_t{1} << kAlignShift;

  std::array<std::size_t, kMaxThreads> used_{}, saved_used_{};
  std::vector<Object> objects_, saved_objects_;
  std::uint32_t count_ = 0;             ///< of objects
  std::vector<std::uint32_t> changed_;  ///< of the saved objects, those that may be different
  struct Free {
    void operator()(void* table) const { std::free(table); }
  };
  /// Of each 16 bytes: the number of the object + 1.  Its pages come into being when used.
  std::unique_ptr<std::uint32_t[], Free> owner_;
  std::unique_ptr<std::uint64_t[], Free> uninitialised_;  ///< a bit for each byte
  std::vector<std::uint64_t> saved_uninitialised_;        ///< of all arenas, one after the other
  std::vector<unsigned char> saved_;  ///< contents of all arenas, one after the other

  /// Eight bits: the first byte of a granule has the lowest one, as x86-64 has it.
  std::uint8_t& uninitialised_of(std::uintptr_t granule) {
    return reinterpret_cast<std::uint8_t*>(uninitialised_.get())[granule - kHeapBase / 8];
  }
  /// The words of the bitmap for bytes of the heap, each with a mask of the bits meant.
  template <class Function>
  void for_words(std::uintptr_t address, std::size_t size, Function function) {
    std::size_t first = address - kHeapBase;
    if (first % 64 + size < 64) {
      function(uninitialised_[first / 64], ((std::uint64_t{1} << size) - 1) << first % 64);
      return;
    }
    const std::size_t end = std::min(first + size, kMaxThreads * kArenaSize);
    while (first < end) {
      const std::size_t bit = first % 64, count = std::min(64 - bit, end - first);
      function(uninitialised_[first / 64], (~std::uint64_t{0} >> (64 - count)) << bit);
      first += count;
    }
  }
};

}  // namespace iommucheck::schedule

#endif  // IOMMUCHECK_CHECKER_SCHEDULE_HEAP_H
