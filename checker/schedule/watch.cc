// SPDX-License-Identifier: MIT
// What must not happen, and is noticed when it does.
#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>

#include "checker/schedule/engine.h"

namespace iommucheck::schedule {
namespace {

constexpr std::size_t kMaxReports = 200;

Stack just(std::uintptr_t pc) {
  Stack stack;
  stack.pc[0] = pc;
  stack.count = pc == 0 ? 0 : 1;
  return stack;
}

/// Whether one of eight words may point into the heap: its addresses have the upper half in common.
bool may_point(const std::uintptr_t* words) {
  using Four = std::uint32_t __attribute__((vector_size(16)));
  constexpr std::uint32_t kUpper = kHeapBase >> 32U;
  static_assert((kHeapBase + kMaxThreads * Heap::kArenaSize - 1) >> 32U == kUpper);
  const Four upper{kUpper, kUpper, kUpper, kUpper};
  std::array<Four, 4> halves;  // copied, because words need not be aligned as vectors are
  std::memcpy(halves.data(), words, sizeof(halves));
  const auto found =
      (halves[0] == upper) | (halves[1] == upper) | (halves[2] == upper) | (halves[3] == upper);
  return (found[0] | found[1] | found[2] | found[3]) != 0;
}

}  // namespace

/// Calls by frame pointers, as long as those lie on the stack; from the call `first` on, if given.
Stack Engine::walk(const void* frame, std::uintptr_t first) const {
  Stack stack;
  const Fiber& fiber = current_ == nullptr ? main_ : current_->fiber;
  auto at = reinterpret_cast<std::uintptr_t>(frame);
  constexpr std::uintptr_t kLast = Fiber::kStackSize - 16;  // a frame begins with two words
  while (at - fiber.bottom() <= kLast && stack.count < Stack::kDepth) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    const auto* words = reinterpret_cast<const std::uintptr_t*>(at);
    if (words[1] < 4096) break;
    const std::uintptr_t pc = words[1] - 1;  // inside the call, not behind it
    if (first == 0 || pc == first) {
      stack.pc[stack.count++] = pc;
      first = 0;
    }
    if (words[0] <= at) break;
    at = words[0];
  }
  return stack;
}

Stack Engine::stack_from(const void* frame) const { return walk(frame, 0); }

/// The calls that led to `pc`, as far as frame pointers show them.
Stack Engine::stack_here(std::uintptr_t pc) const {
  const Stack stack = walk(__builtin_frame_address(0), pc);
  return stack.count == 0 ? just(pc) : stack;
}

/// A call that leaves more behind than it found.
void Engine::check_nothing_held(std::size_t locks, unsigned readers, const std::string& who) {
  if (current_->held.size() > locks) {
    report(Severity::goes_on, "lock held on return", who + " and holds a lock",
           current_->held.back().taken);
  }
  if (current_->readers > readers) {
    report(Severity::goes_on, "lock held on return", who + " inside an RCU reader",
           stack_from(__builtin_frame_address(0)));
  }
}

/// Loops that pass no scheduling point, and those of the set-up, where there are none.
void Engine::report_endless(std::uintptr_t pc) {
  accesses_since_point_ = 0;
  report(Severity::ends_thread, "endless loop",
         fmt::format("the thread accessed memory {} times without a scheduling point",
                     limits_->accesses),
         stack_here(pc));
}

void Engine::report(Severity severity, std::string kind, std::string message, const Stack& here,
                    const Stack& other, const Object* object) {
  // Two accesses that race are the same pair whichever came second.
  std::uintptr_t first = here.pc[0], second = other.pc[0];
  const bool pair = kind == "data race" || kind == kLockOrderInversion || kind == kLockInInterrupt;
  if (pair && first > second) std::swap(first, second);
  std::string key = fmt::format("{} {:x} {:x}", kind, first, second);
  // Allocations and calls are often made through a function that all of the program shares.
  if (kind == "leak" || kind == "double free" || kind == "invalid free") {
    for (unsigned i = 1; i < here.count; ++i) key += fmt::format(" {:x}", here.pc[i]);
  }
  // The places are calls of the program's own lock functions.
  if (kind == kLockInInterrupt || kind == kLockOrderInversion) {
    const auto caller = [](const Stack& stack) { return stack.count < 2 ? 0 : stack.pc[1]; };
    key += fmt::format(" {:x} {:x}", std::min(caller(here), caller(other)),
                       std::max(caller(here), caller(other)));
  }
  const auto [place, is_new] = reported_.try_emplace(std::move(key), reports_.size());
  const bool outdated = !is_new && reports_[place->second].search != statistics_.restarts;
  if ((is_new && reports_.size() < kMaxReports) || outdated) {
    Report found;
    found.kind = std::move(kind);
    found.message = std::move(message);
    found.thread = current();
    found.here = here;
    found.other = other;
    if (object != nullptr) {
      found.allocated = object->allocated;
      found.freed = object->freed;
    }
    found.execution = statistics_.executions;
    found.search = statistics_.restarts;
    found.schedule = schedule_now();
    if (is_new) {
      reports_.push_back(std::move(found));
    } else {
      reports_[place->second] = std::move(found);
    }
  }
  if (severity == Severity::ends_thread && current_ != nullptr) leave(Phase::dead);
}

