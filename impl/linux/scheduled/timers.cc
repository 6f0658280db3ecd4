// SPDX-License-Identifier: MIT
// Timers: one that is armed may fire at any instant, as an actor, or not before the scenario's end.
//
// What fires when is no matter of `expires`.  The function runs as a soft interrupt.  A timer that
// is armed by actors again and again (its own function, work items, interrupts) fires so often that
// way and no more: from then on it stays pending.  What is pending when the target has cleaned up
// fires then, each once: a timer whose memory is freed shows.
#include <array>
#include <cstdint>

#include "checker/schedule/client.h"
#include "impl/linux/scheduled/contexts.h"

namespace {

namespace scheduled = iommucheck::linux_harness::scheduled;

/// struct timer_list begins like this; lockdep's part follows.
struct TimerList {
  void *next, *pprev;  ///< pprev: pending; timer_pending() looks at it
  unsigned long expires;
  void (*function)(TimerList*);
  unsigned flags;
};

/// What is known of a timer without a look at its memory, which may be gone.  Under its base lock.
struct Armed {
  std::uintptr_t hidden;  ///< the timer; 0: none
  bool pending;
  bool has_actor;    ///< that has not looked yet whether the timer is still pending
  unsigned rearmed;  ///< by actors
};
TimerList* timer_of(const Armed& one) {
  return reinterpret_cast<TimerList*>(~one.hidden);  // NOLINT(performance-no-int-to-ptr)
}
constexpr unsigned kMostTimers = 32;
constexpr unsigned kMostRearmed = 2;
std::array<Armed, kMostTimers> armed_timers;
const scheduled::Restored kRestoreTimers{&armed_timers, sizeof(armed_timers)};

Armed& armed(TimerList* timer) {
  const std::uintptr_t hidden = scheduled::hidden(timer);
  for (Armed& one : armed_timers) {
    if (one.hidden == 0) one.hidden = hidden;
    if (one.hidden == hidden) return one;
  }
  ck_report_fatal("too many timers", "more than the harness keeps");
  return armed_timers.front();
}

// Locks that lie nowhere: a function may free its timer.
const void* beside(const TimerList* timer, unsigned offset) {
  // NOLINTNEXTLINE(performance-no-int-to-ptr): a name
  return reinterpret_cast<const void*>(~(reinterpret_cast<std::uintptr_t>(timer) + offset));
}
/// In place of the lock of the timer's base.
const void* base_of(const TimerList* timer) { return beside(timer, 0); }
/// Held while the function runs.
const void* running(const TimerList* timer) { return beside(timer, 1); }

void set_pending(TimerList* timer, bool pending) {
  ck_marked_write(&timer->pprev, sizeof(timer->pprev), CK_RELAXED);
  timer->pprev = pending ? timer : nullptr;
  armed(timer).pending = pending;
}

/// Under the base lock.
bool detach(TimerList* timer) {
  if (!armed(timer).pending) return false;
  set_pending(timer, false);
  return true;
}

void call(TimerList* timer, void (*function)(TimerList*)) {
  scheduled::enter_interrupt(CK_SOFT_INTERRUPT);
  ck_reader_begin();
  function(timer);
  ck_reader_end();
  scheduled::leave_interrupt(CK_SOFT_INTERRUPT);
}

void fire(void* argument) {
  auto* const timer = static_cast<TimerList*>(argument);
  const bool stays = ck_choose(2) == 1;
  if (!stays) ck_lock(running(timer));
  ck_lock(base_of(timer));
  armed(timer).has_actor = false;
  void (*function)(TimerList*) = nullptr;
  if (!stays && armed(timer).pending) {
    ck_read(&timer->function, sizeof(timer->function));
    function = timer->function;
    detach(timer);
  }
  ck_unlock(base_of(timer));
  if (function != nullptr) call(timer, function);
  if (!stays) ck_unlock(running(timer));
}

/// Under the base lock.
void start_if_needed(Armed& one) {
  if (one.has_actor || ck_self() == 0) return;
  if (static_cast<unsigned>(ck_self()) > scheduled::scenario_threads() &&
      ++one.rearmed > kMostRearmed) {
    return;
  }
  one.has_actor = true;
  scheduled::start_actor("timer", fire, timer_of(one));
}

enum class Only : std::uint8_t { always, pending, not_pending };

int arm(TimerList* timer, unsigned long expires, Only only) {
  ck_lock(base_of(timer));
  const bool was = armed(timer).pending;
  ck_read(&timer->function, sizeof(timer->function));
  // One without a function is shut down.
  const bool wanted = only == Only::always || (only == Only::pending) == was;
  if (wanted && timer->function != nullptr) {
    ck_write(&timer->expires, sizeof(timer->expires));
    timer->expires = expires;
    if (!was) {
      set_pending(timer, true);
      start_if_needed(armed(timer));
    }
  }
  ck_unlock(base_of(timer));
  return was ? 1 : 0;
}

int disarm(TimerList* timer, bool shuts_down) {
  ck_lock(base_of(timer));
  const bool was = detach(timer);
  if (shuts_down) {
    ck_write(&timer->function, sizeof(timer->function));
    timer->function = nullptr;
  }
  ck_unlock(base_of(timer));
  return was ? 1 : 0;
}

int disarm_and_wait(TimerList* timer, bool shuts_down) {
  if (scheduled::inside_interrupt(CK_HARD_INTERRUPT))
    ck_report("WARN_ON", "timer_delete_sync() in a hard interrupt");
  ck_lock(running(timer));
  const int was = disarm(timer, shuts_down);
  ck_unlock(running(timer));
  return was;
}

void add(TimerList* timer) {
  ck_read(&timer->expires, sizeof(timer->expires));
  if (arm(timer, timer->expires, Only::not_pending) != 0)
    ck_report("WARN_ON", "add_timer() of a timer that is pending");
}

}  // namespace

