// SPDX-License-Identifier: MIT
// Programs for the detectors of memory: objects that are freed too early, twice, never, or missed.
#include "tests/checker/schedule/kernel_words.h"

namespace iommucheck::schedule::programs {
namespace {

void publish() { state.device = kzalloc(); }

// ---- use after free ----

void use_freed(void*) {
  Device* device = kzalloc();
  ck_free(device);
  use(device->id);
}
const Expecting uaf_in_order{"uaf_in_order", {"use-after-free"}, {use_freed}};

void use_then_free(void*) {
  Device* device = kzalloc();
  use(device->id);
  device->users = 1;
  ck_free(device);
}
const Expecting used_before_free{"used_before_free", {}, {use_then_free}};

void mark_freed(void*) {
  Device* device = kzalloc();
  ck_free(device);
  write_once(device->id, 1);
}
const Expecting uaf_marked{"uaf_marked", {"use-after-free"}, {mark_freed}};

void lock_freed(void*) {
  Device* device = kzalloc();
  ck_free(device);
  ck_lock(&device->users);
}
const Expecting uaf_lock{"uaf_lock", {"use-after-free"}, {lock_freed}};

// The last of two puts frees: the other put is over when its value has been read, but what was done
// before it only if a fence says so.
void publish_with_two_users() {
  publish();
  state.device->users = 2;
}
void put() {
  if (__atomic_sub_fetch(&state.device->users, 1, __ATOMIC_RELAXED) != 0) return;
  ck_fence(CK_ACQUIRE);
  ck_free(state.device);
}
void only_put(void*) { put(); }
void put_acquiring() {
  if (__atomic_sub_fetch(&state.device->users, 1, __ATOMIC_ACQUIRE) == 0) ck_free(state.device);
}
void only_put_acquiring(void*) { put_acquiring(); }
void only_put_relaxed(void*) {
  if (__atomic_sub_fetch(&state.device->users, 1, __ATOMIC_RELAXED) == 0) ck_free(state.device);
}
template <bool Before, bool Behind>
void write_and_put(void*) {
  if (Before) state.device->next = nullptr;
  ck_fence(CK_RELEASE);
  if (Behind) state.device->next = nullptr;
  put();
}
void write_and_put_unfenced(void*) {
  state.device->next = nullptr;
  put();
}
void write_marked(void*) { write_once(state.device->users, 1); }
void drop(void*) { ck_free(state.device); }
const Expecting last_put_frees{"last_put_frees", {}, {only_put, only_put}, publish_with_two_users};
const Expecting last_acquiring_put_frees{"last_acquiring_put_frees",
                                         {},
                                         {only_put_acquiring, only_put_acquiring},
                                         publish_with_two_users};
const Expecting uaf_put_relaxed{"uaf_put_relaxed",
                                {"use-after-free"},
                                {only_put_relaxed, only_put_relaxed},
                                publish_with_two_users};
const Expecting last_fenced_put_frees{
    "last_fenced_put_frees", {}, {write_and_put<true, false>, only_put}, publish_with_two_users};
const Expecting uaf_put_unfenced{"uaf_put_unfenced",
                                 {"use-after-free"},
                                 {write_and_put_unfenced, only_put},
                                 publish_with_two_users};
const Expecting uaf_write_behind_the_fence{"uaf_write_behind_the_fence",
                                           {"use-after-free"},
                                           {write_and_put<false, true>, only_put},
                                           publish_with_two_users};
const Expecting uaf_marked_write_unseen{
    "uaf_marked_write_unseen", {"use-after-free"}, {write_marked, drop}, publish};

// Others may have looked in between: that the put is over is not forgotten for it.
void look_at_users(void*) {
  ck_reader_begin();
  Device* device = read_once(state.device);
  if (device != nullptr) use(read_once(device->users));
  ck_reader_end();
}
void put_kfree_rcu(void*) {
  Device* device = read_once(state.device);
  if (__atomic_sub_fetch(&device->users, 1, __ATOMIC_RELAXED) != 0) return;
  ck_fence(CK_ACQUIRE);
  write_once<Device*>(state.device, nullptr);
  ck_free_after_grace(device);
}
const Expecting last_put_frees_beside_readers{"last_put_frees_beside_readers",
                                              {},
                                              {put_kfree_rcu, put_kfree_rcu, look_at_users},
                                              publish_with_two_users};

void look(void*) { use(state.device->id); }
const Expecting uaf_unordered{"uaf_unordered", {"use-after-free"}, {look, drop}, publish};

void look_marked(void*) { use(read_once(state.device->id)); }
const Expecting uaf_unordered_marked{
    "uaf_unordered_marked", {"use-after-free"}, {look_marked, drop}, publish};

// The pointer is taken under the lock, the object is used behind it.
void look_late(void*) {
  lock_a();
  const Device* device = state.device;
  unlock_a();
  if (device != nullptr) use(device->id);
}
void look_locked(void*) {
  lock_a();
  if (state.device != nullptr) use(state.device->id);
  unlock_a();
}
void remove_locked(void*) {
  lock_a();
  Device* device = state.device;
  state.device = nullptr;
  unlock_a();
  ck_free(device);
}
const Expecting uaf_lock_dropped{
    "uaf_lock_dropped", {"use-after-free"}, {look_late, remove_locked}, publish};
const Expecting used_locked{"used_locked", {}, {look_locked, remove_locked}, publish};

// ---- grace periods ----

Device* remove_device() {
  Device* device = read_once(state.device);
  write_once<Device*>(state.device, nullptr);
  return device;
}
void read_in_reader(void*) {
  ck_reader_begin();
  const Device* device = read_once(state.device);
  if (device != nullptr) use(device->id);
  ck_reader_end();
}
void read_without_reader(void*) {
  const Device* device = read_once(state.device);
  if (device != nullptr) use(device->id);
}
void read_in_late_reader(void*) {
  const Device* device = read_once(state.device);
  ck_reader_begin();
  if (device != nullptr) use(device->id);
  ck_reader_end();
}
void read_behind_reader(void*) {
  ck_reader_begin();
  const Device* device = read_once(state.device);
  ck_reader_end();
  if (device != nullptr) use(device->id);
}
void read_in_nested_reader(void*) {
  ck_reader_begin();
  ck_reader_begin();
  const Device* device = read_once(state.device);
  ck_reader_end();
  if (device != nullptr) use(device->id);
  ck_reader_end();
}
void remove_kfree_rcu(void*) { ck_free_after_grace(remove_device()); }
void remove_synchronize(void*) {
  Device* device = remove_device();
  ck_synchronize();
  ck_free(device);
}
void remove_at_once(void*) { ck_free(remove_device()); }
void free_callback(void* device) { ck_free(device); }
void remove_call_rcu(void*) { ck_after_grace("callback", free_callback, remove_device()); }
void remove_too_late(void*) {
  Device* device = read_once(state.device);
  ck_synchronize();
  write_once<Device*>(state.device, nullptr);
  ck_free(device);
}

const Expecting rcu_legal{"rcu_legal", {}, {read_in_reader, remove_kfree_rcu}, publish};
const Expecting rcu_nested{"rcu_nested", {}, {read_in_nested_reader, remove_kfree_rcu}, publish};
const Expecting rcu_two_readers{
    "rcu_two_readers", {}, {read_in_reader, read_in_reader, remove_kfree_rcu}, publish};
const Expecting rcu_outside{
    "rcu_outside", {"use-after-free"}, {read_without_reader, remove_kfree_rcu}, publish};
const Expecting rcu_late{
    "rcu_late", {"use-after-free"}, {read_in_late_reader, remove_kfree_rcu}, publish};
const Expecting rcu_behind{
    "rcu_behind", {"use-after-free"}, {read_behind_reader, remove_kfree_rcu}, publish};
const Expecting rcu_synchronize{
    "rcu_synchronize", {}, {read_in_reader, remove_synchronize}, publish};
const Expecting rcu_synchronize_late{
    "rcu_synchronize_late", {"use-after-free"}, {read_in_reader, remove_too_late}, publish};
const Expecting rcu_no_grace{
    "rcu_no_grace", {"use-after-free"}, {read_in_reader, remove_at_once}, publish};
const Expecting rcu_callback{"rcu_callback", {}, {read_in_reader, remove_call_rcu}, publish};
const Expecting rcu_callback_outside{
    "rcu_callback_outside", {"use-after-free"}, {read_without_reader, remove_call_rcu}, publish};
// The grace period is over when nobody runs any more.
void give_to_rcu(void*) { ck_free_after_grace(state.device); }
void look_at_the_end() { use(state.device->id); }
const Expecting rcu_at_the_end{
    "rcu_at_the_end", {"use-after-free"}, {give_to_rcu}, publish, look_at_the_end};

void wait_in_reader(void*) {
  ck_reader_begin();
  ck_synchronize();
  ck_reader_end();
}
void wait_behind_reader(void*) {
  ck_reader_begin();
  ck_reader_end();
  ck_synchronize();
}
const Expecting rcu_misuse{"rcu_misuse", {"RCU misuse"}, {wait_in_reader}};
const Expecting rcu_waits_outside{"rcu_waits_outside", {}, {wait_behind_reader}};

// ---- free ----

void free_twice(void*) {
  Device* device = kzalloc();
  ck_free(device);
  ck_free(device);
}
void free_rcu_twice(void*) {
  Device* device = kzalloc();
  ck_free_after_grace(device);
  ck_free_after_grace(device);
}
void free_rcu_free(void*) {
  Device* device = kzalloc();
  ck_free_after_grace(device);
  ck_free(device);
}
void take_and_free(void*) {
  ck_free(__atomic_exchange_n(&state.device, nullptr, __ATOMIC_ACQ_REL));
}
const Expecting double_free{"double_free", {"double free"}, {free_twice}};
const Expecting double_free_rcu{"double_free_rcu", {"double free"}, {free_rcu_twice}};
const Expecting double_free_mixed{"double_free_mixed", {"double free"}, {free_rcu_free}};
const Expecting double_free_two{"double_free_two", {"double free"}, {drop, drop}, publish};
const Expecting free_once{"free_once", {}, {take_and_free, take_and_free}, publish};

void free_inside(void*) { ck_free(&kzalloc()->users); }
void free_static(void*) { ck_free(&state.data); }
void free_inside_rcu(void*) { ck_free_after_grace(&kzalloc()->users); }
void free_null(void*) { ck_free(nullptr); }
const Expecting invalid_free{"invalid_free", {"invalid free"}, {free_inside}};
const Expecting invalid_free_static{"invalid_free_static", {"invalid free"}, {free_static}};
const Expecting invalid_free_rcu{"invalid_free_rcu", {"invalid free"}, {free_inside_rcu}};
const Expecting free_of_null{"free_of_null", {}, {free_null}};

// ---- bounds and NULL ----

int* numbers(unsigned count) { return static_cast<int*>(ck_alloc(count * sizeof(int), 4, 1)); }
template <int Index>
void touch_number(void*) {
  int* all = numbers(5);
  state.device = reinterpret_cast<Device*>(all);
  all[Index] = 1;
}
void touch_half(void*) {
  int* all = numbers(5);
  state.device = reinterpret_cast<Device*>(all);
  *reinterpret_cast<long*>(all + 4) = 1;
}
const Expecting bounds_last{"bounds_last", {}, {touch_number<4>}};
const Expecting bounds_behind{"bounds_behind", {"out-of-bounds"}, {touch_number<5>}};
const Expecting bounds_far{"bounds_far", {"out-of-bounds"}, {touch_number<10>}};
const Expecting bounds_half{"bounds_half", {"out-of-bounds"}, {touch_half}};
const Expecting bounds_before{"bounds_before", {"out-of-bounds"}, {touch_number<-1>}};
// Behind a freed object, in front of the next: neither's life is the point.
void touch_before_second(void*) {
  ck_free(kzalloc());
  touch_number<-1>(nullptr);
}
const Expecting bounds_between{"bounds_between", {"out-of-bounds"}, {touch_before_second}};
void touch_nothing(void*) {
  int* all = numbers(5);
  state.device = reinterpret_cast<Device*>(all);
  all[100000] = 1;
}
const Expecting bounds_wild{"bounds_wild", {"wild pointer"}, {touch_nothing}};

void look_at_null(void*) { use(read_once(state.device)->users); }
void write_to_null(void*) { read_once(state.device)->users = 1; }
void look_unless_null(void*) {
  const Device* device = read_once(state.device);
  if (device != nullptr) use(device->users);
}
const Expecting null_read{"null_read", {"NULL dereference"}, {look_at_null}};
const Expecting null_write{"null_write", {"NULL dereference"}, {write_to_null}};
const Expecting null_checked{"null_checked", {}, {look_unless_null}};
// Only if the other thread comes between the test and the use.
void test_and_look(void*) {
  if (read_once(state.device) != nullptr) use(read_once(state.device)->users);
}
void forget(void*) { write_once<Device*>(state.device, nullptr); }
void publish_both() { state.device = state.other = kzalloc(); }
const Expecting null_between{
    "null_between", {"NULL dereference"}, {test_and_look, forget}, publish_both};

// ---- leaks ----

void allocate_only(void*) { use(kzalloc()); }
void allocate_static(void*) { state.device = kzalloc(); }
void allocate_chain(void*) {
  Device* device = kzalloc();
  device->next = kzalloc();
  device->next->next = kzalloc();
  state.device = device;
}
void allocate_ring(void*) {
  Device* device = kzalloc();
  device->next = device;
}
void drop_holder(void*) {
  Device* device = kzalloc();
  device->next = kzalloc();
  ck_free_after_grace(device);
  state.device = device;
}
void forget_locked(void*) {
  lock_a();
  state.device = nullptr;
  unlock_a();
}
const Expecting leak{"leak", {"leak"}, {allocate_only}};
const Expecting leak_ring{"leak_ring", {"leak"}, {allocate_ring}};
const Expecting leak_held_by_freed{"leak_held_by_freed", {"leak"}, {drop_holder}};
const Expecting leak_of_setup{"leak_of_setup", {"leak"}, {forget_locked}, publish};
const Expecting kept_static{"kept_static", {}, {allocate_static}};
const Expecting kept_chain{"kept_chain", {}, {allocate_chain}};
const Expecting kept_rcu{"kept_rcu", {}, {free_null, remove_kfree_rcu}, publish};
// Known to the set-up alone, in memory that is not restored: nobody can judge it.
Device* hidden;
void hide() { hidden = kzalloc(); }
const Expecting kept_hidden{"kept_hidden", {}, {free_null}, hide};

}  // namespace
}  // namespace iommucheck::schedule::programs
