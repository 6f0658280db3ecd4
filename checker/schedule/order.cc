// SPDX-License-Identifier: MIT
// The trace order: what an operation depends on, and which earlier steps it could have preceded.
//
// An edge that can be turned round (could_precede) makes the search try the other order.  An edge
// that cannot (comes_after: an unlock before the lock, a reader's end before the end of the grace
// period that waits for it) only orders.  Both must be exact: a missing edge loses executions that
// differ, and a needless order-only edge hides the races of what it orders.
#include "checker/schedule/engine.h"

namespace iommucheck::schedule {

void Engine::could_precede(std::uint32_t position) {
  if (position == 0) return;
  const Event& event = events_[position - 1];
  if (event.thread == depends_ || before_.covers(event.thread, position - 1)) return;
  races_.push_back(position - 1);
  ordered_.join(event.clock);
}

void Engine::comes_after(std::uint32_t position) {
  if (position != 0) ordered_.join(events_[position - 1].clock);
}

void Engine::depend_on_memory(const Operation& operation) {
  const std::uintptr_t last = granule(operation.object + operation.size - 1);
  for (std::uintptr_t at = granule(operation.object); at <= last; ++at) {
    depend_on_granule(operation, memory_.at(at));
  }
}

void Engine::depend_on_granule(const Operation& operation, const Cell& cell) {
  ThreadMask others = cell.readers & ~mask_of(depends_);
  if (operation.kind != Kind::write || others == 0) {
    could_precede(cell.last_write);
    return;
  }
  // Behind the reads, which are behind the write: that one cannot be turned round directly.
  comes_after(cell.last_write);
  for (; others != 0; others &= others - 1) {
    could_precede(cell.points->read_at[static_cast<unsigned>(__builtin_ctz(others))]);
  }
}

void Engine::depend_on_lock(const Thread& thread, const Operation& operation) {
  const Lock& lock = *thread.pending_lock;
  const bool shared = is_shared(operation.kind);
  const auto race = [this](std::uint32_t position) { could_precede(position); };
  switch (operation.kind) {
    case Kind::acquire:
    case Kind::acquire_shared:
      could_precede(lock.acquired_at);
      ordered_.join(lock.released.trace);
      // Who tried in vain to have it alone would have failed because of us, too.
      lock.failed.for_each(race);
      if (shared) return;
      if (!lock.shared_released.empty()) ordered_.join(lock.released_shared.trace);
      lock.sharing.for_each(race);
      return;
    case Kind::try_acquire:
    case Kind::try_acquire_shared:
      // Whether it succeeds depends on everything that has happened to the lock.
      could_precede(lock.acquired_at);
      could_precede(lock.released_at);
      lock.failed.for_each(race);
      if (shared) return;
      lock.sharing.for_each(race);
      lock.shared_released.for_each(race);
      return;
    default: lock.failed.for_each(race);
  }
}

/// The first write of a granule behind a position, which is what ends the wait for one: those
/// after it have no part in it.  0: none.
std::uint32_t Engine::first_write(std::uintptr_t at, std::uint32_t behind) const {
  for (std::uint32_t i = behind; i < passed_; ++i) {
    const Operation& operation = events_[i].operation;
    if (operation.kind == Kind::write && granule(operation.object) <= at &&
        at <= granule(operation.object + operation.size - 1)) {
      return i + 1;
    }
  }
  return 0;
}

/// Fills races_ and ordered_ for what `thread` is about to do.
void Engine::depend(const Thread& thread, const Operation& operation) {
  races_.clear();
  before_ = thread.stamp.trace;
  ordered_ = before_;
  depends_ = thread.id;
  switch (operation.kind) {
    case Kind::start:
    case Kind::choose:
    case Kind::reader_end: return;
    case Kind::read:
    case Kind::write: depend_on_memory(operation); return;
    case Kind::reader_begin:
      for (const std::uint32_t position : last_of_.grace_begin) could_precede(position);
      return;
    case Kind::grace_begin:
      for (const std::uint32_t position : last_of_.reader_begin) could_precede(position);
      return;
    case Kind::grace_end: ordered_.join(graces_[thread.grace].ended.trace); return;
    case Kind::sleep: ordered_.join(thread.woken_by.trace); return;
    case Kind::await: comes_after(first_write(operation.object, thread.last_read_at)); return;
    case Kind::yield:
      // Which of several writes ends the wait is open: a read of each place.
      for (const Seen& seen : thread.seen) depend_on_granule(operation, memory_.at(seen.at));
      return;
    case Kind::prepare:
    case Kind::wake: could_precede(last_of_.wake[operation.object]); return;
    case Kind::join: ordered_.join(threads_[thread.joined].stamp.trace); return;
    default: depend_on_lock(thread, operation);
  }
}

/// Notes the event that has just been added, for those that will depend on it.
void Engine::enter(const Thread& thread, const Operation& operation) {
  const auto position = passed_;
  if (is_memory(operation.kind)) {
    const std::uintptr_t last = granule(operation.object + operation.size - 1);
    for (std::uintptr_t at = granule(operation.object); at <= last; ++at) {
      Cell& cell = memory_.at(at);
      if (operation.kind == Kind::write) {
        cell.last_write = position;
        cell.readers = 0;
      } else {
        cell.readers |= mask_of(thread.id);
        cell.with_points().read_at[thread.id] = position;
      }
    }
  } else if (operation.kind == Kind::yield) {
    for (const Seen& seen : thread.seen) {
      Cell& cell = memory_.at(seen.at);
      cell.readers |= mask_of(thread.id);
      cell.with_points().read_at[thread.id] = position;
    }
  } else if (is_wake(operation.kind)) {
    last_of_.used = true;
    last_of_.wake[operation.object] = position;
  } else if (operation.kind == Kind::reader_begin) {
    last_of_.used = true;
    last_of_.reader_begin[thread.id] = position;
  } else if (operation.kind == Kind::grace_begin) {
    last_of_.used = true;
    last_of_.grace_begin[thread.id] = position;
  }
}

/// The execution is over: who still waits might have gone on if others had been slower.
void Engine::tell_waiting() {
  for (unsigned i = 1; i < thread_count_; ++i) {
    const Thread& thread = threads_[i];
    if (thread.phase != Phase::ready) continue;
    depend(thread, pending_[i]);
    strategy_->left_waiting(events(), thread.id, ordered_, races_);
  }
}

}  // namespace iommucheck::schedule
