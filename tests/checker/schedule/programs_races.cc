// SPDX-License-Identifier: MIT
// Programs for the race detector: each way to order two accesses, and each with one part missing.
#include "tests/checker/schedule/kernel_words.h"

namespace iommucheck::schedule::programs {
namespace {

const std::set<std::string> kRace{"data race"};

void plain_write(void*) { state.data = 1; }
void plain_read(void*) { use(state.data); }
void marked_write(void*) { write_once(state.data, 1); }
void marked_read(void*) { use(read_once(state.data)); }
void atomic_add(void*) { __atomic_fetch_add(&state.data, 1, __ATOMIC_RELAXED); }

const Expecting race_plain{"race_plain", kRace, {plain_write, plain_read}};
const Expecting race_writes{"race_writes", kRace, {plain_write, plain_write}};
const Expecting race_marked_read{"race_marked_read", kRace, {plain_write, marked_read}};
const Expecting race_marked_write{"race_marked_write", kRace, {marked_write, plain_read}};
const Expecting race_atomic{"race_atomic", kRace, {atomic_add, plain_read}};
const Expecting race_not_marked{
    "race_not_marked", {}, {marked_write, marked_read, atomic_add, marked_write}};
const Expecting race_not_reads{"race_not_reads", {}, {plain_read, plain_read, marked_read}};

template <int Byte>
void write_byte(void*) {
  state.bytes[Byte] = 1;
}
void write_half(void*) { ck_write(&state.bytes[0], 4); }
const Expecting race_not_same_byte{
    "race_not_same_byte", {}, {write_byte<3>, write_byte<4>, write_byte<7>}};
const Expecting race_not_other_half{"race_not_other_half", {}, {write_half, write_byte<4>}};
const Expecting race_same_half{"race_same_half", kRace, {write_half, write_byte<3>}};

// Who has seen a marked write tells others: for them it is over, and it alone.
void write_flag(void*) { write_once(state.flag, 1); }
void write_flag_behind_data(void*) {
  state.data = 1;
  write_once(state.flag, 1);
}
void see_flag_and_tell(void*) {
  if (load_acquire(state.flag) != 0) store_release(state.ready, 1);
}
void see_flag_relaxed_and_tell(void*) {
  if (__atomic_load_n(&state.flag, __ATOMIC_RELAXED) != 0) store_release(state.ready, 1);
}
void told_reads_flag(void*) {
  if (load_acquire(state.ready) != 0) use(state.flag);
}
void told_reads_data(void*) {
  if (load_acquire(state.ready) != 0) use(state.data);
}
const Expecting race_not_seen_write{
    "race_not_seen_write", {}, {write_flag, see_flag_and_tell, told_reads_flag}};
const Expecting race_seen_relaxed{
    "race_seen_relaxed", kRace, {write_flag, see_flag_relaxed_and_tell, told_reads_flag}};
const Expecting race_behind_seen_write{
    "race_behind_seen_write", kRace, {write_flag_behind_data, see_flag_and_tell, told_reads_data}};
const Expecting race_two_writes{
    "race_two_writes", kRace, {write_flag, write_flag, see_flag_and_tell, told_reads_flag}};

// ---- locks ----

void locked_write(void*) {
  lock_a();
  state.data = 1;
  unlock_a();
}
void locked_read(void*) {
  lock_a();
  use(state.data);
  unlock_a();
}
void write_behind_lock(void*) {
  lock_a();
  unlock_a();
  state.data = 1;
}
void write_other_lock(void*) {
  lock_b();
  state.data = 1;
  unlock_b();
}
void write_shared(void*) {
  ck_lock_shared(&state.lock_a);
  state.data = 1;
  ck_unlock_shared(&state.lock_a);
}
void read_shared(void*) {
  ck_lock_shared(&state.lock_a);
  use(state.data);
  ck_unlock_shared(&state.lock_a);
}
void read_shared_twice(void*) {
  ck_lock_shared(&state.lock_a);
  ck_lock_shared(&state.lock_a);
  ck_unlock_shared(&state.lock_a);
  use(state.data);
  ck_unlock_shared(&state.lock_a);
}
void write_if_taken(void*) {
  if (ck_trylock(&state.lock_a) == 0) return;
  state.data = 1;
  unlock_a();
}
void write_anyway(void*) {
  if (ck_trylock(&state.lock_a) != 0) unlock_a();
  state.data = 1;
}
const Expecting race_not_locked{"race_not_locked", {}, {locked_write, locked_write, locked_read}};
const Expecting race_behind_lock{"race_behind_lock", kRace, {write_behind_lock, locked_read}};
const Expecting race_two_locks{"race_two_locks", kRace, {locked_write, write_other_lock}};
const Expecting race_not_rwsem{"race_not_rwsem", {}, {locked_write, read_shared, read_shared}};
const Expecting race_shared_writes{"race_shared_writes", kRace, {write_shared, write_shared}};
const Expecting race_not_nested_shared{
    "race_not_nested_shared", {}, {locked_write, read_shared_twice}};
const Expecting race_not_trylock{"race_not_trylock", {}, {locked_write, write_if_taken}};
const Expecting race_trylock_failed{"race_trylock_failed", kRace, {locked_write, write_anyway}};

// ---- release and acquire ----

template <int Order>
void send(void*) {
  state.data = 1;
  __atomic_store_n(&state.flag, 1, Order);
}
template <int Order>
void receive(void*) {
  if (__atomic_load_n(&state.flag, Order) == 1) use(state.data);
}
void send_fenced(void*) {
  state.data = 1;
  ck_fence(CK_RELEASE);
  __atomic_store_n(&state.flag, 1, __ATOMIC_RELAXED);
}
void receive_fenced(void*) {
  if (__atomic_load_n(&state.flag, __ATOMIC_RELAXED) != 1) return;
  ck_fence(CK_ACQUIRE);
  use(state.data);
}
void send_fenced_late(void*) {
  ck_fence(CK_RELEASE);
  state.data = 1;
  __atomic_store_n(&state.flag, 1, __ATOMIC_RELAXED);
}
void receive_fenced_early(void*) {
  ck_fence(CK_ACQUIRE);
  if (__atomic_load_n(&state.flag, __ATOMIC_RELAXED) == 1) use(state.data);
}
// A modification keeps what the store before it has published.
void pass_on(void*) { __atomic_fetch_add(&state.flag, 2, __ATOMIC_RELAXED); }
void receive_passed(void*) {
  if (load_acquire(state.flag) == 3) use(state.data);
}
void overwrite(void*) { __atomic_store_n(&state.flag, 2, __ATOMIC_RELAXED); }
void receive_overwritten(void*) {
  if (load_acquire(state.flag) == 2) use(state.data);
}
void write_after_send(void*) {
  store_release(state.flag, 1);
  state.data = 1;
}
constexpr int kRelaxed = __ATOMIC_RELAXED;
constexpr int kAcquire = __ATOMIC_ACQUIRE;
constexpr int kRelease = __ATOMIC_RELEASE;
const Expecting race_not_message{"race_not_message", {}, {send<kRelease>, receive<kAcquire>}};
const Expecting race_relaxed_store{
    "race_relaxed_store", kRace, {send<kRelaxed>, receive<kAcquire>}};
const Expecting race_relaxed_load{"race_relaxed_load", kRace, {send<kRelease>, receive<kRelaxed>}};
const Expecting race_not_fenced{"race_not_fenced", {}, {send_fenced, receive_fenced}};
const Expecting race_not_half_fenced{"race_not_half_fenced", {}, {send_fenced, receive<kAcquire>}};
const Expecting race_late_fence{"race_late_fence", kRace, {send_fenced_late, receive_fenced}};
const Expecting race_early_fence{"race_early_fence", kRace, {send_fenced, receive_fenced_early}};
const Expecting race_not_passed_on{
    "race_not_passed_on", {}, {send<kRelease>, pass_on, receive_passed}};
const Expecting race_overwritten{
    "race_overwritten", kRace, {send<kRelease>, overwrite, receive_overwritten}};
const Expecting race_after_send{"race_after_send", kRace, {write_after_send, receive<kAcquire>}};

// ---- grace periods ----

void read_if_set(void*) {
  ck_reader_begin();
  if (read_once(state.flag) == 0) use(state.data);
  ck_reader_end();
}
void read_if_set_outside(void*) {
  if (read_once(state.flag) == 0) use(state.data);
}
void retire(void*) {
  write_once(state.flag, 1);
  ck_synchronize();
  state.data = 1;
}
void retire_without_waiting(void*) {
  write_once(state.flag, 1);
  state.data = 1;
}
void write_data(void*) { state.data = 1; }
void retire_by_callback(void*) {
  write_once(state.flag, 1);
  ck_after_grace("callback", write_data, nullptr);
}
void retire_beside_callback(void*) {
  ck_after_grace("callback", write_data, nullptr);
  state.data = 2;
}
const Expecting race_not_grace{"race_not_grace", {}, {read_if_set, retire}};
const Expecting race_no_grace{"race_no_grace", kRace, {read_if_set, retire_without_waiting}};
const Expecting race_no_reader{"race_no_reader", kRace, {read_if_set_outside, retire}};
const Expecting race_not_callback{"race_not_callback", {}, {read_if_set, retire_by_callback}};
const Expecting race_callback{"race_callback", kRace, {retire_beside_callback}};
// What was written before the grace period began is seen by readers that begin behind it.
void write_then_wait(void*) {
  state.data = 1;
  ck_synchronize();
  write_once(state.flag, 1);
}
void read_behind_grace(void*) {
  ck_reader_begin();
  if (__atomic_load_n(&state.flag, __ATOMIC_RELAXED) == 1) use(state.data);
  ck_reader_end();
}
void read_behind_grace_outside(void*) {
  if (__atomic_load_n(&state.flag, __ATOMIC_RELAXED) == 1) use(state.data);
}
// Who sees the flag in a reader cannot have begun before the grace period did.
const Expecting race_not_behind_grace{
    "race_not_behind_grace", {}, {write_then_wait, read_behind_grace}};
const Expecting race_grace_publishes_not{
    "race_grace_publishes_not", kRace, {write_then_wait, read_behind_grace_outside}};

// ---- threads ----

void child(void*) { state.data = 1; }
void spawn_and_join(void*) {
  state.data = 2;
  const int thread = ck_spawn("child", child, nullptr);
  ck_join(thread);
  state.data = 3;
}
void spawn_and_forget(void*) {
  ck_spawn("child", child, nullptr);
  state.data = 3;
}
const Expecting race_not_joined{"race_not_joined", {}, {spawn_and_join}};
const Expecting race_child{"race_child", kRace, {spawn_and_forget}};

void sleeper(void*) {
  store_release(state.task, ck_self());
  ck_prepare_to_sleep();
  if (read_once(state.ready) == 0) ck_sleep(0);
  use(state.data);
}
void waker(void*) {
  state.data = 1;
  store_release(state.ready, 1);
  const int task = load_acquire(state.task);
  if (task != 0) ck_wake(task);
}
void waker_that_writes_late(void*) {
  store_release(state.ready, 1);
  const int task = load_acquire(state.task);
  if (task != 0) ck_wake(task);
  state.data = 1;
}
void only_sleeps(void*) {
  ck_sleep(0);
  use(state.data);
}
void only_wakes(void*) {
  state.data = 1;
  ck_wake(1);
}
const Expecting race_not_woken{"race_not_woken", {}, {sleeper, waker}};
const Expecting race_woken_early{"race_woken_early", kRace, {sleeper, waker_that_writes_late}};
const Expecting race_not_only_woken{"race_not_only_woken", {}, {only_sleeps, only_wakes}};

// Another thread's stack is memory like any other.
void write_through(void*) { *reinterpret_cast<int*>(read_once(state.device)) = 1; }
void lend_stack(void*) {
  int mine = 0;
  asm volatile("" : : "r"(&mine) : "memory");
  write_once(state.device, reinterpret_cast<Device*>(&mine));
  const int thread = ck_spawn("child", write_through, nullptr);
  mine = 2;
  use(mine);
  ck_join(thread);
}
const Expecting race_on_stack{"race_on_stack", kRace, {lend_stack}};

}  // namespace
}  // namespace iommucheck::schedule::programs
