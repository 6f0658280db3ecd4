// SPDX-License-Identifier: MIT
// The kernel's locks by their out-of-line names, and what lockdep asks about them.
#include <array>

#include "checker/schedule/client.h"
#include "impl/linux/scheduled/contexts.h"
#include "impl/linux/scheduled/program.h"

namespace {

/// rcu_read_lock() and its like, for each thread of the engine's: what lockdep knows of readers.
std::array<unsigned, 16> read_locks;
const iommucheck::linux_harness::scheduled::Restored restore{&read_locks, sizeof(read_locks)};
unsigned& my_read_locks() { return read_locks.at(static_cast<std::size_t>(ck_self())); }

/// What annotations alone say is held, of other kinds (readers of SRCU), for each thread.
std::array<std::array<const void*, 4>, 16> annotated;
const iommucheck::linux_harness::scheduled::Restored kRestoreAnnotated{&annotated,
                                                                       sizeof(annotated)};
/// Puts `to` where `from` is.
bool annotate(const void* from, const void* to) {
  for (const void*& map : annotated.at(static_cast<std::size_t>(ck_self()))) {
    if (map != from) continue;
    map = to;
    return true;
  }
  return false;
}

namespace scheduled = iommucheck::linux_harness::scheduled;

void take_spinning(const void* lock) {
  scheduled::stop_preemption();
  scheduled::note_spinning(lock);
  ck_lock(lock);
  scheduled::hold_spinning(lock);
}
void drop_spinning(const void* lock) {
  scheduled::forget_spinning(lock);
  ck_unlock(lock);
  scheduled::allow_preemption();
}

}  // namespace

// What lockdep's annotations name; the kernel declares them as struct lockdep_map.
// NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the kernel's names
extern "C" {

char rcu_lock_map[256], rcu_bh_lock_map[256], rcu_sched_lock_map[256], rcu_callback_map[256];

namespace {
bool is_rcu(const void* map) {
  return map == rcu_lock_map || map == rcu_bh_lock_map || map == rcu_sched_lock_map;
}
}  // namespace

// ---- spin locks ----

void __raw_spin_lock_init(void* lock, const char*, void*, short) { ck_write(lock, 1); }
void _raw_spin_lock(void* lock) { take_spinning(lock); }
void _raw_spin_lock_nested(void* lock, int) { take_spinning(lock); }
void _raw_spin_lock_bh(void* lock) {
  scheduled::disable_soft_interrupts();
  take_spinning(lock);
}
void _raw_spin_lock_irq(void* lock) {
  scheduled::disable_interrupts();
  take_spinning(lock);
}
unsigned long _raw_spin_lock_irqsave(void* lock) {
  const unsigned depth = scheduled::disable_interrupts();
  take_spinning(lock);
  return depth;
}
void _raw_spin_unlock(void* lock) { drop_spinning(lock); }
void _raw_spin_unlock_bh(void* lock) {
  drop_spinning(lock);
  scheduled::enable_soft_interrupts();
}
void _raw_spin_unlock_irq(void* lock) {
  drop_spinning(lock);
  scheduled::restore_interrupts(0);
}
void _raw_spin_unlock_irqrestore(void* lock, unsigned long depth) {
  drop_spinning(lock);
  scheduled::restore_interrupts(static_cast<unsigned>(depth));
}
int _raw_spin_trylock(void* lock) {
  scheduled::stop_preemption();
  // Who only tries does not wait for the thread that it has interrupted.
  if (ck_trylock(lock) == 0) {
    scheduled::allow_preemption();
    return 0;
  }
  scheduled::note_spinning(lock);
  scheduled::hold_spinning(lock);
  return 1;
}

// ---- mutexes ----

void __mutex_init(void* lock, const char*, void*) { ck_write(lock, 1); }
void mutex_lock_nested(void* lock, unsigned) {
  ck_may_sleep("mutex_lock()");
  ck_lock(lock);
}
void mutex_lock(void* lock) { mutex_lock_nested(lock, 0); }
int mutex_lock_interruptible_nested(void* lock, unsigned) {
  mutex_lock_nested(lock, 0);
  return 0;
}
int mutex_lock_killable_nested(void* lock, unsigned) {
  mutex_lock_nested(lock, 0);
  return 0;
}
int mutex_trylock(void* lock) { return ck_trylock(lock); }
void mutex_unlock(void* lock) { ck_unlock(lock); }
/// Asked by whoever should hold it: what others hold may have changed before the answer comes.
bool mutex_is_locked(const void* lock) { return ck_holds(lock) != 0; }
void mutex_destroy(void* lock) {
  if (ck_holds(lock) != 0) ck_report("lock destroyed while held", "mutex_destroy()");
}

// ---- semaphores of readers and writers ----

void __init_rwsem(void* lock, const char*, void*) { ck_write(lock, 1); }
void down_read(void* lock) {
  ck_may_sleep("down_read()");
  ck_lock_shared(lock);
}
void down_read_nested(void* lock, int) { down_read(lock); }
void down_write(void* lock) {
  ck_may_sleep("down_write()");
  ck_lock(lock);
}
void down_write_nested(void* lock, int) { down_write(lock); }
int down_read_trylock(void* lock) { return ck_trylock_shared(lock); }
int down_write_trylock(void* lock) { return ck_trylock(lock); }
void up_read(void* lock) { ck_unlock_shared(lock); }
void up_write(void* lock) { ck_unlock(lock); }

// ---- lockdep ----

void lock_acquire(void* map, unsigned, int, int, int, void*, unsigned long) {
  if (!is_rcu(map)) {
    annotate(nullptr, map);
    return;
  }
  ++my_read_locks();
  ck_reader_begin();
}
void lock_release(void* map, unsigned long) {
  if (!is_rcu(map)) {
    annotate(map, nullptr);
    return;
  }
  if (my_read_locks() == 0) {
    ck_report("unbalanced unlock", "rcu_read_unlock() outside of a reader");
    return;
  }
  --my_read_locks();
  ck_reader_end();
}
/// The map of a lock lies inside the lock.
int lock_is_held_type(const void* map, int) {
  if (is_rcu(map)) return my_read_locks() != 0 ? 1 : 0;
  for (const unsigned long offset : kh_facts.lockdep_map) {
    if (ck_holds(static_cast<const char*>(map) - offset) != 0) return 1;
  }
  return map != nullptr && annotate(map, map) ? 1 : 0;
}
int debug_lockdep_rcu_enabled() { return 1; }
int rcu_read_lock_held() { return my_read_locks() != 0 ? 1 : 0; }
/// Since 5.0 a region that cannot be preempted is a reader as well.
int rcu_read_lock_sched_held() { return ck_reader_depth() != 0 || ck_atomic_depth() > 0 ? 1 : 0; }
int rcu_read_lock_bh_held() { return rcu_read_lock_sched_held(); }
int rcu_read_lock_any_held() { return rcu_read_lock_sched_held(); }

int debug_locks = 1, debug_locks_silent, oops_in_progress;
int debug_locks_off() { return 0; }

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
