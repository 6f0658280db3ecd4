// SPDX-License-Identifier: MIT
// What a program under test asks for: locks, readers and grace periods, memory, sleep, threads.
#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "checker/schedule/engine.h"

namespace iommucheck::schedule {

ThreadId Engine::current() const { return current_ == nullptr ? ThreadId{0} : current_->id; }

int& Engine::atomic_depth() {
  static int nobody = 0;
  return current_ == nullptr ? nobody : current_->atomic_depth;
}

// ---- locks ----

void Engine::acquire(std::uintptr_t lock, bool shared, std::uintptr_t pc) {
  if (current_ == nullptr) return;
  Thread& self = *current_;
  note_lock_word(lock, pc);
  if (!self.held.empty()) {
    for (const Held& held : self.held) {
      if (held.lock->address != lock || (shared && held.shared)) continue;
      report(Severity::ends_thread, "recursive lock", "the lock is held by who asks for it",
             stack_here(pc), held.taken);
    }
    if (!alone_) check_lock_order(lock, pc);
  }
  point({shared ? Kind::acquire_shared : Kind::acquire, 0, 1, lock, pc});
  self.held.push_back({self.pending_lock, shared, stack_here(pc)});
  self.held_addresses.push_back(lock);
}

bool Engine::try_acquire(std::uintptr_t lock, bool shared, std::uintptr_t pc) {
  if (current_ == nullptr) return true;
  Thread& self = *current_;
  note_lock_word(lock, pc);
  point({shared ? Kind::try_acquire_shared : Kind::try_acquire, 0, 1, lock, pc});
  if (!self.tried) return false;
  self.held.push_back({self.pending_lock, shared, stack_here(pc)});
  self.held_addresses.push_back(lock);
  return true;
}

void Engine::release(std::uintptr_t lock, bool shared, std::uintptr_t pc) {
  if (current_ == nullptr) return;
  Thread& self = *current_;
  note_lock_word(lock, pc);
  std::size_t at = self.held.size();
  while (at > 0 && self.held[at - 1].lock->address != lock) --at;
  if (at == 0) {
    report(Severity::ends_thread, "unbalanced unlock", "the lock is not held by who releases it",
           stack_here(pc));
    return;
  }
  --at;
  if (self.held[at].shared != shared) {
    report(Severity::goes_on, "unbalanced unlock",
           shared ? "it was taken alone and is released as shared"
                  : "it was taken as shared and is released as taken alone",
           stack_here(pc), self.held[at].taken);
    shared = self.held[at].shared;
  }
  self.held.erase(self.held.begin() + static_cast<std::ptrdiff_t>(at));
  self.held_addresses.erase(self.held_addresses.begin() + static_cast<std::ptrdiff_t>(at));
  point({shared ? Kind::release_shared : Kind::release, 0, 1, lock, pc});
}

/// A lock inside an object is an access to the object: a marked one.
void Engine::note_lock_word(std::uintptr_t lock, std::uintptr_t pc) {
  if (!is_sound(lock, 1)) check_object(lock, 1, false, pc);
  Thread& self = *current_;
  if (alone_ || self.fiber.contains(lock)) return;
  const std::uintptr_t at = granule(lock);
  const std::uint32_t kind =
      Access::kind_of(self.id, static_cast<std::uint8_t>(1U << (lock & 7U))) | Access::kMarked;
  check_access(at, memory_.at(at), pc, self.stamp.sync.at[self.id], kind | reader_bit(self));
}

bool Engine::holds(std::uintptr_t lock) const {
  if (current_ == nullptr) return true;
  return std::ranges::find(current_->held_addresses, lock) != current_->held_addresses.end();
}

// ---- readers ----

void Engine::reader_begin(std::uintptr_t pc) {
  if (current_ == nullptr) return;
  // The count goes up behind the point: a grace period that begins before it does not wait for us.
  if (current_->readers == 0) point({Kind::reader_begin, 0, 1, 0, pc});
  ++current_->readers;
}

void Engine::reader_end(std::uintptr_t pc) {
  if (current_ == nullptr) return;
  if (current_->readers == 0) {
    report(Severity::goes_on, "unbalanced unlock", "rcu_read_unlock() outside of a reader",
           stack_here(pc));
    return;
  }
  if (current_->readers == 1) {
    point({Kind::reader_end, 0, 1, 0, pc});
  }
  --current_->readers;
}

unsigned Engine::reader_depth() const { return current_ == nullptr ? 0 : current_->readers; }

void Engine::synchronize(std::uintptr_t pc) {
  if (current_ == nullptr) return;
  if (current_->readers != 0) {
    report(Severity::ends_thread, "RCU misuse", "a reader waits for its own end", stack_here(pc));
  }
  if (alone_) return;
  point({Kind::grace_begin, 0, 1, 0, pc});
  point({Kind::grace_end, 0, 1, 0, pc});
}

void Engine::after_grace(const char* name, void (*function)(void*), void* argument,
                         std::uintptr_t pc) {
  if (current_ == nullptr) return;
  if (alone_) {
    late_.push_back({name, function, argument});
    return;
  }
  point({Kind::grace_begin, 0, 1, 0, pc});
  Thread& thread = start_thread(name, child_path(), function, argument);
  thread.grace = current_->grace;
  thread.stamp = current_->stamp;
  thread.stamp.trace.at[thread.id] = 0;
  pending_[thread.id] = {Kind::grace_end, 0, 1, 0, pc};
}

void Engine::free_after_grace(std::uintptr_t address, std::uintptr_t pc) {
  if (current_ == nullptr || address == 0) return;
  Object* object = heap_.starting_at(address);
  if (object == nullptr || object->life != Life::live) {
    report(Severity::ends_thread, object == nullptr ? "invalid free" : "double free",
           object == nullptr ? "no allocation starts here" : "the object was freed before",
           stack_here(pc), {}, object);
    return;
  }
  if (alone_) {
    heap_.will_change(*object);
    object->life = Life::freed;
    object->freed = stack_here(pc);
    return;
  }
  point({Kind::grace_begin, 0, 1, 0, pc});
  object = heap_.starting_at(address);  // others may have allocated meanwhile
  if (object->life != Life::live) {
    report(Severity::ends_thread, "double free", "the object was freed before", stack_here(pc), {},
           object);
    return;
  }
  check_release_of(*object, true, pc);
  heap_.will_change(*object);
  object->life = Life::deferred;
  object->grace = current_->grace;
  object->freed = stack_here(pc);
  object->freed_by = current_->id;
}

// ---- memory ----

void* Engine::allocate(std::size_t size, std::size_t align, bool zero, std::uintptr_t pc) {
  constexpr unsigned char kFilling = 0xa5;  // what is not initialised shall not look as if it were
  if (current_ == nullptr) return nullptr;
  Object* object = heap_.allocate(current_->id, size, align);
  const Stack where = stack_here(pc);
  if (object == nullptr) {
    report(Severity::ends_thread, "out of memory",
           fmt::format("an allocation of {} bytes: one thread of one execution has {} MiB", size,
                       Heap::kArenaSize >> 20U),
           where);
    return nullptr;
  }
  object->allocated = where;
  void* start = reinterpret_cast<void*>(object->start);  // NOLINT(performance-no-int-to-ptr)
  std::memset(start, zero ? 0 : kFilling, size);
  if (zero) {
    heap_.set_initialised(object->start, size);
  } else {
    heap_.set_uninitialised(object->start, size);
  }
  return start;
}

std::size_t Engine::size_of(std::uintptr_t address) {
  const Object* object = heap_.starting_at(address);
  return object == nullptr || object->life != Life::live ? 0 : object->size;
}

void Engine::free(std::uintptr_t address, std::uintptr_t pc) {
  if (current_ == nullptr || address == 0) return;
  Object* object = heap_.starting_at(address);
  if (object == nullptr) {
    report(Severity::ends_thread, "invalid free", "no allocation starts here", stack_here(pc));
    return;
  }
  if (object->life != Life::live) {
    report(Severity::ends_thread, "double free", "the object was freed before", stack_here(pc), {},
           object);
    return;
  }
  if (!alone_) check_release_of(*object, false, pc);
  heap_.will_change(*object);
  object->life = Life::freed;
  object->freed = stack_here(pc);
  object->freed_by = current_->id;
}

// ---- sleep and threads ----

void Engine::prepare_to_sleep(std::uintptr_t pc) {
  if (current_ != nullptr) point({Kind::prepare, 0, 1, current_->id, pc});
}

bool Engine::sleep(bool timeout, std::uintptr_t pc) {
  if (current_ == nullptr) return true;
  if (alone_) {
    if (!current_->woken && !timeout) {
      report(Severity::ends_thread, "deadlock", "sleeps, and nobody else runs", stack_here(pc));
    }
    return current_->woken;
  }
  current_->with_timeout = timeout;
  current_->timed_out = false;
  point({Kind::sleep, 0, 1, 0, pc});
  return !std::exchange(current_->timed_out, false);
}

void Engine::wake(ThreadId thread, std::uintptr_t pc) {
  if (current_ != nullptr) point({Kind::wake, 0, 1, thread, pc});
}

void Engine::await(std::uintptr_t pc) {
  if (current_ == nullptr || alone_ || current_->last_read == 0) return;
  point({Kind::await, 0, 1, current_->last_read, pc});
}

void Engine::yield(std::uintptr_t pc) {
  if (current_ == nullptr || alone_) return;
  std::vector<Seen>& seen = current_->seen;
  // The first look at each place counts: what it saw may be why the loop goes on, whatever later
  // looks saw.
  std::ranges::stable_sort(seen, {}, &Seen::at);
  seen.erase(std::unique(seen.begin(), seen.end(),
                         [](const Seen& a, const Seen& b) { return a.at == b.at; }),
             seen.end());
  std::vector<std::uintptr_t> waited_for;
  for (const Seen& one : seen) waited_for.push_back(one.at);
  point({Kind::yield, 0, 1, number_of_granules(waited_for), pc});
  current_->seen.clear();
}

ThreadId Engine::spawn(const char* name, void (*function)(void*), void* argument) {
  if (current_ == nullptr || alone_) {
    late_.push_back({name, function, argument});
    return 0;
  }
  Thread& thread = start_thread(name, child_path(), function, argument);
  ++current_->stamp.sync.at[current_->id];
  thread.stamp = current_->stamp;
  return thread.id;
}

void Engine::join(ThreadId thread, std::uintptr_t pc) {
  if (current_ == nullptr || alone_ || thread == 0) return;
  current_->joined = thread;
  point({Kind::join, 0, 1, thread, pc});
}

// ---- calls ----

void Engine::call_begin(std::string_view call) {
  if (current_ == nullptr || alone_) return;
  current_->held_at_call = current_->held.size();
  current_->readers_at_call = current_->readers;
  current_->seen.clear();
  histories_.begin(current_->id, call, passed_);
}

void Engine::call_end(std::string_view result) {
  if (current_ == nullptr || alone_) return;
  histories_.end(current_->id, result, passed_);
  check_nothing_held(current_->held_at_call, current_->readers_at_call, "the call returns");
}

}  // namespace iommucheck::schedule
