// SPDX-License-Identifier: MIT
// Programs for the detectors of locks, sleep and loops.
#include "tests/checker/schedule/kernel_words.h"

namespace iommucheck::schedule::programs {
namespace {

// ---- deadlock and lock order ----

template <char State::*First, char State::*Second>
void take_both(void*) {
  ck_lock(&(state.*First));
  ck_lock(&(state.*Second));
  ck_unlock(&(state.*Second));
  ck_unlock(&(state.*First));
}
constexpr auto kAb = take_both<&State::lock_a, &State::lock_b>;
constexpr auto kBa = take_both<&State::lock_b, &State::lock_a>;
constexpr auto kBc = take_both<&State::lock_b, &State::lock_c>;
constexpr auto kCa = take_both<&State::lock_c, &State::lock_a>;
void ab_then_ba(void*) {
  kAb(nullptr);
  kBa(nullptr);
}
void ab_below_c(void*) {
  ck_lock(&state.lock_c);
  kAb(nullptr);
  ck_unlock(&state.lock_c);
}
void ba_below_c(void*) {
  ck_lock(&state.lock_c);
  kBa(nullptr);
  ck_unlock(&state.lock_c);
}
void a_try_b(void*) {
  lock_a();
  if (ck_trylock(&state.lock_b) != 0) unlock_b();
  unlock_a();
}
const std::set<std::string> kInversion{"lock-order inversion"};
const std::set<std::string> kDeadlock{"deadlock", "lock-order inversion"};
const Expecting deadlock_ab_ba{"deadlock_ab_ba", kDeadlock, {kAb, kBa}};
const Expecting deadlock_cycle{"deadlock_cycle", kDeadlock, {kAb, kBc, kCa}};
const Expecting inversion_one_thread{"inversion_one_thread", kInversion, {ab_then_ba}};
const Expecting inversion_gated{"inversion_gated", kInversion, {ab_below_c, ba_below_c}};
const Expecting order_kept{"order_kept", {}, {kAb, kBc, kAb}};
const Expecting order_tried{"order_tried", {}, {a_try_b, kBa}};

// Two of them, through the program's one lock function.
[[gnu::noinline]] void take(const char& lock) { ck_lock(&lock); }
void take_in_order(const char& first, const char& second) {
  take(first);
  take(second);
  ck_unlock(&second);
  ck_unlock(&first);
}
void invert_twice(void*) {
  take_in_order(state.lock_a, state.lock_b);
  take_in_order(state.lock_b, state.lock_a);
  take_in_order(state.lock_b, state.lock_c);
  take_in_order(state.lock_c, state.lock_b);
}
const Expecting two_inversions{"two_inversions", kInversion, {invert_twice}};

// Locks that are taken in an interrupt, and where one may come.
template <unsigned Inside, unsigned Open>
void used_a(void*) {
  ck_lock_use(&state.lock_a, Inside, Open);
  lock_a();
  unlock_a();
}
constexpr unsigned kHard = CK_HARD_INTERRUPT, kSoft = CK_SOFT_INTERRUPT;
const std::set<std::string> kLockUse{"lock taken in an interrupt"};
const Expecting use_in_interrupt{"use_in_interrupt", kLockUse, {used_a<kHard, 0>, used_a<0, 3>}};
const Expecting use_in_soft_interrupt{
    "use_in_soft_interrupt", kLockUse, {used_a<kSoft, kHard>, used_a<0, kSoft>}};
const Expecting use_disabled{"use_disabled", {}, {used_a<kHard, 0>, used_a<0, 0>}};
const Expecting use_soft_disabled{"use_soft_disabled", {}, {used_a<kSoft, kHard>, used_a<0, 1>}};
void used_a_or_open(void*) {
  if (ck_choose(2) == 0) {
    used_a<kHard, 0>(nullptr);
  } else {
    used_a<0, 3>(nullptr);
  }
}
const Expecting use_by_choice{"use_by_choice", kLockUse, {used_a_or_open}};

// The two orders never meet in one execution.
void ab_or_ba(void*) {
  if (ck_choose(2) == 0) {
    kAb(nullptr);
  } else {
    kBa(nullptr);
  }
}
const Expecting inversion_by_choice{"inversion_by_choice", kInversion, {ab_or_ba}};

// The same address, another lock: objects of two executions are not the same object.
template <int Size>
char* new_lock() {
  return static_cast<char*>(ck_alloc(Size, 8, 1));
}
void order_of_new_locks(void*) {
  char* first;
  char* second;
  const bool turned = ck_choose(2) != 0;
  if (turned) {
    asm volatile("nop");  // or clang makes the branches one, and the places where locks come from
    second = new_lock<8>();
    first = new_lock<8>();
  } else {
    first = new_lock<8>();
    second = new_lock<8>();
  }
  ck_lock(first);
  ck_lock(second);
  ck_unlock(second);
  ck_unlock(first);
  ck_free(first);
  ck_free(second);
}
const Expecting order_of_new{"order_of_new", {}, {order_of_new_locks}};

void wait_below_lock(void*) {
  lock_a();
  ck_synchronize();
  unlock_a();
}
void lock_in_reader(void*) {
  ck_reader_begin();
  lock_a();
  unlock_a();
  ck_reader_end();
}
const Expecting deadlock_rcu{"deadlock_rcu", {"deadlock"}, {wait_below_lock, lock_in_reader}};

// ---- one thread and its locks ----

void lock_twice(void*) {
  lock_a();
  lock_a();
}
void lock_shared_twice(void*) {
  ck_lock_shared(&state.lock_a);
  ck_lock_shared(&state.lock_a);
  ck_unlock_shared(&state.lock_a);
  ck_unlock_shared(&state.lock_a);
}
void lock_upgrade(void*) {
  ck_lock_shared(&state.lock_a);
  lock_a();
}
void lock_try_twice(void*) {
  lock_a();
  if (ck_trylock(&state.lock_a) != 0) ck_report("test", "the lock was taken twice");
  unlock_a();
}
const Expecting recursive{"recursive", {"recursive lock"}, {lock_twice}};
const Expecting recursive_upgrade{"recursive_upgrade", {"recursive lock"}, {lock_upgrade}};
const Expecting recursive_shared{"recursive_shared", {}, {lock_shared_twice, lock_shared_twice}};
const Expecting recursive_try{"recursive_try", {}, {lock_try_twice}};

void unlock_only(void*) { unlock_a(); }
void unlock_twice(void*) {
  lock_a();
  unlock_a();
  unlock_a();
}
void unlock_shared_only(void*) {
  lock_a();
  ck_unlock_shared(&state.lock_a);
}
void end_reader_only(void*) { ck_reader_end(); }
void unlock_out_of_order(void*) {
  lock_a();
  lock_b();
  unlock_a();
  unlock_b();
}
const Expecting unbalanced{"unbalanced", {"unbalanced unlock"}, {unlock_only}};
const Expecting unbalanced_twice{"unbalanced_twice", {"unbalanced unlock"}, {unlock_twice}};
const Expecting unbalanced_shared{"unbalanced_shared", {"unbalanced unlock"}, {unlock_shared_only}};
const Expecting unbalanced_reader{"unbalanced_reader", {"unbalanced unlock"}, {end_reader_only}};
const Expecting balanced_out_of_order{"balanced_out_of_order", {}, {unlock_out_of_order}};

void return_locked(void*) {
  ck_call_begin("call");
  lock_a();
  ck_call_end("0");
  unlock_a();
}
void return_unlocked(void*) {
  ck_call_begin("call");
  lock_a();
  unlock_a();
  ck_call_end("0");
}
void call_below_lock(void*) {
  lock_a();
  ck_call_begin("call");
  lock_b();
  unlock_b();
  ck_call_end("0");
  unlock_a();
}
void return_in_reader(void*) {
  ck_call_begin("call");
  ck_reader_begin();
  ck_call_end("0");
  ck_reader_end();
}
void call_in_reader(void*) {
  ck_reader_begin();
  ck_call_begin("call");
  ck_reader_begin();
  ck_reader_end();
  ck_call_end("0");
  ck_reader_end();
}
void end_locked(void*) { lock_a(); }
void end_in_reader(void*) { ck_reader_begin(); }
const std::set<std::string> kHeld{"lock held on return"};
const Expecting held_by_call{"held_by_call", kHeld, {return_locked}};
const Expecting held_reader_by_call{"held_reader_by_call", kHeld, {return_in_reader}};
const Expecting held_at_end{"held_at_end", kHeld, {end_locked}};
const Expecting held_reader_at_end{"held_reader_at_end", kHeld, {end_in_reader}};
const Expecting held_not{"held_not", {}, {return_unlocked}};
const Expecting held_by_caller{"held_by_caller", {}, {call_below_lock}};
const Expecting held_reader_by_caller{"held_reader_by_caller", {}, {call_in_reader}};
const Expecting held_in_finish{
    "held_in_finish", kHeld, {return_unlocked}, nullptr, [] { lock_a(); }};

// ---- sleep ----

void sleep_in_atomic(void*) {
  ck_atomic_enter();
  ck_may_sleep("mutex_lock()");
  ck_atomic_leave();
}
void sleep_in_reader(void*) {
  ck_reader_begin();
  ck_may_sleep("mutex_lock()");
  ck_reader_end();
}
void sleep_behind(void*) {
  ck_atomic_enter();
  ck_atomic_leave();
  ck_reader_begin();
  ck_reader_end();
  ck_may_sleep("mutex_lock()");
}
const Expecting sleep_atomic{"sleep_atomic", {"sleep in atomic context"}, {sleep_in_atomic}};
const Expecting sleep_reader{"sleep_reader", {"sleep in atomic context"}, {sleep_in_reader}};
const Expecting sleep_legal{"sleep_legal", {}, {sleep_behind}};

void set_and_wake(void*) {
  write_once(state.flag, 1);
  ck_wake(1);
}
void prepare_then_look(void*) {
  ck_prepare_to_sleep();
  if (read_once(state.flag) == 0) ck_sleep(0);
}
void look_then_prepare(void*) {
  if (read_once(state.flag) != 0) return;
  ck_prepare_to_sleep();
  ck_sleep(0);
}
void prepare_then_sleep(void*) {
  ck_prepare_to_sleep();
  ck_sleep(0);
}
void sleep_a_while(void*) {
  ck_prepare_to_sleep();
  ck_sleep(1);
}
void only_wake(void*) { ck_wake(1); }
void wake_then_set(void*) {
  ck_wake(1);
  write_once(state.flag, 1);
}
const Expecting wake_legal{"wake_legal", {}, {prepare_then_look, set_and_wake}};
const Expecting wake_looked_early{
    "wake_looked_early", {"lost wake-up"}, {look_then_prepare, set_and_wake}};
const Expecting wake_not_looked{
    "wake_not_looked", {"lost wake-up"}, {prepare_then_sleep, only_wake}};
const Expecting wake_too_early{
    "wake_too_early", {"lost wake-up"}, {prepare_then_look, wake_then_set}};
const Expecting wake_nobody{"wake_nobody", {"lost wake-up"}, {prepare_then_sleep}};
const Expecting wake_timeout{"wake_timeout", {}, {sleep_a_while, sleep_a_while}};

// ---- what comes behind a report ----

// A thread that a report ends has taken its last step: what the others do still has every order.
void set_flag(void*) { write_once(state.flag, 1); }
void report_flag(void*) {
  if (read_once(state.flag) == 0) {
    ck_report("saw zero", "in this order");
  } else {
    ck_report("saw one", "in this order");
  }
}
void write_through_null(void*) { write_once(read_once(state.device)->users, 1); }
const Expecting dead_and_others{"dead_and_others",
                                {"NULL dereference", "saw one", "saw zero"},
                                {write_through_null, set_flag, report_flag}};
void say_and_go_on(void*) {
  ck_report("WARN", "the thread goes on");
  ck_report("WARN", "the thread goes on");
  ck_report_fatal("BUG", "the thread does not");
  ck_report("behind", "not reached");
}
const Expecting warn_and_bug{"warn_and_bug", {"WARN", "BUG"}, {say_and_go_on}};

// ---- limits ----

void say_nothing(void*) {}
void allocate_too_much(void*) { use(ck_alloc(16UL << 20U, 8, 0)); }
void spawn_too_many(void*) {
  for (int i = 0; i < 20; ++i) ck_join(ck_spawn("child", say_nothing, nullptr));
}
const Expecting limit_memory{"limit_memory", {"out of memory"}, {allocate_too_much}};
const Expecting limit_threads{"limit_threads", {"too many threads"}, {spawn_too_many}};

// ---- loops ----

void spin(void*) {
  while (read_once(state.flag) == 0) {}
}
void spin_plain(void*) {
  for (;;) {
    ++state.data;
    asm volatile("" : : : "memory");
  }
}
void await_flag(void*) {
  while (read_once(state.flag) == 0) ck_await();
}
void count_up(void*) {
  for (int i = 0; i < 100; ++i) write_once(state.flag, i);
}
const Expecting loop_marked{"loop_marked", {"endless loop"}, {spin}};
const Expecting loop_plain{"loop_plain", {"endless loop"}, {spin_plain}};
const Expecting loop_ends{"loop_ends", {}, {count_up}};
const Expecting loop_awaits{"loop_awaits", {}, {await_flag, set_flag}};
const Expecting loop_awaits_in_vain{"loop_awaits_in_vain", {"deadlock"}, {await_flag}};
void look_at_flag(void*) { use(read_once(state.flag)); }
// The wait ends with the first write; the second may come before the next look, or behind it.
template <int Value>
void set_to(void*) {
  write_once(state.flag, Value);
}
void await_and_tell(void*) {
  while (read_once(state.flag) == 0) ck_await();
  const int first = read_once(state.flag);
  const int second = read_once(state.flag);
  const char kind[] = {
      's', 'a', 'w', ' ', static_cast<char>('0' + first), static_cast<char>('0' + second), 0};
  ck_report(kind, "in this order");
}
const Expecting loop_awaits_two{"loop_awaits_two",
                                {"saw 11", "saw 12", "saw 22", "saw 21"},
                                {set_to<1>, await_and_tell, set_to<2>}};
/// Either of two writes ends the wait, and the other one may come at any time.
void set_data(void*) { write_once(state.data, 1); }
void yield_and_tell(void*) {
  for (;;) {
    const int flag = read_once(state.flag);
    const int data = read_once(state.data);
    if (flag + data != 0) {
      const char kind[] = {
          's', 'a', 'w', ' ', static_cast<char>('0' + flag), static_cast<char>('0' + data), 0};
      ck_report(kind, "in this order");
      return;
    }
    ck_yield();
  }
}
const Expecting loop_yields{
    "loop_yields", {"saw 01", "saw 10", "saw 11"}, {set_flag, yield_and_tell, set_data}};
const Expecting loop_yields_in_vain{"loop_yields_in_vain", {"deadlock"}, {yield_and_tell}};
void loop_at_the_end() { spin(nullptr); }
const Expecting loop_in_finish{
    "loop_in_finish", {"endless loop"}, {look_at_flag}, nullptr, loop_at_the_end};

}  // namespace
}  // namespace iommucheck::schedule::programs
