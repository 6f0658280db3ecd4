// SPDX-License-Identifier: MIT
// The queue of deferred work.
#include "impl/ioasid/deferred.h"

#include <new>

#include "impl/ioasid/read_section.h"

namespace iommucheck::ioasid::impl {
namespace {

struct CallItem : DeferredItem {
  void (*fn)(void*) = nullptr;
  void* argument = nullptr;
  std::pmr::memory_resource* memory = nullptr;
};

void run_call(DeferredItem* self) {
  auto* item = static_cast<CallItem*>(self);
  item->fn(item->argument);
  item->memory->deallocate(item, sizeof(CallItem), alignof(CallItem));
}

}  // namespace

Deferred::~Deferred() { run_all(take_all()); }

DeferredItem* Deferred::take_all() noexcept {
  const std::lock_guard lock{mutex_};
  DeferredItem* items = items_;
  items_ = nullptr;
  count_ = 0;
  return items;
}

void Deferred::run_all(DeferredItem* items) noexcept {
  // Oldest first, as a queue promises: the list was built by pushing at its front.
  DeferredItem* ordered = nullptr;
  while (items != nullptr) {
    DeferredItem* next = items->next;
    items->next = ordered;
    ordered = items;
    items = next;
  }
  while (ordered != nullptr) {
    DeferredItem* next = ordered->next;  // run() may free the item
    ordered->run(ordered);
    ordered = next;
  }
}

void Deferred::push(DeferredItem* item) noexcept {
  bool full = false;
  {
    const std::lock_guard lock{mutex_};
    item->next = items_;
    items_ = item;
    full = ++count_ >= kBatch;
  }
  // Inside a section the flush refuses; the queue then waits for the next push outside of one.
  if (full) static_cast<void>(flush());
}

std::errc Deferred::call(void (*fn)(void*), void* argument) noexcept {
  void* place = nullptr;
  try {
    place = memory_->allocate(sizeof(CallItem), alignof(CallItem));
  } catch (const std::bad_alloc&) {
    if (wait_for_readers() != std::errc{}) return std::errc::not_enough_memory;
    fn(argument);
    return {};
  }
  auto* item = new (place) CallItem;
  item->run = run_call;
  item->fn = fn;
  item->argument = argument;
  item->memory = memory_;
  push(item);
  return {};
}

std::errc Deferred::flush() noexcept {
  if (in_read_section()) return std::errc::resource_deadlock_would_occur;
  DeferredItem* items = take_all();  // before the wait: what is queued later has to wait longer
  static_cast<void>(wait_for_readers());
  run_all(items);
  return {};
}

}  // namespace iommucheck::ioasid::impl