extern "C" unsigned kh_let_time_pass() {
  unsigned fired = 0;
  for (Armed& one : armed_timers) {
    if (!one.pending) continue;
    TimerList* const timer = timer_of(one);
    ck_read(&timer->function, sizeof(timer->function));
    void (*function)(TimerList*) = timer->function;
    set_pending(timer, false);
    call(timer, function);
    ++fired;
  }
  return fired;
}

extern "C" unsigned kh_pending_timers() {
  unsigned pending = 0;
  for (const Armed& one : armed_timers) pending += one.pending ? 1 : 0;
  return pending;
}

namespace iommucheck::linux_harness::scheduled {

void start_timers() {
  for (Armed& one : armed_timers) {
    if (!one.pending || one.has_actor) continue;
    one.has_actor = true;
    start_actor("timer", fire, timer_of(one));
  }
}

void end_timers() { kh_let_time_pass(); }

}  // namespace iommucheck::linux_harness::scheduled

// NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the kernel's names
extern "C" {

/// Time does not pass by itself: what waits for it waits for actors.
unsigned long jiffies = 1000;
unsigned long __msecs_to_jiffies(unsigned milliseconds) { return milliseconds; }
unsigned long __usecs_to_jiffies(unsigned microseconds) { return (microseconds + 999) / 1000; }

void init_timer_key(TimerList* timer, void (*function)(TimerList*), unsigned flags, const char*,
                    void*) {
  ck_write(timer, sizeof(*timer));
  *timer = TimerList{nullptr, nullptr, 0, function, flags};
}

int mod_timer(TimerList* timer, unsigned long expires) { return arm(timer, expires, Only::always); }
int mod_timer_pending(TimerList* timer, unsigned long expires) {
  return arm(timer, expires, Only::pending);
}
int timer_reduce(TimerList* timer, unsigned long expires) {
  return arm(timer, expires, Only::always);
}
void add_timer(TimerList* timer) { add(timer); }
void add_timer_local(TimerList* timer) { add(timer); }
void add_timer_global(TimerList* timer) { add(timer); }
void add_timer_on(TimerList* timer, int) { add(timer); }

/// POSIX has a function of this name.
int kh_timer_delete(TimerList* timer) __asm__("timer_delete");
int kh_timer_delete(TimerList* timer) { return disarm(timer, false); }
int timer_delete_sync(TimerList* timer) { return disarm_and_wait(timer, false); }
int timer_shutdown(TimerList* timer) { return disarm(timer, true); }
int timer_shutdown_sync(TimerList* timer) { return disarm_and_wait(timer, true); }
int try_to_del_timer_sync(TimerList* timer) {
  if (ck_trylock(running(timer)) == 0) return -1;
  const int was = disarm(timer, false);
  ck_unlock(running(timer));
  return was;
}
// Before 6.2.
int del_timer(TimerList* timer) { return kh_timer_delete(timer); }
int del_timer_sync(TimerList* timer) { return timer_delete_sync(timer); }

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
