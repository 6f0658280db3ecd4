// SPDX-License-Identifier: MIT
// Scheduling points: the thread says what it is about to do, somebody is picked, it is done.
#include <string>

#include "checker/schedule/engine.h"
#include "checker/schedule/layout.h"

namespace iommucheck::schedule {
namespace {

/// The bytes of [address, address + size) in a granule.
std::uint8_t bytes_in(std::uintptr_t at, std::uintptr_t address, std::size_t size) {
  const std::uintptr_t base = at << kGranuleShift;
  const std::uintptr_t from = std::max(base, address);
  const std::uintptr_t to = std::min(base + 8, address + size);
  return static_cast<std::uint8_t>(((1U << (to - base)) - 1) & ~((1U << (from - base)) - 1));
}

}  // namespace

void Engine::point(const Operation& operation) {
  Thread& self = *current_;
  if (is_lock(operation.kind)) self.pending_lock = &locks_.at(operation.object);
  if (alone_) {
    count_access(operation.pc);
    perform(self, operation);
    return;
  }
  accesses_since_point_ = 0;
  pending_[self.id] = operation;
  if (passed_ >= limits_->steps) {
    report(Severity::goes_on, "endless loop",
           "the execution passed " + std::to_string(passed_) +
               " scheduling points; the last one is shown",
           stack_here(operation.pc));
    ending_ = Ending::cut;
    switch_to(kNobody);
  }
  const ThreadId next = pick_next();
  if (next != self.id) switch_to(next);
  perform(self, operation);
}

void Engine::perform(Thread& thread, const Operation& operation) {
  if (!alone_) {
    // What an event depends on that is repeated is known, and so are its races.
    const bool repeats = passed_ < repeated_;
    if (repeats) {
      thread.stamp.trace = events_[passed_].clock;
      races_.clear();
    } else {
      depend(thread, operation);
      thread.stamp.trace = ordered_;
      thread.stamp.trace.at[thread.id] = passed_ + 1;
    }
    thread.chosen = 0;
    if (operation.kind == Kind::choose) {
      ask([&] {
        thread.chosen = static_cast<std::uint16_t>(strategy_->choose(operation.alternatives));
      });
    }
    // In place: a copy of what was just written piece by piece has to wait for the pieces.
    if (!repeats) {
      if (passed_ == events_.size()) events_.emplace_back();
      Event& event = events_[passed_];
      event.thread = thread.id;
      event.alternative = thread.chosen;
      event.operation = operation;
      event.clock = thread.stamp.trace;
    }
    ++passed_;
    enter(thread, operation);
    ask([&] { strategy_->executed(events(), races_); });
  }
  if (is_memory(operation.kind)) {
    // Not before: a step that ends the thread is one that was taken, too.
    const bool write = operation.kind == Kind::write;
    look_at(operation.object, operation.size, write,
            (!write || thread.pending_order.modifies) && !thread.pending_copies, operation.pc);
    access_memory(thread, operation);
    return;
  }
  ++thread.stamp.sync.at[thread.id];
  if (is_lock(operation.kind)) {
    perform_lock(thread, operation);
  } else if (operation.kind == Kind::sleep) {
    thread.stamp.sync.join(thread.woken_by.sync);
  } else if (operation.kind == Kind::prepare) {
    thread.woken = thread.timed_out = false;
    thread.woken_by = {};
  } else if (operation.kind == Kind::wake) {
    Thread& other = threads_[operation.object];
    // The first is enough: who comes later has no part in it.
    if (other.woken || other.timed_out) return;
    other.woken = true;
    other.woken_by = thread.stamp;
  } else if (operation.kind == Kind::join) {
    thread.stamp.sync.join(threads_[thread.joined].stamp.sync);
  } else {
    perform_readers(thread, operation);
  }
}

void Engine::perform_lock(Thread& thread, const Operation& operation) {
  Lock& lock = *thread.pending_lock;
  const auto position = passed_;
  const bool shared = is_shared(operation.kind);
  switch (operation.kind) {
    case Kind::try_acquire:
    case Kind::try_acquire_shared:
      thread.tried = lock.free_for(shared);
      if (!thread.tried) {
        lock.failed.set(thread.id, position);
        return;
      }
      [[fallthrough]];
    case Kind::acquire:
    case Kind::acquire_shared:
      thread.stamp.sync.join(lock.released.sync);
      if (shared) {
        lock.shared_by |= mask_of(thread.id);
        lock.sharing.set(thread.id, position);
        return;
      }
      if (!lock.shared_released.empty()) thread.stamp.sync.join(lock.released_shared.sync);
      lock.owner = thread.id;
      lock.acquired_at = position;
      lock.released_at = 0;
      lock.sharing.clear();
      lock.shared_released.clear();
      lock.failed.clear();
      return;
    case Kind::release:
      lock.owner = kNobody;
      lock.released = thread.stamp;
      lock.released_at = position;
      return;
    default:
      lock.shared_by &= ~mask_of(thread.id);
      for (const Held& held : thread.held) {
        if (held.lock == &lock) lock.shared_by |= mask_of(thread.id);  // taken twice
      }
      if (lock.shared_released.empty()) lock.released_shared = {};
      lock.released_shared.join(thread.stamp);
      lock.shared_released.set(thread.id, position);
  }
}

void Engine::perform_readers(Thread& thread, const Operation& operation) {
  switch (operation.kind) {
    case Kind::reader_begin:
      // What was done before a grace period began is seen by readers that begin after it.
      for (unsigned i = 0; i < kMaxThreads; ++i) {
        if (last_of_.grace_begin[i] != 0) thread.stamp.sync.join(last_of_.grace_clock[i]);
      }
      return;
    case Kind::reader_end:
      last_of_.reader_end[thread.id] = thread.stamp;
      for (Grace& grace : graces_) {
        if ((grace.waits & mask_of(thread.id)) == 0) continue;
        grace.waits &= ~mask_of(thread.id);
        grace.ended.join(thread.stamp);
      }
      return;
    case Kind::grace_begin: {
      Grace grace;
      grace.ended = thread.stamp;
      for (unsigned i = 0; i < thread_count_; ++i) {
        const Thread& other = threads_[i];
        // A section that began before us ends before the grace period does, even if it had ended
        // when we began: its end and our beginning could as well have come the other way round.
        grace.ended.join(last_of_.reader_end[i]);
        if (other.readers != 0 && other.phase != Phase::ended) grace.waits |= mask_of(i);
      }
      last_of_.grace_clock[thread.id] = thread.stamp.sync;
      thread.grace = static_cast<std::uint32_t>(graces_.size());
      graces_.push_back(grace);
      return;
    }
    case Kind::grace_end: thread.stamp.join(graces_[thread.grace].ended); return;
    default: return;
  }
}

void Engine::synchronise_memory(Thread& thread, const Operation& operation, std::uint8_t bytes,
                                Cell& cell) {
  const MemoryOrder order = thread.pending_order;
  const bool reads = operation.kind == Kind::read || order.modifies;
  if (reads && cell.points != nullptr) {
    for (const Published& published : cell.points->published) {
      if ((published.bytes & bytes) == 0) continue;
      (order.acquire ? thread.stamp.sync : thread.fence_acquire).join(published.clock);
    }
  }
  if (operation.kind == Kind::read) return;
  Published mine{bytes, order.release ? thread.stamp.sync : thread.fence_release};
  std::vector<Published>& all = cell.with_points().published;
  if (order.modifies) {
    // Who reads our value still synchronises with who wrote the one before.
    for (const Published& published : all) {
      if ((published.bytes & bytes) != 0) mine.clock.join(published.clock);
    }
  }
  std::erase_if(all, [&](const Published& published) { return (published.bytes & ~bytes) == 0; });
  if (mine.clock != Clock{}) all.push_back(mine);
}

/// After the event: the race test, and what the program's own memory orders publish.
void Engine::access_memory(Thread& thread, const Operation& operation) {
  const std::uint32_t time = thread.stamp.sync.at[thread.id]++;
  const std::uint32_t properties = reader_bit(thread) |
                                   (operation.kind == Kind::write ? Access::kWrite : 0) |
                                   (thread.pending_marked ? Access::kMarked : 0);
  const std::uintptr_t last = granule(operation.object + operation.size - 1);
  for (std::uintptr_t at = granule(operation.object); at <= last; ++at) {
    Cell& cell = memory_.at(at);
    const std::uint8_t bytes = bytes_in(at, operation.object, operation.size);
    check_access(at, cell, operation.pc, time, Access::kind_of(thread.id, bytes) | properties);
    const bool reads = operation.kind == Kind::read || thread.pending_order.modifies;
    if (thread.pending_marked && reads) {
      for (Access& other : cell.accesses) {
        if (!other.write() || !other.marked() || other.thread() == thread.id) continue;
        if ((other.bytes() & bytes) == 0) continue;
        memory_.note_seeing(other, {time, 0, thread.id, thread.pending_order.acquire});
      }
    }
    if (thread.pending_marked) synchronise_memory(thread, operation, bytes, cell);
    const auto position = passed_;
    if (reads) thread.seen.push_back({at, position});
    if (operation.kind == Kind::read) {
      thread.last_read = at;
      thread.last_read_at = position;
    }
  }
}

bool Engine::marked(std::uintptr_t address, std::size_t size, bool write, MemoryOrder order,
                    std::uintptr_t pc) {
  if (current_ == nullptr) return true;
  Thread& self = *current_;
  if (write && self.release_next) {
    order.release = true;
    self.release_next = false;
  }
  if (alone_) {
    // What a set-up or an end does to much memory shall cost no more than that takes.
    count_access(pc);
    look_at(address, size, write, !write || order.modifies, pc);
    ++self.stamp.sync.at[self.id];
    return true;
  }
  if (atomics_ != nullptr) {
    atomics_->seen.try_emplace(pc, Atomics::Site{write, order});
    if (pc == atomics_->weakened) order.acquire = order.release = false;
  }
  self.pending_order = order;
  self.pending_marked = true;
  self.pending_copies = false;
  point({write ? Kind::write : Kind::read, static_cast<std::uint8_t>(size), 1, address, pc});
  return atomics_ == nullptr || pc != atomics_->dropped;
}

void Engine::plain_elsewhere(std::uintptr_t address, std::size_t size, bool write,
                             std::uintptr_t pc, bool copies) {
  const Thread& self = *current_;
  if (self.fiber.contains(address) && !memory_.is_promoted(granule(address))) return;
  count_access(pc);
  if (alone_) {
    look_at(address, size, write, !write && !copies, pc);
    return;
  }
  const std::uintptr_t at = granule(address);
  Cell& cell = memory_.at(at);
  if (granule(address + size - 1) != at || cell.promoted) {
    plain_range(address, size, write, pc, copies);
    return;
  }
  const PlainAccess access{pc, write, copies, is_sound(address, size),
                           self.id | reader_bit(self) | (write ? Access::kWrite : 0)};
  note_plain(at, cell, address, size, access);
}

void Engine::plain_range(std::uintptr_t address, std::size_t size, bool write, std::uintptr_t pc,
                         bool copies) {
  Thread& self = *current_;
  const std::uintptr_t last = granule(address + size - 1);
  PlainAccess access{pc, write, copies, is_sound(address, size),
                     self.id | reader_bit(self) | (write ? Access::kWrite : 0)};
  std::uintptr_t from = address;
  for (std::uintptr_t at = granule(address); at <= last; ++at) {
    const std::uintptr_t to = std::min(address + size, (at + 1) << kGranuleShift);
    Cell& cell = memory_.at(at);
    if (cell.promoted) {
      self.pending_order = {};
      self.pending_marked = false;
      self.pending_copies = copies;
      point({write ? Kind::write : Kind::read, static_cast<std::uint8_t>(to - from), 1, from, pc});
      access.sound = is_sound(address, size);  // others may have freed it meanwhile
    } else {
      note_plain(at, cell, from, to - from, access);
    }
    from = to;
  }
}

/// A plain access within one granule that is no scheduling point.
[[gnu::always_inline]] inline void Engine::note_plain(std::uintptr_t at, Cell& cell,
                                                      std::uintptr_t address, std::size_t size,
                                                      const PlainAccess& access) {
  const Thread& self = *current_;
  if (!access.sound) note_unsound(address, size, access.write, access.pc);
  const auto bytes = static_cast<std::uint8_t>(((1U << size) - 1) << (address % 8));
  if (heap_.contains(address)) {
    if (access.write) {
      heap_.set_initialised_within(at, bytes);
    } else if (!access.copies && heap_.has_uninitialised_within(at, bytes)) {
      check_initialised(address, size, false, true, access.pc);
    }
  }
  check_access(at, cell, access.pc, self.stamp.sync.at[self.id],
               access.kind | Access::kind_of(0, bytes));
}

/// The memory may be no living object's, or a stack.  An access to another thread's stack makes
/// that shared memory, also for its owner, from the next execution on.
void Engine::note_unsound(std::uintptr_t address, std::size_t size, bool write, std::uintptr_t pc) {
  check_object(address, size, write, pc);
  if (address - kStackBase < kMaxThreads * kStackStride && memory_.promote(granule(address))) {
    restart_ = true;
  }
}

void Engine::fence(bool acquire, bool release) {
  if (current_ == nullptr || alone_) return;
  Thread& self = *current_;
  if (acquire) {
    self.stamp.sync.join(self.fence_acquire);
    self.acquire_fences.push_back(self.stamp.sync.at[self.id]++);
  }
  if (!release) return;
  ++self.stamp.sync.at[self.id];
  self.fence_release = self.stamp.sync;
}

void Engine::release_next() {
  if (current_ != nullptr) current_->release_next = true;
}

unsigned Engine::choose(unsigned alternatives, std::uintptr_t pc) {
  if (current_ == nullptr || alone_ || alternatives < 2) return 0;
  point({Kind::choose, 0, static_cast<std::uint16_t>(alternatives), 0, pc});
  return current_->chosen;
}

}  // namespace iommucheck::schedule