void Engine::forget_reports() {
  reports_.clear();
  reported_.clear();
  lock_order_.clear();
  lock_uses_.clear();
}

std::string Engine::object_text(const Object& object) const {
  return fmt::format("an object of {} bytes", object.size);
}

/// The memory that is about to be accessed belongs to a living object, if it is heap.
void Engine::check_object(std::uintptr_t address, std::size_t size, bool write, std::uintptr_t pc) {
  if (!heap_.contains(address)) {
    if (address < kLowestAddress) {
      report(
          Severity::ends_thread, "NULL dereference",
          fmt::format("{} of {} bytes at address {:#x}", write ? "write" : "read", size, address),
          stack_here(pc));
    }
    return;
  }
  Object* object = heap_.around(address);
  const char* what = write ? "write" : "read";
  if (object == nullptr || address >= object->start + object->size) {
    // Nearer to the next one than the space between two objects is wide?
    const std::uintptr_t behind = address + size + 15;
    Object* next = heap_.contains(behind) ? heap_.around(behind) : nullptr;
    if (next != nullptr && next != object && next->start > address) {
      report(Severity::ends_thread, "out-of-bounds",
             fmt::format("{} of {} bytes, {} bytes before {}", what, size, next->start - address,
                         object_text(*next)),
             stack_here(pc), {}, next);
    }
  }
  if (object == nullptr) {
    report(Severity::ends_thread, "wild pointer",
           fmt::format("{} of {} bytes where no object is", what, size), stack_here(pc));
    return;
  }
  const bool inside = address < object->start + object->size;
  if (object->life == Life::freed && inside) {
    report(Severity::ends_thread, "use-after-free",
           fmt::format("{} of {} bytes, {} bytes inside {}", what, size, address - object->start,
                       object_text(*object)),
           stack_here(pc), {}, object);
  }
  if (address + size > object->start + object->size) {
    report(Severity::ends_thread, "out-of-bounds",
           fmt::format("{} of {} bytes, {} bytes inside {}", what, size, address - object->start,
                       object_text(*object)),
           stack_here(pc), {}, object);
  }
  if (object->life != Life::deferred || alone_) return;
  // Legal only for readers that were inside when kfree_rcu() was called.
  const Thread& self = *current_;
  const Grace& grace = graces_[object->grace];
  if ((grace.waits & mask_of(self.id)) != 0) return;
  report(
      Severity::ends_thread, "use-after-free",
      fmt::format("{} of {} bytes, {} bytes inside {} that waits for a grace period, by a thread "
                  "that the grace period does not wait for",
                  what, size, address - object->start, object_text(*object)),
      stack_here(pc), {}, object);
}

/// Reads of heap memory that nobody has written, byte by byte.  The program is told once: what it
/// has read is taken for initialised.
void Engine::check_initialised(std::uintptr_t address, std::size_t size, bool write, bool read,
                               std::uintptr_t pc) {
  if (read && heap_.has_uninitialised(address, size)) {
    const Object* object = heap_.around(address);
    report(Severity::goes_on, "uninitialised read",
           fmt::format("read of {} bytes, {} bytes inside {}, and nobody has written them all",
                       size, address - object->start, object_text(*object)),
           stack_here(pc), {}, object);
    heap_.set_initialised(address, size);
  } else if (write) {
    heap_.set_initialised(address, size);
  }
}

/// The same where other accesses are noted.
void Engine::check_beside(std::uintptr_t granule, Cell& cell, const Access& access) {
  const Clock& clock = current_->stamp.sync;
  // LKMM: who comes after a marked read of a marked write comes after the write (rfe is in vis).
  const Access* other =
      Memory::conflict(cell, access, clock, [this](const Access& write) { return is_over(write); });
  if (other != nullptr) {
    const std::uintptr_t at = granule << kGranuleShift;
    report(Severity::goes_on, "data race",
           fmt::format("{} {} and {} {} are not ordered, and at least one of them is plain",
                       access.marked() ? "a marked" : "a plain", access.write() ? "write" : "read",
                       other->marked() ? "a marked" : "a plain", other->write() ? "write" : "read"),
           stack_here(access.pc), just(other->pc), heap_.contains(at) ? heap_.around(at) : nullptr);
    if (memory_.promote(granule)) restart_ = true;
  }
  Memory::note(cell, access, clock);
}

/// Whether a marked write by another thread is over, though what that thread did before it may not
/// be: somebody has read it, acquiring, and the current thread comes after that.  So the last of
/// two puts may free (LKMM: rfe is in hb; what follows the reading needs an order of its own).
bool Engine::is_over(const Access& write) const {
  return memory_.any_seeing(write, [this](const Seeing& seeing) {
    std::uint32_t ordered_at = seeing.at;
    if (!seeing.acquiring) {
      const std::vector<std::uint32_t>& fences = threads_[seeing.by].acquire_fences;
      const auto fence = std::lower_bound(fences.begin(), fences.end(), seeing.at);
      if (fence == fences.end()) return false;
      ordered_at = *fence;
    }
    return seeing.by == current_->id || current_->stamp.sync.covers(seeing.by, ordered_at);
  });
}

/// An object is about to be freed, or handed to kfree_rcu(): what others did with it has to be
/// over.
void Engine::check_release_of(Object& object, bool deferred, std::uintptr_t pc) {
  const Clock& clock = current_->stamp.sync;
  for (std::uintptr_t at = granule(object.start); at <= granule(object.start + object.size - 1);
       ++at) {
    const Cell* cell = memory_.find(at);
    if (cell == nullptr || (cell->threads & ~mask_of(current_->id)) == 0) continue;
    for (const Access& other : cell->accesses) {
      if (other.thread() == current_->id || clock.covers(other.thread(), other.time)) continue;
      if (deferred && other.in_reader()) continue;
      if (is_over(other)) continue;
      report(Severity::goes_on, "use-after-free",
             fmt::format("{} of {} is not ordered after {} of it by another thread",
                         deferred ? "kfree_rcu()" : "the free", object_text(object),
                         other.write() ? "a write" : "a read"),
             stack_here(pc), just(other.pc), &object);
      if (memory_.promote(at)) restart_ = true;
      return;
    }
  }
}

void Engine::check_deadlock() {
  std::string who;
  Stack first, second;
  bool sleeps = false;
  for (unsigned i = 1; i < thread_count_; ++i) {
    const Thread& thread = threads_[i];
    if (thread.phase == Phase::dead) return;  // it may hold what the others wait for
    if (thread.phase != Phase::ready) continue;
    const Operation& operation = pending_[i];
    sleeps |= operation.kind == Kind::sleep;
    who +=
        fmt::format("{}{} waits in {}", who.empty() ? "" : "; ", thread.name, name(operation.kind));
    if (thread.pending_lock != nullptr && is_lock(operation.kind) &&
        thread.pending_lock->owner != kNobody) {
      who += fmt::format(" for what {} holds", threads_[thread.pending_lock->owner].name);
    }
    (first.count == 0 ? first : second) = just(operation.pc);
  }
  report(Severity::goes_on, sleeps ? "lost wake-up" : "deadlock", who, first, second);
}

/// The objects that static data or permanent objects point to, or objects that those point to; not
/// all of them once `enough` have been found that could be leaks.
const std::vector<bool>& Engine::reachable(std::size_t enough) {
  std::vector<Object>& objects = heap_.objects();
  reached_.assign(objects.size(), false);
  to_follow_.clear();
  const auto follow = [&](std::uintptr_t word) {
    const Object* object = heap_.around(word);
    if (object == nullptr || word - object->start >= std::max<std::size_t>(object->size, 1)) return;
    const auto number = static_cast<std::size_t>(object - objects.data());
    if (reached_[number]) return;
    reached_[number] = true;
    if (object->life == Life::live && !object->permanent) --enough;
    if (object->life != Life::freed) to_follow_.push_back(object);
  };
  const auto scan = [&](const void* begin, std::size_t size) {
    const auto* words = static_cast<const std::uintptr_t*>(begin);
    const std::size_t count = size / sizeof(*words);
    for (std::size_t i = 0; i < count && enough != 0;) {
      if (count - i >= 8 && !may_point(words + i)) {
        i += 8;
        continue;
      }
      for (const std::size_t end = std::min(i + 8, count); i < end && enough != 0; ++i) {
        if (heap_.contains(words[i])) follow(words[i]);
      }
    }
  };
  const auto scan_found = [&] {
    while (!to_follow_.empty()) {
      const Object* object = to_follow_.back();
      to_follow_.pop_back();
      // NOLINTNEXTLINE(performance-no-int-to-ptr)
      scan(reinterpret_cast<const void*>(object->start), object->size);
    }
  };
  for (const Region& region : program_->data) scan(region.begin, region.size);
  for (const Object& object : objects) {
    if (object.permanent) follow(object.start);
  }
  scan_found();
  return reached_;
}

void Engine::check_leaks() {
  const std::vector<Object>& objects = heap_.objects();
  const auto may_leak = [](const Object& object) {
    return object.life == Life::live && !object.permanent;
  };
  const auto count = static_cast<std::size_t>(std::ranges::count_if(objects, may_leak));
  if (count == 0) return;
  const std::vector<bool>& reached = reachable(count);
  for (std::size_t i = 0; i < objects.size(); ++i) {
    if (reached[i] || objects[i].life != Life::live) continue;
    report(Severity::goes_on, "leak",
           fmt::format("{} bytes that nothing points to at the end", objects[i].size),
           objects[i].allocated);
  }
}

void Engine::may_sleep(const char* what, std::uintptr_t pc) {
  if (current_ == nullptr) return;
  const char* where = current_->atomic_depth > 0 ? "in atomic context"
                      : current_->readers > 0    ? "inside an RCU reader"
                                                 : nullptr;
  if (where == nullptr) return;
  report(Severity::goes_on, "sleep in atomic context", fmt::format("{} {}", what, where),
         stack_here(pc));
}

}  // namespace iommucheck::schedule
